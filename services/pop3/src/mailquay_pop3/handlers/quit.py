"""QUIT and the UPDATE state (RFC 1939 §6): only now what was marked is removed."""

import structlog

from mailquay.events import AccountChanged
from mailquay.store import StoreUnavailable
from mailquay_pop3.maildrop import MailDrop
from mailquay_pop3.protocol.commands import Command
from mailquay_pop3.replies import ConnectionEnd
from mailquay_pop3.session import Session

_LOG = structlog.get_logger(__name__)


async def handle_quit(session: Session, command: Command) -> None:
    """QUIT; its +OK comes after the commit."""
    command.require_no_argument()
    if session.drop is not None:
        try:
            await _update(session, session.drop)
        except StoreUnavailable as error:
            _LOG.warning("storage is away", reason=str(error))
            session.say("-ERR [SYS/TEMP] the deleted messages were not removed")
            raise ConnectionEnd from None
    session.say("+OK see you")
    raise ConnectionEnd("quit")


async def _update(session: Session, drop: MailDrop) -> None:
    modseq = await drop.update(session.server.store)
    if modseq is not None:
        session.server.bus.publish(
            AccountChanged(
                account_id=drop.account.id, modseq=modseq, mailbox_ids=(drop.mailbox_id,)
            )
        )
