"""The one-pass scanner: any bytes into a tree of parts (RFC 5322, RFC 2045, RFC 2046).

Theory of operation. Only lines that begin with ``--`` can end a part, so the scanner hops from one
such line to the next and compares it with the boundaries that are open, innermost first. A part
whose header has begun is *pending* until a line behind its header is met; only then its type is
known, and a multipart opens its boundary. Each byte is passed over a fixed number of times, so
the time is linear in the message whatever is in it.

Nothing raises: what makes no sense is an opaque body. No I/O here.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from mailquay.message.envelope import Envelope, read_envelope
from mailquay.message.fields import first_token, parse_content_type, parse_disposition
from mailquay.message.header import Header, find_header_end, unfold
from mailquay.message.limits import ScanLimits
from mailquay.message.parts import Part

__all__ = ["scan_parts"]

#: A boundary is 70 characters at most (RFC 2046 §5.1.1); mailers exceed that, but not this.
BOUNDARY_LINE_MAX: Final = 1000
_MESSAGE_SUBTYPES: Final = frozenset({"rfc822", "global"})
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_IDENTITY_ENCODINGS: Final = frozenset({"7bit", "8bit", "binary"})


@dataclass(slots=True)
class _Node:
    """A part that is still open."""

    header_start: int
    body_start: int
    depth: int
    in_digest: bool
    body_end: int = -1
    type: str = "text"
    subtype: str = "plain"
    boundary: bytes | None = None
    details: dict[str, object] = field(default_factory=dict)
    children: list["_Node"] = field(default_factory=list)


def scan_parts(raw: bytes, limits: ScanLimits) -> tuple[Part, Header]:
    """Scan a whole message; return its tree and the header of the message itself."""
    scanner = _Scanner(raw, limits)
    root = scanner.run()
    return root, scanner.root_header


class _Scanner:
    def __init__(self, raw: bytes, limits: ScanLimits) -> None:
        self._raw = raw
        self._end = len(raw)
        self._limits = limits
        self._parts = 0
        self._stack: list[_Node] = []  # open multiparts and embedded messages, outermost first
        self._boundaries: dict[bytes, list[int]] = {}  # boundary: places in the stack
        self._pending: _Node | None = None
        self._blank = -1  # end of the first blank line at or after `_blank_from`
        self._blank_from = 0
        self.root_header = Header(raw, 0, 0)

    def run(self) -> Part:
        root = self._open(0, depth=0, in_digest=False)
        self.root_header = Header(self._raw, 0, root.body_start, max_fields=self._limits.max_fields)
        self._settle(self._end + 1)
        # Without an open boundary, no line can matter, nor does any before its multipart's body.
        position = max(self._stack[-1].body_start - 1, 0) if self._stack else 0
        while self._boundaries:
            line = self._raw.find(b"\n--", position)
            if line < 0:
                break
            position = self._line(line)
        self._settle(self._end + 1)
        self._close_down_to(0, self._end)
        if root.body_end < 0:
            root.body_end = self._end
        return _freeze(root, self._raw)

    def _open(self, start: int, *, depth: int, in_digest: bool) -> _Node:
        """Begin a part whose header starts here; it is pending until its header's end is passed."""
        self._parts += 1
        node = _Node(start, self._header_end(start), depth, in_digest)
        self._pending = node
        return node

    def _header_end(self, start: int) -> int:
        """As `find_header_end`, remembering the next blank line so that no byte is read twice."""
        if self._raw.startswith((b"\n", b"\r\n"), start):
            return find_header_end(self._raw, start, self._end)
        if not self._blank_from <= start < self._blank:
            self._blank = find_header_end(self._raw, start, self._end)
        self._blank_from = start
        return self._blank

    def _settle(self, behind: int) -> None:
        """Read the pending part's header, as its end is before ``behind``; open what it opens."""
        while (node := self._pending) is not None and node.body_start < behind:
            self._pending = None
            header = (
                self.root_header
                if node.depth == 0 and node.header_start == 0
                else Header(
                    self._raw,
                    node.header_start,
                    node.body_start,
                    max_fields=self._limits.max_fields,
                )
            )
            _describe(node, header)
            if node.depth >= self._limits.max_depth or self._parts >= self._limits.max_parts:
                return
            if node.boundary is not None:
                self._boundaries.setdefault(node.boundary, []).append(len(self._stack))
                self._stack.append(node)
            elif node.type == "message" and node.subtype in _MESSAGE_SUBTYPES and _is_plain(node):
                self._stack.append(node)
                child = self._open(node.body_start, depth=node.depth + 1, in_digest=False)
                node.children.append(child)

    def _line(self, newline: int) -> int:
        """Look at the line behind ``newline``, which begins with ``--``; return where to go on."""
        start = newline + 3
        stop = self._raw.find(b"\n", start, start + BOUNDARY_LINE_MAX)
        line_end = stop + 1 if stop >= 0 else min(start + BOUNDARY_LINE_MAX, self._end)
        if stop < 0 and line_end < self._end:
            return start  # too long for any boundary
        self._settle(newline + 2)
        text = self._raw[start:line_end].rstrip(b" \t\r\n")
        places = self._boundaries.get(text)
        closes = False
        if not places and text.endswith(b"--"):
            places = self._boundaries.get(text[:-2])
            closes = True
        if not places:
            return max(newline + 1, line_end - 1)
        self._delimiter(places[-1], newline, line_end, closes=closes)
        return max(newline + 1, line_end - 1)

    def _delimiter(self, place: int, newline: int, line_end: int, *, closes: bool) -> None:
        """A boundary of the multipart at ``place``: end what is open in it, begin the next part."""
        before = newline - 1 if self._raw.startswith(b"\r", newline - 1) else newline
        multipart = self._stack[place]
        self._cut_pending(before)
        self._close_down_to(place + 1, before)
        if multipart.children and multipart.children[-1].body_end < 0:
            last = multipart.children[-1]
            last.body_end = max(before, last.body_start)
        if closes:
            self._close_down_to(place, -1)
        elif self._parts < self._limits.max_parts:
            in_digest = multipart.subtype == "digest"
            multipart.children.append(
                self._open(line_end, depth=multipart.depth + 1, in_digest=in_digest)
            )
        else:
            self._close_down_to(place, -1)

    def _cut_pending(self, before: int) -> None:
        """A boundary came before the pending part's header ended: that part has no body."""
        node = self._pending
        if node is None:
            return
        self._pending = None
        node.body_start = max(node.header_start, min(node.body_start, before))
        header = Header(
            self._raw, node.header_start, node.body_start, max_fields=self._limits.max_fields
        )
        _describe(node, header)
        node.boundary = None
        node.body_end = node.body_start

    def _close_down_to(self, place: int, end: int) -> None:
        """Close the containers from the innermost to ``place``; -1: their end is found later."""
        while len(self._stack) > place:
            node = self._stack.pop()
            if node.boundary is not None:
                places = self._boundaries[node.boundary]
                places.pop()
                if not places:
                    del self._boundaries[node.boundary]
            if end < 0:
                continue
            inner = 0
            if node.children:
                last = node.children[-1]
                if last.body_end < 0:
                    last.body_end = max(end, last.body_start)
                # The line end before a boundary may have been an embedded header's blank line.
                inner = last.body_end
            if node.body_end < 0:
                node.body_end = max(end, node.body_start, inner)


def _is_plain(node: _Node) -> bool:
    """Whether an embedded message can be looked into: base64 of it cannot (RFC 2046 §5.2.1)."""
    return node.details.get("encoding", "7bit") in _IDENTITY_ENCODINGS


def _describe(node: _Node, header: Header) -> None:
    """Take the MIME fields out of a part's header (RFC 2045 §5.2 for what is missing)."""
    parsed = parse_content_type(header.get_raw(b"content-type"))
    if parsed is None:
        if node.in_digest:
            node.type, node.subtype = "message", "rfc822"
        params: tuple[tuple[str, str], ...] = ()
        if header.get_raw(b"content-type") is not None and not node.in_digest:
            params = (("charset", "us-ascii"),)
    else:
        node.type, node.subtype, params = parsed
    details: dict[str, object] = {"params": params}
    if node.type == "multipart":
        boundary = next((value for key, value in params if key == "boundary"), "")
        node.boundary = boundary.rstrip(" \t").encode("utf-8", "surrogateescape") or None
    if encoding := first_token(header.get_raw(b"content-transfer-encoding")):
        details["encoding"] = encoding
    if (raw := header.get_raw(b"content-disposition")) is not None:
        details["disposition"], details["disposition_params"] = parse_disposition(raw)
    for key, name in (
        ("content_id", b"content-id"),
        ("description", b"content-description"),
        ("location", b"content-location"),
        ("md5", b"content-md5"),
    ):
        if (raw := header.get_raw(name)) is not None:
            details[key] = raw.decode("utf-8", "surrogateescape")
    if (raw := header.get_raw(b"content-language")) is not None:
        details["language"] = tuple(_LANGUAGE.findall(unfold(raw).decode("ascii", "replace"))[:50])
    node.details = details


def _freeze(root: _Node, raw: bytes) -> Part:
    """Turn the nodes into parts, children first; a stack of our own, as depth is the sender's."""
    done: dict[int, Part] = {}
    todo: list[tuple[_Node, bool]] = [(root, False)]
    while todo:
        node, ready = todo.pop()
        if not ready:
            todo.append((node, True))
            todo += [(child, False) for child in node.children]
            continue
        assert node.body_end >= node.body_start, "every part was closed"
        children = tuple(done.pop(id(child)) for child in node.children)
        done[id(node)] = Part(
            node.header_start,
            node.body_start,
            node.body_end,
            _lines(raw, node),
            node.type,
            node.subtype,
            children=children,
            envelope=_embedded_envelope(raw, node),
            **node.details,  # type: ignore[arg-type]  # filled by _describe with Part's own names
        )
    return done[id(root)]


def _lines(raw: bytes, node: _Node) -> int:
    """Lines of the encoded body; only text and messages are counted (RFC 9051 §7.5.2)."""
    if node.type not in ("text", "message"):
        return 0
    count = raw.count(b"\n", node.body_start, node.body_end)
    is_open = node.body_end > node.body_start and raw[node.body_end - 1] != 0x0A
    return count + is_open


def _embedded_envelope(raw: bytes, node: _Node) -> Envelope | None:
    if node.type != "message" or not node.children:
        return None
    child = node.children[0]
    return read_envelope(Header(raw, child.header_start, child.body_start))
