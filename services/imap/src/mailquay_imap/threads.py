"""Messages as threads (RFC 5256 §3; THREAD=REFS by draft-ietf-morg-inthread). Pure.

Nothing here recurses: a thread may be as deep as a mailbox is large.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

__all__ = ["Message", "Node", "by_references", "by_subject", "threads_text"]

#: Steps that are walked in all to see whether a link would close a circle. Links that have not
#: been looked at by then are not made; only a mailbox that was built to be slow has so many.
_STEPS_MAX: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Message:
    """What threads are made of.

    ``number`` is what the client is told, ``subject`` the base subject as it is compared,
    ``references`` msg-ids from the oldest to the parent, ``sent`` the Date field's moment,
    ``arrived`` INTERNALDATE.
    """

    number: int
    message_id: bytes
    references: tuple[bytes, ...]
    subject: str
    is_reply: bool
    sent: datetime
    arrived: datetime


@dataclass(slots=True, eq=False)
class Node:
    """A message in a thread, or one that is only referred to."""

    message: Message | None = None
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    answers: int = 0  # nodes whose parent it is, while links come and go

    @property
    def first(self) -> Message:
        """The message, or that of the first child, which a node without one always has."""
        node = self
        while node.message is None:
            node = node.children[0]
        return node.message


def by_subject(messages: Sequence[Message]) -> list[Node]:
    """ORDEREDSUBJECT: who has the first message's base subject answers that one."""
    ordered = sorted(messages, key=lambda m: (m.subject, m.sent, m.number))
    roots: list[Node] = []
    for message in ordered:
        if roots and roots[-1].first.subject == message.subject:
            roots[-1].children.append(Node(message, roots[-1]))
        else:
            roots.append(Node(message))
    roots.sort(key=_by_sent)
    return roots


def by_references(messages: Sequence[Message], *, joins_subjects: bool) -> list[Node]:
    """REFERENCES; without ``joins_subjects`` REFS, whose threads end with the newest."""
    roots = _pruned(_Links().link(messages))
    _sort_children(roots)
    roots.sort(key=_by_sent)
    if joins_subjects:
        roots = _joined(roots)
        _sort_children(roots)
        roots.sort(key=_by_sent)
    else:
        newest = {id(root): max(_arrivals(root)) for root in roots}
        roots.sort(key=lambda root: (newest[id(root)], root.first.number))
    return roots


def threads_text(roots: Sequence[Node]) -> bytes:
    """Threads as the response has them (RFC 5256 §5, thread-list)."""
    pieces: list[bytes] = []
    waiting: list[Node | bytes] = []
    for root in roots:
        waiting += (b")", root, b"(")
        while waiting:
            item = waiting.pop()
            if isinstance(item, bytes):
                pieces.append(item)
                continue
            if item.message is not None:
                pieces.append(b"%d" % item.message.number)
                if item.children:
                    pieces.append(b" ")
            if len(item.children) == 1:
                waiting.append(item.children[0])
            else:
                for child in reversed(item.children):
                    waiting += (b")", child, b"(")
    return b"".join(pieces)


def _by_sent(node: Node) -> tuple[datetime, int]:
    first = node.first
    return first.sent, first.number


class _Links:
    """(1): who answers whom."""

    def __init__(self) -> None:
        self._nodes: dict[bytes, Node] = {}
        self._steps = 0

    def link(self, messages: Sequence[Message]) -> list[Node]:
        """All nodes, those of the messages and those that they refer to."""
        unnamed: list[Node] = []
        for message in messages:
            node = self._nodes.get(message.message_id) if message.message_id else None
            if not message.message_id or (node is not None and node.message is not None):
                node = Node()  # none, or somebody else's: it is its own (1.A)
                unnamed.append(node)
            elif node is None:
                node = self._nodes[message.message_id] = Node()
            node.message = message
            self._refer(node, message.references)
        nodes = [*self._nodes.values(), *unnamed]
        for node in nodes:
            if node.parent is not None:
                node.parent.children.append(node)
        return nodes

    def _refer(self, node: Node, references: Sequence[bytes]) -> None:
        parent: Node | None = None
        for message_id in references:
            referred = self._nodes.get(message_id)
            if referred is None:
                referred = self._nodes[message_id] = Node()
            if parent is not None and referred.parent is None:
                self._adopt(parent, referred)
            parent = referred
        # (1.B): what the message itself says is worth more than what others say of it.
        if node.parent is not None:
            node.parent.answers -= 1
            node.parent = None
        if parent is not None:
            self._adopt(parent, node)

    def _adopt(self, parent: Node, child: Node) -> None:
        if parent is child:
            return
        if child.answers:  # else it is above nobody
            above: Node | None = parent
            while above is not None:
                self._steps += 1
                if above is child or self._steps > _STEPS_MAX:
                    return
                above = above.parent
        child.parent = parent
        parent.answers += 1


def _pruned(nodes: Sequence[Node]) -> list[Node]:
    """(2) and (3): the roots, without nodes that only hold others together where none need be."""
    order = [node for root in nodes if root.parent is None for node in _walk(root)]
    for node in reversed(order):  # children before their parents
        kept: list[Node] = []
        for child in node.children:
            if child.message is not None:
                kept.append(child)
            else:
                kept += child.children
        node.children = kept
    roots: list[Node] = []
    for node in order:
        if node.parent is not None:
            continue
        if node.message is None and len(node.children) == 1:
            roots.append(node.children[0])
        elif node.message is not None or node.children:
            roots.append(node)
    return roots


def _walk(root: Node) -> Iterator[Node]:
    """A thread, parents before their children."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.children


def _sort_children(roots: Sequence[Node]) -> None:
    """(4) and (6), below the roots: children before their parents, each set by date."""
    order = [node for root in roots for node in _walk(root)]
    for node in reversed(order):
        node.children.sort(key=_by_sent)


def _arrivals(root: Node) -> Iterator[datetime]:
    return (node.message.arrived for node in _walk(root) if node.message is not None)


def _joined(roots: list[Node]) -> list[Node]:
    """(5): threads of one base subject become one."""
    table: dict[str, Node] = {}
    for root in roots:
        subject = root.first.subject
        if not subject:
            continue
        held = table.get(subject)
        if held is None or (
            held.message is not None
            and (root.message is None or (held.message.is_reply and not root.message.is_reply))
        ):
            table[subject] = root
    joined: dict[int, Node] = {id(root): root for root in roots}  # in their order
    for root in roots:
        held = table.get(root.first.subject)
        if held is None or held is root:
            continue
        subject = root.first.subject
        del joined[id(root)]
        if held.message is None and root.message is None:
            held.children += root.children
        elif held.message is None or (
            root.message is not None and root.message.is_reply and not held.message.is_reply
        ):
            held.children.append(root)
        else:
            both = Node(children=[held, root])
            del joined[id(held)]
            table[subject] = joined[id(both)] = both
    return list(joined.values())
