"""AUTH (RFC 5034): a SASL exchange on lines of base64."""

import base64
import binascii

from mailquay.identity import AuthError, SaslExchange
from mailquay.store.accounts import Account
from mailquay_pop3.handlers.signed_in import enter, refuse, require_secure
from mailquay_pop3.protocol.commands import Command, SyntaxFault
from mailquay_pop3.protocol.multiline import listing
from mailquay_pop3.replies import Refused
from mailquay_pop3.session import Session


async def handle_auth(session: Session, command: Command) -> None:
    """AUTH; without an argument it lists the mechanisms, as old clients expect."""
    require_secure(session)
    mechanism, _, initial = command.argument.strip().partition(" ")
    if not mechanism:
        session.say("+OK mechanisms follow")
        session.write(listing(session.server.authenticator.mechanisms(session.stream.channel)))
        return
    stream = session.stream
    exchange = session.server.authenticator.sasl(
        mechanism, remote=stream.peer.address, channel=stream.channel
    )
    if exchange is None:
        raise Refused("that mechanism is not supported")
    try:
        account = await _exchange(session, exchange, initial.strip())
    except AuthError as error:
        raise refuse(session, error) from error
    await enter(session, account)


async def _exchange(session: Session, exchange: SaslExchange, initial: str) -> Account:
    # An equals sign alone is an initial response that is empty, and only there (RFC 5034 §4).
    text = initial.encode("utf-8", "surrogateescape")
    response = b"" if initial == "=" else _decode(text) if initial else None
    while True:
        outcome = await exchange.step(response)
        if isinstance(outcome, Account):
            return outcome
        session.write(b"+ " + base64.b64encode(outcome) + b"\r\n")
        line = await session.next_line()
        if line == b"*":
            raise Refused("authentication was cancelled")
        response = _decode(line)


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise SyntaxFault("that is not base64") from error
