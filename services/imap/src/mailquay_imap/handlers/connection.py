"""The connection: capabilities, TLS, signing in (RFC 9051 §6.1, §6.2; RFC 2971; RFC 5161)."""

import base64
import binascii
import ssl
from functools import partial
from typing import Final

import structlog

from mailquay.identity import AuthError, Throttled, Unavailable
from mailquay.net.stream import Stream
from mailquay.net.tls import TlsError
from mailquay.store.accounts import Account
from mailquay_imap.capabilities import ENABLEABLE, capabilities, may_sign_in, sign_in_channel
from mailquay_imap.deflate import Deflated
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session
from mailquay_imap.states import State

_LOG: Final = structlog.get_logger(__name__)
#: Failed sign-ins of one connection; who has more guesses has to come again.
_FAILURES_MAX: Final = 6


async def handle_capability(session: Session, _command: c.Capability) -> Ok:
    """CAPABILITY (RFC 9051 §6.1.1)."""
    session.write(f"* CAPABILITY {' '.join(capabilities(session))}\r\n".encode())
    return Ok()


async def handle_noop(_session: Session, _command: c.Noop | c.Check) -> Ok:
    """NOOP (RFC 9051 §6.1.2) and CHECK (RFC 3501 §6.4.1): news is told with every command."""
    return Ok()


async def handle_logout(session: Session, _command: c.Logout) -> Ok:
    """LOGOUT (RFC 9051 §6.1.3)."""
    session.write(b"* BYE See you\r\n")
    await session.unselect()
    session.state = State.LOGOUT
    return Ok()


async def handle_id(session: Session, command: c.Id) -> Ok:
    """ID (RFC 2971)."""
    if command.fields:
        fields = {name.lower(): value for name, value in command.fields}
        session.client_id = f"{fields.get('name', '')} {fields.get('version', '')}".strip()[:100]
        _LOG.info("client", client=session.stream.peer.address, name=session.client_id)
    session.write(b'* ID ("name" "Mailquay")\r\n')
    return Ok()


async def handle_starttls(session: Session, _command: c.StartTls) -> Ok:
    """STARTTLS (RFC 9051 §6.2.1); what was pipelined behind it in the clear is thrown away."""
    if session.stream.tls is not None:
        raise Bad("TLS is active already", code="CLIENTBUG")
    try:
        context = session.server.tls.server_context(asks_certificate=True)
    except TlsError as error:
        raise Bad("TLS is not available") from error
    if isinstance(session.stream, Deflated):
        raise Bad("TLS is not begun inside DEFLATE")  # RFC 4978 §3
    session.after_reply = partial(_upgrade, session, session.stream, context)
    return Ok("Begin TLS negotiation now")


async def _upgrade(session: Session, stream: Stream, context: ssl.SSLContext) -> None:
    """Go on inside TLS; nothing that was said before it counts (RFC 9051 §6.2.1, §11.1)."""
    session.data.discard()
    await stream.start_tls(context)


async def handle_unauthenticate(session: Session, _command: c.Unauthenticate) -> Ok:
    """UNAUTHENTICATE (RFC 8437): another may sign in; TLS stays, compression ends (§4.1).

    Where a proxy in front looks at who signs in, it can be hidden, and is then refused (§8).
    """
    if "UNAUTHENTICATE" in session.hidden:
        raise Bad("that is not offered here")
    await session.sign_out()
    if isinstance(session.stream, Deflated):
        session.after_reply = partial(_end_deflate, session, session.stream)
    return Ok("Who are you?", code=f"CAPABILITY {' '.join(capabilities(session))}")


async def _end_deflate(session: Session, stream: Deflated) -> None:
    session.data.discard()
    session.stream, rest = stream.end()
    session.data.receive_data(rest)


async def handle_enable(session: Session, command: c.Enable) -> Ok:
    """ENABLE (RFC 5161)."""
    wanted = ENABLEABLE.intersection(command.capabilities) - session.hidden
    fresh = sorted(wanted - session.enabled)
    names = ["IMAP4rev2" if name == "IMAP4REV2" else name for name in fresh]
    session.write(" ".join(["* ENABLED", *names]).encode() + b"\r\n")
    if wanted & {"CONDSTORE", "QRESYNC"}:
        session.enable_condstore()  # the one includes the other (RFC 7162 §3.2.3)
    session.enable(*wanted)
    return Ok()


async def handle_login(session: Session, command: c.Login) -> Ok:
    """LOGIN (RFC 9051 §6.2.3)."""
    if not may_sign_in(session):
        raise No("sign in over TLS", code="PRIVACYREQUIRED")
    try:
        account = await session.server.authenticator.verify_password(
            command.username, command.password, remote=session.stream.peer.address
        )
    except AuthError as error:
        raise _refusal(session, error) from None
    return _welcome(session, account)


async def handle_authenticate(session: Session, command: c.Authenticate) -> Ok:
    """AUTHENTICATE (RFC 9051 §6.2.2), with an initial response too (RFC 4959)."""
    if not may_sign_in(session):
        raise No("sign in over TLS", code="PRIVACYREQUIRED")
    exchange = session.server.authenticator.sasl(
        command.mechanism, remote=session.stream.peer.address, channel=sign_in_channel(session)
    )
    if exchange is None:
        raise No("that mechanism is not supported", code="CANNOT")
    try:
        response = None
        if command.initial is not None:
            # "=" is the empty one (RFC 9051 §6.2.2).
            response = b"" if command.initial == b"=" else _decode(command.initial)
        while True:
            outcome = await exchange.step(response)
            if isinstance(outcome, Account):
                return _welcome(session, outcome)
            session.write(b"+ " + base64.b64encode(outcome) + b"\r\n")
            line = await _next_line(session)
            if line == b"*":
                raise Bad("authentication was cancelled")
            response = _decode(line)
    except AuthError as error:
        raise _refusal(session, error) from None


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Bad("that is not base64") from error


async def _next_line(session: Session) -> bytes:
    await session.flush()
    while True:
        try:
            line = session.data.next_line()
        except ValueError:
            raise Bad("the response is too long") from None
        if line is not None:
            return line
        await session.read_more()


def _welcome(session: Session, account: Account) -> Ok:
    session.signed_in(account)
    _LOG.info("signed in", address=account.address, client=session.stream.peer.address)
    text = " ".join(capabilities(session))
    return Ok("Welcome", code=f"CAPABILITY {text}")


def _refusal(session: Session, error: AuthError) -> No:
    _LOG.info("sign-in failed", client=session.stream.peer.address, reason=str(error))
    session.failed_sign_ins += 1
    if session.failed_sign_ins >= _FAILURES_MAX:
        session.farewell = b"* BYE Too many failed sign-ins\r\n"
    if isinstance(error, Throttled):
        # Not that the password is wrong: nobody has looked at it.
        return No("too many failed sign-ins, try again later", code="UNAVAILABLE")
    if isinstance(error, Unavailable):
        return No("the accounts cannot be read, try again later", code="UNAVAILABLE")
    return No("name or password are wrong", code="AUTHENTICATIONFAILED")
