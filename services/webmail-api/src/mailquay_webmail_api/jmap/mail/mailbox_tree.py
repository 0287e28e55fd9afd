"""Mailboxes as a tree that may be changed and judged before anything is written (RFC 8621 §2.5).

No I/O here.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from mailquay.store.errors import Refused
from mailquay.store.names import (
    DELIMITER,
    canonical_name,
    normalise_name,
    normalise_personal_name,
)
from mailquay.store.types import Mailbox
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.core.ids import mailbox_id
from mailquay_webmail_api.jmap.mail.limits import NAME_MAX_BYTES, SORT_ORDER_MAX
from mailquay_webmail_api.jmap.mail.mailbox_view import INBOX, leaf, parents

__all__ = ["MailboxNode", "MailboxTree", "read_values"]

#: IMAP's mailbox name attributes that say what one is for (RFC 6154, RFC 8457, RFC 8621 §2).
ROLES: Final = frozenset(
    {
        "all", "archive", "drafts", "flagged", "important", "inbox", "junk", "memos", "scheduled",
        "sent", "snoozed", "trash",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MailboxNode:
    """A mailbox's settable values; ``id`` is its id, or ``#`` and a creation id."""

    id: str
    name: str
    parent: str | None = None
    role: str | None = None
    sort_order: int = 0
    is_subscribed: bool = True
    #: As it is in the store; None for one that is yet to be made.
    box: Mailbox | None = None

    @property
    def is_inbox(self) -> bool:
        """Whether it is the one that must stay."""
        return self.box is not None and self.box.name == INBOX


def read_values(values: dict[str, Any]) -> dict[str, Any]:
    """Check settable properties by themselves; returns fields of `MailboxNode`.

    Raises:
        SetError: invalidProperties, with all that are wrong.
    """
    readers = {
        "name": ("name", _name), "parentId": ("parent", _parent), "role": ("role", _role),
        "sortOrder": ("sort_order", _sort_order), "isSubscribed": ("is_subscribed", _subscribed),
    }  # fmt: skip
    fields, wrong = {}, {}
    for name, value in values.items():
        field, read = readers[name]
        try:
            fields[field] = read(value)
        except ValueError as error:
            wrong[name] = str(error)
    if wrong:
        raise SetError.invalid_properties("; ".join(wrong.values()), *wrong)
    return fields


def _name(value: object) -> str:
    """One level of a path, as Net-Unicode (RFC 5198)."""
    if not isinstance(value, str):
        raise ValueError("name is not a string")
    name = unicodedata.normalize("NFC", value)
    if DELIMITER in name:
        raise ValueError(f"name may hold no {DELIMITER}")
    if len(name.encode("utf-8", "replace")) > NAME_MAX_BYTES:
        raise ValueError(f"name has more than {NAME_MAX_BYTES} octets")
    try:
        normalise_name(name)
    except Refused as error:
        raise ValueError(f"name: {error}") from None
    return name


def _parent(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("parentId is not an id")
    return value


def _role(value: object) -> str | None:
    if value is not None and value not in ROLES:
        raise ValueError(f"{value!r} is no role")
    return None if value is None else str(value)


def _sort_order(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= SORT_ORDER_MAX:
        raise ValueError(f"sortOrder is not an integer from 0 to {SORT_ORDER_MAX}")
    return value


def _subscribed(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("isSubscribed is not a boolean")
    return value


class MailboxTree:
    """An account's mailboxes by id."""

    def __init__(self, mailboxes: Iterable[Mailbox]) -> None:
        mailboxes = list(mailboxes)
        above = parents(mailboxes)
        self.nodes: dict[str, MailboxNode] = {}
        for box in mailboxes:
            parent = above.get(box.id)
            self.nodes[mailbox_id(box.id)] = MailboxNode(
                mailbox_id(box.id),
                leaf(box.name),
                None if parent is None else mailbox_id(parent),
                box.role,
                box.sort_order,
                box.is_subscribed,
                box,
            )

    def copy(self) -> "MailboxTree":
        """One that may be changed without this one."""
        other = MailboxTree(())
        other.nodes = dict(self.nodes)
        return other

    def change(self, node_id: str, **fields: Any) -> None:
        """Give a mailbox other values."""
        self.nodes[node_id] = replace(self.nodes[node_id], **fields)

    def children(self, node_id: str) -> Iterator[MailboxNode]:
        """The mailboxes right below that one."""
        return (node for node in self.nodes.values() if node.parent == node_id)

    def depth(self, node_id: str) -> int:
        """How many are above it."""
        return len(self._above(node_id)) - 1

    def _above(self, node_id: str | None) -> list[MailboxNode]:
        """It and all above it, from the top.

        Raises:
            SetError: invalidProperties: it is above itself, or one above it is not there.
        """
        found: list[MailboxNode] = []
        while node_id is not None:
            node = self.nodes.get(node_id)
            if node is None:
                raise SetError.invalid_properties("there is no such parent", "parentId")
            if node in found:
                raise SetError.invalid_properties("a mailbox cannot be inside itself", "parentId")
            found.append(node)
            node_id = node.parent
        return found[::-1]

    def path(self, node_id: str) -> str:
        """Its whole path in the store's one form.

        Raises:
            SetError: invalidProperties: it has none, or it is too long or too deep.
        """
        above = self._above(node_id)
        if above[0].is_inbox:
            names = [INBOX, *(node.name for node in above[1:])]
        else:
            names = [node.name for node in above]
        try:
            return normalise_personal_name(DELIMITER.join(names))
        except Refused as error:
            raise SetError.invalid_properties(str(error), "name") from None

    def paths(self) -> dict[str, str]:
        """The paths of all, which were judged before."""
        below: dict[str | None, list[MailboxNode]] = {}
        for node in self.nodes.values():
            below.setdefault(node.parent, []).append(node)
        found: dict[str, str] = {}
        waiting = [(node, "") for node in below.get(None, [])]
        while waiting:
            node, prefix = waiting.pop()
            found[node.id] = INBOX if node.is_inbox else prefix + node.name
            prefix = found[node.id] + DELIMITER
            waiting += [(child, prefix) for child in below.get(node.id, [])]
        return found

    def judge(self, node_id: str) -> None:
        """Say whether a mailbox and those below it may be as they are.

        Raises:
            SetError: forbidden or invalidProperties.
        """
        node = self.nodes[node_id]
        if node.is_inbox:
            if node.parent is not None or canonical_name(node.name) != INBOX:
                raise SetError("forbidden", "the inbox keeps its name and its place")
            if node.role != "inbox":
                raise SetError("forbidden", "the inbox keeps its role")
        elif node.role is not None and self._has_role(node):
            raise SetError.invalid_properties(f"another mailbox is the {node.role}", "role")
        self.path(node_id)
        for other in self.nodes.values():
            if other.id != node_id and other.parent == node.parent and _is_same(other, node):
                raise SetError.invalid_properties("there is a mailbox of that name", "name")
        waiting = [node_id]
        while waiting:
            for child in self.children(waiting.pop()):
                self.path(child.id)
                waiting.append(child.id)

    def _has_role(self, node: MailboxNode) -> bool:
        return any(other.role == node.role for other in self.nodes.values() if other.id != node.id)


def _is_same(one: MailboxNode, other: MailboxNode) -> bool:
    """Whether two at one place have one name; at the top INBOX is so in any case."""
    if one.parent is None:
        return canonical_name(one.name) == canonical_name(other.name)
    return one.name == other.name
