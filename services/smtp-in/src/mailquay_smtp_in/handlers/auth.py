"""AUTH (RFC 4954): a SASL exchange on lines of base64."""

import base64
import binascii
from typing import Final

import structlog

from mailquay.delivery.senders import OwnAddresses
from mailquay.identity import AuthError, SaslExchange, Throttled, Unavailable
from mailquay.store.accounts import Account
from mailquay_smtp_in.connection import AUTH_LINE_MAX, LineTooLong
from mailquay_smtp_in.replies import Refused, Reply
from mailquay_smtp_in.server import Role
from mailquay_smtp_in.session import Session

_LOG: Final = structlog.get_logger(__name__)


async def handle_auth(session: Session, argument: str) -> None:
    """AUTH, once a session, and not during a mail transaction (RFC 4954 §4)."""
    if session.role is not Role.SUBMISSION:
        raise Refused(Reply.NOT_IMPLEMENTED)
    session.require_hello()
    if session.own is not None:
        raise Refused(Reply.ALREADY_AUTHENTICATED)
    if session.envelope is not None:
        raise Refused(Reply.IN_MAIL)
    if not session.may_sign_in:
        raise Refused(Reply.TLS_FOR_AUTH)
    mechanism, _, initial = argument.partition(" ")
    connection = session.connection
    exchange = session.server.authenticator.sasl(
        mechanism, remote=connection.peer.address, channel=connection.channel
    )
    if exchange is None:
        raise Refused(Reply.UNKNOWN_MECHANISM)
    try:
        account = await _exchange(session, exchange, initial.strip(" "))
    except Throttled:
        _LOG.info("sign-in throttled", mechanism=exchange.mechanism)
        session.connection.farewell = Reply.THROTTLED
    except Unavailable as error:
        _LOG.warning("the accounts cannot be read", reason=str(error))
        raise Refused(Reply.AUTH_UNAVAILABLE, is_mistake=False) from error
    except AuthError as error:
        _LOG.info("sign-in failed", mechanism=exchange.mechanism)
        raise Refused(Reply.AUTH_FAILED) from error
    else:
        session.own = OwnAddresses(session.server.store, account)
        _LOG.info("signed in", address=account.address, mechanism=exchange.mechanism)
        session.say(Reply.AUTHENTICATED)


async def _exchange(session: Session, exchange: SaslExchange, initial: str) -> Account:
    # An equals sign alone is an initial response that is empty, and only there.
    response = b"" if initial == "=" else _decode(initial.encode()) if initial else None
    while True:
        outcome = await exchange.step(response)
        if isinstance(outcome, Account):
            return outcome
        session.say(b"334 " + base64.b64encode(outcome))
        try:
            line = await session.connection.next_line(AUTH_LINE_MAX)
        except LineTooLong:
            raise Refused(Reply.AUTH_TOO_LONG) from None
        if not line.endswith(b"\r\n"):
            raise Refused(Reply.AUTH_SYNTAX)
        if line == b"*\r\n":
            raise Refused(Reply.AUTH_CANCELLED)
        response = _decode(line[:-2])


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refused(Reply.AUTH_SYNTAX) from error
