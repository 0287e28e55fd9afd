"""MAIL (RFC 5321 §4.1.1.2) with SIZE, BODY, SMTPUTF8 and AUTH: a transaction begins."""

from mailquay.identity import AddressError, envelope_address
from mailquay_smtp_in.acceptance import Envelope
from mailquay_smtp_in.replies import Refused, Reply
from mailquay_smtp_in.server import Role
from mailquay_smtp_in.session import Session, new_trace_id
from mailquay_smtp_in.syntax import ParameterFault, PathFault, parse_path


async def handle_mail(session: Session, argument: str) -> None:
    """MAIL: on a submission from an address of who has signed in, and from no other."""
    session.require_hello()
    if session.envelope is not None:
        raise Refused(Reply.NESTED_MAIL)
    await _require_sign_in(session)
    try:
        path = parse_path(argument, "FROM:")
    except PathFault as error:
        raise Refused(Reply.syntax("5.1.7", str(error))) from error
    except ParameterFault as error:
        raise Refused(Reply.syntax("5.5.4", str(error))) from error
    size = _take_parameters(session, path.parameters)
    smtputf8 = "SMTPUTF8" in path.parameters
    if not path.address.isascii() and not smtputf8:
        raise Refused(Reply.NEEDS_SMTPUTF8)
    try:
        reverse_path = envelope_address(path.address) if path.address else ""
    except AddressError as error:
        raise Refused(Reply.BAD_SENDER) from error
    if session.own is not None and reverse_path and not await session.own.has(reverse_path):
        raise Refused(Reply.NOT_YOUR_ADDRESS)
    session.begin_mail(Envelope(reverse_path, new_trace_id(), smtputf8, size))
    session.say(Reply.SENDER_OK)


async def _require_sign_in(session: Session) -> None:
    """On a submission port: someone has signed in, and may go on."""
    if session.role is not Role.SUBMISSION:
        return
    if session.own is None:
        raise Refused(Reply.AUTH_REQUIRED if session.may_sign_in else Reply.TLS_REQUIRED)
    if not await session.server.authenticator.is_unchanged(session.own.account):
        session.connection.farewell = Reply.REVOKED
        raise Refused(Reply.AUTH_REQUIRED)


def _take_parameters(session: Session, parameters: dict[str, str]) -> int:
    """Judge each parameter; returns the declared size in bytes, 0 when there is none."""
    size = 0
    if parameters and not session.is_extended:
        raise Refused(Reply.PARAMETER)
    for name, value in parameters.items():
        match name:
            case "SIZE":  # RFC 1870 §4
                if not value.isascii() or not value.isdigit() or len(value) > 20:
                    raise Refused(Reply.BAD_SIZE)
                size = int(value)
                if size > session.server.settings.smtp_in.max_message_bytes:
                    raise Refused(Reply.TOO_LARGE, is_mistake=False)
            case "BODY":  # RFC 6152 §2
                if value.upper() not in ("7BIT", "8BITMIME"):
                    raise Refused(Reply.BAD_BODY)
            case "SMTPUTF8" if not value:  # RFC 6531 §3.4
                continue
            case "AUTH" if value and session.own is not None:  # RFC 4954 §5: taken, not believed
                continue
            case _:
                raise Refused(Reply.PARAMETER)
    return size
