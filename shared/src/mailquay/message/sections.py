"""Body sections: what FETCH BODY[…] and BINARY[…] name (RFC 9051 §6.4.5.1). No I/O here."""

from collections.abc import Sequence
from enum import Enum

from mailquay.message.header import iter_fields
from mailquay.message.parts import Part

__all__ = ["Section", "find_part", "header_fields", "section_range"]


class Section(Enum):
    """Which bytes of a part are meant."""

    BODY = "body"  # the part's body; of the whole message, everything
    HEADER = "HEADER"  # of the message, or of an embedded one
    TEXT = "TEXT"  # likewise, without its header
    MIME = "MIME"  # the part's MIME header


def find_part(root: Part, number: Sequence[int]) -> Part | None:
    """The part of that number; None when there is none. ``()`` is the message itself.

    ``1`` of a message that is no multipart is its body (RFC 9051 §6.4.5.1).
    """
    part = root
    # Where the next number counts: a multipart, or the root of a message.
    container: Part | None = root
    for step in number:
        if container is None:
            return None
        if container.is_multipart:
            if not 1 <= step <= len(container.children):
                return None
            part = container.children[step - 1]
        elif step == 1:
            part = container
        else:
            return None
        if part.is_multipart:
            container = part
        else:
            container = part.children[0] if part.is_message else None
    return part


def section_range(root: Part, number: Sequence[int], section: Section) -> tuple[int, int] | None:
    """First and last offset of a section in the raw message; None when there is no such section."""
    if not number:
        match section:
            case Section.BODY:
                return (root.header_start, root.body_end)
            case Section.HEADER:
                return (root.header_start, root.body_start)
            case Section.TEXT:
                return (root.body_start, root.body_end)
            case Section.MIME:
                return None
    part = find_part(root, number)
    if part is None:
        return None
    match section:
        case Section.BODY:
            return (part.body_start, part.body_end)
        case Section.MIME:
            return (part.header_start, part.body_start)
        case Section.HEADER | Section.TEXT:
            if not part.is_message:
                return None
            inner = part.children[0]
            if section is Section.HEADER:
                return (inner.header_start, inner.body_start)
            return (inner.body_start, inner.body_end)


def header_fields(header: bytes, names: Sequence[bytes], *, negate: bool) -> bytes:
    """HEADER.FIELDS, or with ``negate`` HEADER.FIELDS.NOT: the fields as they stand, a blank line.

    Args:
        header: a whole header, as Section.HEADER gives it.
        names: field names in any case.
        negate: all but these.
    """
    wanted = {name.lower() for name in names}
    fields = [
        header[field.start : field.end]
        for field in iter_fields(header, 0, len(header))
        if (field.name.lower() in wanted) is not negate
    ]
    if fields and not fields[-1].endswith(b"\n"):
        fields.append(b"\r\n")
    return b"".join([*fields, b"\r\n"])
