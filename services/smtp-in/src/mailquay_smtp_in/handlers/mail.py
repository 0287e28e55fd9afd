"""MAIL (RFC 5321 §4.1.1.2) with its parameters: a transaction begins."""

from typing import Final

from mailquay.identity import AddressError, envelope_address
from mailquay_smtp_in.dsn import read_envelope_id, read_ret
from mailquay_smtp_in.envelope import Envelope
from mailquay_smtp_in.replies import Refused, Reply
from mailquay_smtp_in.server import Role
from mailquay_smtp_in.session import Session, new_trace_id
from mailquay_smtp_in.syntax import ParameterFault, PathFault, parse_path

#: RFC 1870 §3.
_SIZE_DIGITS: Final = 20


async def handle_mail(session: Session, argument: str) -> None:
    """MAIL: on a submission from an address of who has signed in, and from no other."""
    session.require_hello()
    if session.envelope is not None:
        raise Refused(Reply.NESTED_MAIL)
    await _require_sign_in(session)
    try:
        path = parse_path(argument, "FROM:")
        envelope = _read_parameters(session, path.parameters)
    except PathFault as error:
        raise Refused(Reply.syntax("5.1.7", str(error))) from error
    except ParameterFault as error:
        raise Refused(Reply.syntax("5.5.4", str(error))) from error
    if not path.address.isascii() and not envelope.smtputf8:
        raise Refused(Reply.NEEDS_SMTPUTF8)
    try:
        envelope.reverse_path = envelope_address(path.address) if path.address else ""
    except AddressError as error:
        raise Refused(Reply.BAD_SENDER) from error
    sender = envelope.reverse_path
    if session.own is not None and sender and not await session.own.has(sender):
        raise Refused(Reply.NOT_YOUR_ADDRESS)
    if session.own is not None:
        envelope.sending = await session.server.store.policies.sending(session.own.account.id)
        limit = session.server.settings.smtp_in.max_message_bytes
        if envelope.declared_size > envelope.sending.message_limit(limit):
            raise Refused(Reply.TOO_LARGE, is_mistake=False)
    session.begin_mail(envelope)
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


def _read_parameters(session: Session, parameters: dict[str, str]) -> Envelope:
    """Judge each parameter; an envelope with what they say, and nobody in it yet."""
    envelope = Envelope("", new_trace_id())
    if parameters and not session.is_extended:
        raise Refused(Reply.PARAMETER)
    for name, value in parameters.items():
        match name:
            case "SIZE":  # RFC 1870 §4
                envelope.declared_size = _read_size(value)
                if envelope.declared_size > session.server.settings.smtp_in.max_message_bytes:
                    raise Refused(Reply.TOO_LARGE, is_mistake=False)
            case "BODY":  # RFC 6152 §2
                if value.upper() not in ("7BIT", "8BITMIME"):
                    raise ParameterFault("BODY is 7BIT or 8BITMIME")
            case "SMTPUTF8" if not value:  # RFC 6531 §3.4
                envelope.smtputf8 = True
            case "AUTH" if value and session.own is not None:  # RFC 4954 §5: taken, not believed
                continue
            case "RET" if session.may_ask_reports:
                envelope.ret = read_ret(value)
            case "ENVID" if session.may_ask_reports:
                envelope.envelope_id = read_envelope_id(value)
            case _:
                raise Refused(Reply.PARAMETER)
    return envelope


def _read_size(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > _SIZE_DIGITS:
        raise ParameterFault("SIZE needs a number")
    return int(value)
