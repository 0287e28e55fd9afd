"""A Mailbox object out of a mailbox and its numbers (RFC 8621 §2). No I/O here.

The store keeps whole paths; a JMAP name is a path's last level, and its parent the rest.
"""

from collections.abc import Iterable
from typing import Any, Final

from mailquay.store.mailbox_objects import MailboxCounts
from mailquay.store.names import DELIMITER
from mailquay.store.types import Mailbox, MailboxId
from mailquay_webmail_api.jmap.core.ids import mailbox_id

__all__ = [
    "COUNTS", "INBOX", "PROPERTIES", "SETTABLE", "leaf", "parents", "rights", "show_mailbox",
]  # fmt: skip

#: INBOX is not its name to people.
INBOX: Final = "INBOX"
_INBOX_SHOWN: Final = "Inbox"

#: What changes with messages alone (RFC 8621 §2.2, updatedProperties).
COUNTS: Final = ("totalEmails", "unreadEmails", "totalThreads", "unreadThreads")
SETTABLE: Final = ("name", "parentId", "role", "sortOrder", "isSubscribed")
PROPERTIES: Final = frozenset({"id", *SETTABLE, *COUNTS, "myRights"})


def leaf(path: str) -> str:
    """The last level of a path, as people see it."""
    return _INBOX_SHOWN if path == INBOX else path.rpartition(DELIMITER)[2]


def parents(mailboxes: Iterable[Mailbox]) -> dict[MailboxId, MailboxId]:
    """Each mailbox's parent; those at the top are left out."""
    by_path = {box.name: box.id for box in mailboxes}
    found = {}
    for path, number in by_path.items():
        above = by_path.get(path.rpartition(DELIMITER)[0])
        if above is not None:
            found[number] = above
    return found


def rights(path: str, *, is_selectable: bool) -> dict[str, bool]:
    """``myRights``: one's own mailboxes are one's own, but INBOX stays INBOX (RFC 9051 §5.1)."""
    may_change = path != INBOX
    return {
        "mayReadItems": is_selectable,
        "mayAddItems": is_selectable,
        "mayRemoveItems": is_selectable,
        "maySetSeen": is_selectable,
        "maySetKeywords": is_selectable,
        "mayCreateChild": True,
        "mayRename": may_change,
        "mayDelete": may_change,
        "maySubmit": is_selectable,
    }


def show_mailbox(box: Mailbox, parent: MailboxId | None, counts: MailboxCounts) -> dict[str, Any]:
    """The Mailbox."""
    return {
        "id": mailbox_id(box.id),
        "name": leaf(box.name),
        "parentId": None if parent is None else mailbox_id(parent),
        "role": box.role,
        "sortOrder": box.sort_order,
        "totalEmails": counts.total_emails,
        "unreadEmails": counts.unread_emails,
        "totalThreads": counts.total_threads,
        "unreadThreads": counts.unread_threads,
        "myRights": rights(box.name, is_selectable=box.is_selectable),
        "isSubscribed": box.is_subscribed,
    }
