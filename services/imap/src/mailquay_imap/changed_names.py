"""Which names of mailboxes are others than they were (RFC 5465 §5.4). Pure."""

from collections.abc import Iterable

from mailquay.store.names import DELIMITER
from mailquay.store.types import Mailbox

__all__ = ["changed_names"]


def changed_names(old: Iterable[Mailbox], new: Iterable[Mailbox]) -> dict[str, str]:
    """Names to be told of, with the old name where one was renamed, else an empty one.

    With a mailbox that came or went goes the level above it; those below one that was renamed are
    renamed with it.
    """
    before, after = {m.id: m for m in old}, {m.id: m for m in new}
    renamed = {
        m.name: before[m.id].name
        for m in after.values()
        if m.id in before and before[m.id].name != m.name
    }
    affected = {new: old for new, old in renamed.items() if not _follows(new, old, renamed)}
    for mailbox_id in sorted(before.keys() ^ after.keys()):
        mailbox = after.get(mailbox_id) or before[mailbox_id]
        affected.setdefault(mailbox.name, "")
        above, delimiter, _ = mailbox.name.rpartition(DELIMITER)
        if delimiter:
            affected.setdefault(above, "")
    for mailbox_id in before.keys() & after.keys():
        if before[mailbox_id].is_selectable != after[mailbox_id].is_selectable:
            affected.setdefault(after[mailbox_id].name, "")
    return affected


def _follows(name: str, old_name: str, renamed: dict[str, str]) -> bool:
    """Whether a level above was renamed, and the name with it."""
    levels = name.split(DELIMITER)
    for depth in range(1, len(levels)):
        above = DELIMITER.join(levels[:depth])
        if above in renamed and old_name == renamed[above] + name[len(above) :]:
            return True
    return False
