"""BODY and BODYSTRUCTURE, ready to serve (RFC 9051 §7.5.2). No I/O here."""

from typing import Final

from mailquay.message.envelope import nstring, render_envelope, string
from mailquay.message.parts import Part

__all__ = ["render_body", "render_bodystructure"]


def render_bodystructure(root: Part) -> bytes:
    """Write BODYSTRUCTURE, with its extension data."""
    return _render(root, extensible=True)


def render_body(root: Part) -> bytes:
    """Write BODY: the same without extension data."""
    return _render(root, extensible=False)


def _text(value: str) -> bytes:
    return string(value.encode("utf-8", "surrogateescape"))


def _ntext(value: str | None) -> bytes:
    return b"NIL" if value is None else _text(value)


def _params(params: tuple[tuple[str, str], ...]) -> bytes:
    if not params:
        return b"NIL"
    return b"(%s)" % b" ".join(b"%s %s" % (_text(name), _text(value)) for name, value in params)


def _render(root: Part, *, extensible: bool) -> bytes:
    """Children first, with a stack of our own: a message may be nested deeper than Python."""
    done: dict[int, bytes] = {}
    todo: list[tuple[Part, bool]] = [(root, False)]
    while todo:
        part, ready = todo.pop()
        if not ready:
            todo.append((part, True))
            todo += [(child, False) for child in part.children]
            continue
        children = [done.pop(id(child)) for child in part.children]
        done[id(part)] = (
            _multipart(part, children, extensible=extensible)
            if part.is_multipart
            else _leaf(part, children, extensible=extensible)
        )
    return done[id(root)]


#: An empty multipart has no form in IMAP, which wants one part at least; servers show this.
_EMPTY_PART: Final = Part(0, 0, 0, 0, "text", "plain", (("charset", "us-ascii"),))
#: Of a message that was not looked into: IMAP wants an envelope and a body of each.
_EMPTY_ENVELOPE: Final = b"(%s)" % b" ".join([b"NIL"] * 10)
_MESSAGE_TYPES: Final = frozenset({"message/rfc822", "message/global"})


def _multipart(part: Part, children: list[bytes], *, extensible: bool) -> bytes:
    body = b"".join(children) or _leaf(_EMPTY_PART, [], extensible=extensible)
    if not extensible:
        return b"(%s %s)" % (body, _text(part.subtype))
    return b"(%s %s %s %s)" % (body, _text(part.subtype), _params(part.params), _tail(part))


def _leaf(part: Part, children: list[bytes], *, extensible: bool) -> bytes:
    fields = b"%s %s %s %s %s %s %d" % (
        _text(part.type),
        _text(part.subtype),
        _params(part.params),
        _ntext(part.content_id),
        _ntext(part.description),
        _text(part.encoding),
        part.size,
    )
    if part.is_message and part.envelope is not None:
        fields += b" %s %s %d" % (render_envelope(part.envelope), children[0], part.body_lines)
    elif part.content_type in _MESSAGE_TYPES:
        inner = _leaf(_EMPTY_PART, [], extensible=extensible)
        fields += b" %s %s %d" % (_EMPTY_ENVELOPE, inner, part.body_lines)
    elif part.type == "text":
        fields += b" %d" % part.body_lines
    if not extensible:
        return b"(%s)" % fields
    return b"(%s %s %s)" % (fields, _ntext(part.md5), _tail(part))


def _tail(part: Part) -> bytes:
    """Disposition, language and location, in the order all parts share."""
    if part.disposition is None:
        disposition = b"NIL"
    else:
        disposition = b"(%s %s)" % (_text(part.disposition), _params(part.disposition_params))
    if not part.language:
        language = b"NIL"
    elif len(part.language) == 1:
        language = _text(part.language[0])
    else:
        language = b"(%s)" % b" ".join(_text(tag) for tag in part.language)
    location = part.location.encode("utf-8", "surrogateescape") if part.location else None
    return b"%s %s %s" % (disposition, language, nstring(location))
