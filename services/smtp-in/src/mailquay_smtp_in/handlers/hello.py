"""HELO and EHLO (RFC 5321 §4.1.1.1), LHLO (RFC 2033 §4.1): who the client is, what we offer."""

from typing import Final

from mailquay_smtp_in.replies import Refused, Reply
from mailquay_smtp_in.server import Role
from mailquay_smtp_in.session import Session

#: RFC 5321 §4.5.3.1.2.
_NAME_MAX: Final = 255


async def handle_helo(session: Session, argument: str) -> None:
    """HELO: without extensions."""
    _greet(session, argument, is_lmtp=False)
    session.is_extended = False
    session.say(f"250 {session.server.settings.hostname}".encode())


async def handle_ehlo(session: Session, argument: str) -> None:
    """EHLO."""
    _greet(session, argument, is_lmtp=False)
    _offer(session)


async def handle_lhlo(session: Session, argument: str) -> None:
    """LHLO."""
    _greet(session, argument, is_lmtp=True)
    _offer(session)


def _greet(session: Session, name: str, *, is_lmtp: bool) -> None:
    """Learn the client's name; a transaction that is under way ends (RFC 5321 §4.1.4).

    What the name is worth is not for us to say: many clients do not know their own.
    """
    if is_lmtp is not (session.role is Role.LMTP):
        raise Refused(Reply.SMTP_HELLO if is_lmtp else Reply.LMTP_HELLO)
    if not name or len(name) > _NAME_MAX or not name.isprintable() or " " in name:
        raise Refused(Reply.HELLO_SYNTAX)
    session.helo = name
    session.reset()


def _offer(session: Session) -> None:
    """Say what is offered here and now."""
    session.is_extended = True
    settings = session.server.settings
    lines = [settings.hostname, "PIPELINING", f"SIZE {settings.smtp_in.max_message_bytes}"]
    if session.may_start_tls:
        lines.append("STARTTLS")
    if session.may_sign_in:
        mechanisms = session.server.authenticator.mechanisms(session.connection.channel)
        lines.append("AUTH " + " ".join(mechanisms))
    if session.may_ask_reports:
        lines.append("DSN")
    # RFC 9422 §4: what RCPT will take, told before it is asked.
    lines += ["8BITMIME", "SMTPUTF8", f"LIMITS RCPTMAX={settings.smtp_in.max_recipients}"]
    for line in lines:
        session.say(f"250-{line}".encode())
    session.say(b"250 ENHANCEDSTATUSCODES")
