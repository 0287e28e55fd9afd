"""STLS (RFC 2595 §4)."""

import structlog

from mailquay.net.tls import TlsError
from mailquay_pop3.protocol.commands import Command
from mailquay_pop3.replies import Refused
from mailquay_pop3.session import Session

_LOG = structlog.get_logger(__name__)


async def handle_stls(session: Session, command: Command) -> None:
    """STLS: what was pipelined behind it in the clear is thrown away."""
    command.require_no_argument()
    if session.stream.tls is not None:
        raise Refused("TLS is active already")
    if not session.may_start_tls:
        raise Refused("TLS is not offered here")
    try:
        context = session.server.tls.server_context(asks_certificate=True)
    except TlsError as error:
        _LOG.warning("TLS is not available", reason=str(error))
        raise Refused("[SYS/TEMP] TLS is not available at the moment") from error
    session.say("+OK begin TLS negotiation")
    await session.start_tls(context)
