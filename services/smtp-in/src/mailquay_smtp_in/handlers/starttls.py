"""STARTTLS (RFC 3207)."""

import structlog

from mailquay.net.tls import TlsError
from mailquay_smtp_in.replies import Refused, Reply
from mailquay_smtp_in.server import Role
from mailquay_smtp_in.session import Session

_LOG = structlog.get_logger(__name__)


async def handle_starttls(session: Session, argument: str) -> None:
    """STARTTLS: nothing that was said before it counts (RFC 3207 §4.2)."""
    if argument:
        raise Refused(Reply.NO_ARGUMENT)
    if session.connection.tls is not None:
        raise Refused(Reply.ALREADY_TLS)
    if not session.may_start_tls:
        raise Refused(Reply.NOT_IMPLEMENTED)
    if session.envelope is not None:
        raise Refused(Reply.IN_MAIL)
    try:
        # Another server's certificate is of whatever authority it likes: it is not asked for.
        context = session.server.tls.server_context(
            asks_certificate=session.role is Role.SUBMISSION
        )
    except TlsError as error:
        _LOG.warning("TLS is not available", reason=str(error))
        raise Refused(Reply.TLS_UNAVAILABLE, is_mistake=False) from error
    session.say(Reply.START_TLS)
    await session.connection.start_tls(context)
    session.helo, session.is_extended, session.own = "", False, None
