"""NOTIFY (RFC 5465)."""

from typing import Final

from mailquay_imap.notifier import Notifier, TooManyMailboxes
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.fetch import SimpleItem
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session

_SUPPORTED: Final = (
    "MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange",
)  # fmt: skip
_KNOWN: Final = frozenset(map(str.upper, _SUPPORTED))


async def handle_notify(session: Session, command: c.Notify) -> Ok:
    """NOTIFY SET, NOTIFY NONE; after the latter news is told with commands, as before the first."""
    if command.groups is None:
        session.stop_notifying()
        return Ok()
    if any(group.events - _KNOWN for group in command.groups):
        raise No("some of these events are not told", code=f"BADEVENT ({' '.join(_SUPPORTED)})")
    notifier = Notifier(session, command.groups)
    try:
        await notifier.begin()
        if any(SimpleItem("MODSEQ") in group.items for group in command.groups):
            session.enable_condstore()
        # What has accumulated is told before anything is left out (§3.1).
        await session.look()
        session.stop_notifying()
        session.tell_updates(expunges=True)
    except TooManyMailboxes:
        notifier.close()
        raise No("there are too many mailboxes", code="NOTIFICATIONOVERFLOW") from None
    except BaseException:
        notifier.close()
        raise
    session.notifier = notifier
    if session.selected is not None:
        notifier.enter(session.selected)
    if command.status:
        await notifier.tell_status()
    return Ok()
