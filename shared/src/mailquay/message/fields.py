"""MIME's structured fields: Content-Type, Content-Disposition, msg-ids (RFC 2045, RFC 2183).

No I/O here.
"""

import re
from typing import Final

from mailquay.message.words import decode_parameters

__all__ = ["first_token", "parse_content_type", "parse_disposition", "parse_message_ids"]

Parameters = tuple[tuple[str, str], ...]

_TYPE: Final = re.compile(r"\s*([^\s/;\"()<>@,:\\=\[\]?]+)\s*/\s*([^\s/;\"()<>@,:\\=\[\]?]+)")
_TOKEN: Final = re.compile(r"\s*([^\s;()<>@,\"]+)")
_PARAMETER: Final = re.compile(
    r";\s*([^\s=;\"]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)(?:\"|\Z)|([^;]*))", re.DOTALL
)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
#: Outside of comments: what may hold a bracket that begins none, or the bracket itself.
_QUOTED_OR_OPEN: Final = re.compile(r"\"(?:[^\"\\]|\\.)*(?:\"|\Z)|\(", re.DOTALL)
#: Inside of one: brackets, and what is escaped (RFC 5322 §3.2.2).
_IN_COMMENT: Final = re.compile(r"[()]|\\.", re.DOTALL)
#: Never with a space, comma or bracket inside; what some senders put there is no id.
_MESSAGE_ID: Final = re.compile(rb"<([^<>\s,]{1,990})>")
#: Parameters and ids of one field at most.
PARAMETERS_MAX: Final = 200
MESSAGE_IDS_MAX: Final = 1000


def _text(value: bytes) -> str:
    text = value.decode("utf-8", "surrogateescape")
    return _without_comments(text) if "(" in text else text


def _without_comments(text: str) -> str:
    """Put a space for each comment; brackets in quoted strings stay, as does one never closed."""
    kept: list[str] = []
    position = 0
    begun = 0
    while match := _QUOTED_OR_OPEN.search(text, begun):
        begun = match.end()
        if match[0] != "(":
            continue
        end = _comment_end(text, begun)
        if end < 0:
            break
        kept += [text[position : match.start()], " "]
        position = begun = end
    return "".join([*kept, text[position:]])


def _comment_end(text: str, position: int) -> int:
    """Offset behind the comment whose inside begins here; -1 when it is never closed."""
    depth = 1
    for match in _IN_COMMENT.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    return -1


def _parameters(text: str, position: int) -> Parameters:
    raw: list[tuple[str, str]] = []
    for match in _PARAMETER.finditer(text, position):
        value = _QUOTED_PAIR.sub(r"\1", match[2]) if match[2] is not None else match[3].strip()
        raw.append((match[1].lower(), value))
        if len(raw) >= PARAMETERS_MAX:
            break
    return decode_parameters(raw)


def parse_content_type(value: bytes | None) -> tuple[str, str, Parameters] | None:
    """Read a Content-Type into type, subtype and parameters; None when it is none."""
    if value is None:
        return None
    text = _text(value)
    match = _TYPE.match(text)
    if match is None:
        return None
    return match[1].lower(), match[2].lower(), _parameters(text, match.end())


def parse_disposition(value: bytes | None) -> tuple[str | None, Parameters]:
    """Read a Content-Disposition (RFC 2183); ``(None, ())`` when it is none."""
    if value is None:
        return None, ()
    text = _text(value)
    match = _TOKEN.match(text)
    if match is None:
        return None, ()
    return match[1].lower(), _parameters(text, match.end())


def first_token(value: bytes | None) -> str | None:
    """The first token of a field, lower case, as Content-Transfer-Encoding has it."""
    match = _TOKEN.match(_text(value)) if value is not None else None
    return match[1].lower() if match else None


def parse_message_ids(value: bytes | None) -> tuple[bytes, ...]:
    """All msg-ids of a field (RFC 5322 §3.6.4), without brackets, in order, each once."""
    if value is None:
        return ()
    found = _MESSAGE_ID.findall(value[: 100 * 1024])
    return tuple(dict.fromkeys(found[:MESSAGE_IDS_MAX]))
