"""A message's parts as JMAP shows them: bodies, attachments, structure (RFC 8621 §4.1.4).

No I/O here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailquay.message.content import decode_body
from mailquay.message.header import Header
from mailquay.message.parts import Part
from mailquay_webmail_api.jmap.mail.header_fields import (
    HeaderProperty,
    InvalidProperty,
    parse_header_property,
    raw_text,
    read_field,
)

__all__ = [
    "DEFAULT_PROPERTIES",
    "Bodies",
    "BodyPart",
    "PartProperties",
    "body_structure",
    "decompose",
    "show_headers",
]

#: ``bodyProperties`` where the client names none (RFC 8621 §4.2).
DEFAULT_PROPERTIES: Final = (
    "partId", "blobId", "size", "name", "type", "charset", "disposition", "cid", "language",
    "location",
)  # fmt: skip
_PROPERTIES: Final = frozenset({*DEFAULT_PROPERTIES, "headers", "subParts"})
_ENCODED: Final = frozenset({"base64", "quoted-printable"})
_NOT_BASE64: Final = bytes(
    byte for byte in range(256)
    if not (bytes([byte]).isalnum() and byte < 128) and byte not in b"+/"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BodyPart:
    """An EmailBodyPart; ``part_id`` is the IMAP part number, None for a multipart."""

    part: Part
    part_id: str | None
    children: tuple["BodyPart", ...] = ()

    def walk(self) -> Iterator["BodyPart"]:
        """This and all below, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


def body_structure(root: Part) -> BodyPart:
    """The tree, messages in it left as they are (RFC 8621 §4.1.4, bodyStructure)."""
    return _grow(root, "") if root.is_multipart else BodyPart(root, "1")


def _grow(part: Part, prefix: str) -> BodyPart:
    children = []
    for number, child in enumerate(part.children, 1):
        name = f"{prefix}{number}"
        children.append(_grow(child, f"{name}.") if child.is_multipart else BodyPart(child, name))
    return BodyPart(part, None, tuple(children))


@dataclass(slots=True)
class Bodies:
    """What a client shows as a message's body, in text or in HTML, and what beside it."""

    text: list[BodyPart]
    html: list[BodyPart]
    attachments: list[BodyPart]


def decompose(root: BodyPart) -> Bodies:
    """Flatten the tree by the algorithm that RFC 8621 §4.1.4 suggests."""
    bodies = Bodies([], [], [])
    _decompose([root], "mixed", bodies.text, bodies.html, bodies.attachments, within=False)
    return bodies


def _is_media(part: Part) -> bool:
    return part.type in ("image", "audio", "video")


def _is_inline(part: Part, place: int, multipart: str) -> bool:
    """Whether it is of the body and not an attachment."""
    if part.disposition == "attachment":
        return False
    if part.content_type not in ("text/plain", "text/html") and not _is_media(part):
        return False
    # Of a multipart/related only the first is; a text with a name further on is a file.
    return place == 0 or (multipart != "related" and (_is_media(part) or part.filename is None))


_Body = list[BodyPart] | None


def _decompose(
    parts: Sequence[BodyPart],
    multipart: str,
    text: _Body,
    html: _Body,
    attachments: list[BodyPart],
    *,
    within: bool,
) -> None:
    """One multipart's parts; ``within``: somewhere in a multipart/alternative."""
    before = _length(text), _length(html)
    for place, item in enumerate(parts):
        if item.part.is_multipart:
            _decompose(
                item.children, item.part.subtype, text, html, attachments,
                within=within or item.part.subtype == "alternative",
            )  # fmt: skip
        elif not _is_inline(item.part, place, multipart):
            attachments.append(item)
        elif multipart == "alternative":
            _alternative(item, text, html, attachments)
        else:
            # What comes behind a text in an alternative is of that alternative alone.
            if within and item.part.content_type == "text/plain":
                html = None
            if within and item.part.content_type == "text/html":
                text = None
            _sequential(item, text, html, attachments)
    if multipart == "alternative" and text is not None and html is not None:
        # Only one of the two was found: it stands for both.
        if before[0] == len(text):
            text += html[before[1] :]
        elif before[1] == len(html):
            html += text[before[0] :]


def _length(body: _Body) -> int:
    return 0 if body is None else len(body)


def _sequential(item: BodyPart, text: _Body, html: _Body, attachments: list[BodyPart]) -> None:
    for body in (text, html):
        if body is not None:
            body.append(item)
    is_in_one_only = text is None or html is None
    # The RFC's algorithm would lose what is in neither: text and HTML in one alternative.
    if (is_in_one_only and _is_media(item.part)) or text is html is None:
        attachments.append(item)


def _alternative(item: BodyPart, text: _Body, html: _Body, attachments: list[BodyPart]) -> None:
    if item.part.content_type == "text/plain" and text is not None:
        text.append(item)
    elif item.part.content_type == "text/html" and html is not None:
        html.append(item)
    else:
        attachments.append(item)


class PartProperties:
    """The properties of parts that a client asks for, each checked once."""

    def __init__(self, names: Sequence[str] | None) -> None:
        """Read ``bodyProperties``; None is the default.

        Raises:
            InvalidProperty: one is no property of an EmailBodyPart.
        """
        self._names = tuple(dict.fromkeys(DEFAULT_PROPERTIES if names is None else names))
        self._headers: dict[str, HeaderProperty] = {}
        for name in self._names:
            if (header := parse_header_property(name)) is not None:
                self._headers[name] = header
            elif name not in _PROPERTIES:
                raise InvalidProperty(f"{name!r} is no property of a body part")

    def needs_message(self, part: BodyPart) -> bool:
        """Whether the structure alone does not tell them of this part."""
        return bool(self._headers) or "headers" in self._names or (
            "size" in self._names and part.part.encoding in _ENCODED
        )  # fmt: skip

    def show(
        self,
        item: BodyPart,
        raw: bytes | None,
        blob_id: Callable[[str], str],
        *,
        with_children: bool = False,
    ) -> dict[str, Any]:
        """The EmailBodyPart.

        Args:
            item: the part.
            raw: the message, where `needs_message`.
            blob_id: makes the blob id of a part id.
            with_children: as in bodyStructure, which without them would show nothing.
        """
        shown: dict[str, Any] = {}
        for name in self._names:
            if name in self._headers:
                shown[name] = read_field(_header_of(item.part, raw), self._headers[name])
            elif name == "headers":
                shown[name] = show_headers(_header_of(item.part, raw))
            elif name != "subParts":
                shown[name] = _property(item, name, raw, blob_id)
        if with_children and item.part.is_multipart:
            shown["subParts"] = [
                self.show(child, raw, blob_id, with_children=True) for child in item.children
            ]
        elif "subParts" in self._names:
            shown["subParts"] = None
        return shown


def _header_of(part: Part, raw: bytes | None) -> Header:
    assert raw is not None, "a part's header is read from the message"
    return Header(raw, part.header_start, part.body_start)


def show_headers(header: Header) -> list[dict[str, str]]:
    """EmailHeaders (RFC 8621 §4.1.3): all fields in their order, raw."""
    return [
        {
            "name": field.name.decode("ascii", "replace"),
            "value": raw_text(field.value.removesuffix(b"\r")),
        }
        for field in header
    ]


def _property(item: BodyPart, name: str, raw: bytes | None, blob_id: Callable[[str], str]) -> Any:
    part = item.part
    match name:
        case "partId":
            return item.part_id
        case "blobId":
            return None if item.part_id is None else blob_id(item.part_id)
        case "size":
            return _size(part, raw)
        case "name":
            return _clean(part.filename)
        case "type":
            return _clean(part.content_type)
        case "charset":
            return _charset(part)
        case "disposition":
            return _clean(part.disposition)
        case "cid":
            return _cid(part.content_id)
        case "language":
            return list(part.language) or None
        case _:
            return _clean(part.location)


def _clean(text: str | None) -> str | None:
    """Without lone surrogates, which stand for bytes that were no UTF-8."""
    return (
        None if text is None else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    )


def _charset(part: Part) -> str | None:
    """The parameter, or the one that is implied where it is left out (RFC 8621 §4.1.4)."""
    given = part.param("charset")
    if given is None and part.type == "text":
        return "us-ascii"
    return _clean(given)


def _cid(content_id: str | None) -> str | None:
    if content_id is None:
        return None
    return _clean(content_id.strip().removeprefix("<").removesuffix(">"))


def _size(part: Part, raw: bytes | None) -> int:
    """Octets after decoding the transfer encoding."""
    if part.encoding not in _ENCODED:
        return part.size
    assert raw is not None, "an encoded part's size is counted in the message"
    if part.encoding == "base64":
        # As `undo_encoding` has it, without making the bytes.
        digits = len(raw[part.body_start : part.body_end].translate(None, _NOT_BASE64))
        return digits // 4 * 3 + max(digits % 4 - 1, 0)
    return len(decode_body(raw, part))
