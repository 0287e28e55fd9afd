"""The commands that change nothing: RSET, NOOP, HELP, VRFY, EXPN, QUIT (RFC 5321 §4.1.1)."""

from mailquay_smtp_in.replies import ConnectionEnd, Refused, Reply
from mailquay_smtp_in.session import Session


async def handle_rset(session: Session, argument: str) -> None:
    """RSET (RFC 5321 §4.1.1.5)."""
    _require_none(argument)
    session.reset()
    session.say(Reply.RESET)


async def handle_noop(session: Session, _argument: str) -> None:
    """NOOP, with any text behind it (RFC 5321 §4.1.1.9)."""
    session.say(Reply.OK)


async def handle_help(session: Session, _argument: str) -> None:
    """HELP (RFC 5321 §4.1.1.8)."""
    session.say(Reply.HELP)


async def handle_vrfy(session: Session, argument: str) -> None:
    """VRFY tells nobody who has an account here (RFC 5321 §3.5.3, §7.3)."""
    if not argument:
        raise Refused(Reply.NEEDS_ADDRESS)
    session.say(Reply.VRFY)


async def handle_expn(_session: Session, _argument: str) -> None:
    """EXPN tells nobody who is on a list (RFC 5321 §7.3)."""
    raise Refused(Reply.NOT_IMPLEMENTED)


async def handle_quit(session: Session, argument: str) -> None:
    """QUIT (RFC 5321 §4.1.1.10)."""
    _require_none(argument)
    session.say(Reply.BYE)
    raise ConnectionEnd


async def handle_other_protocol(session: Session, _argument: str) -> None:
    """A browser that was sent here to speak SMTP for someone else."""
    session.connection.farewell = Reply.OTHER_PROTOCOL


def _require_none(argument: str) -> None:
    if argument:
        raise Refused(Reply.NO_ARGUMENT)
