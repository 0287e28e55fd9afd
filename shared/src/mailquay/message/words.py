"""Text in headers: encoded words (RFC 2047), parameters (RFC 2231), raw UTF-8 (RFC 6532).

No I/O here.
"""

import base64
import binascii
import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from mailquay.message.charsets import decode_charset, decode_charset_strictly

__all__ = [
    "decode_parameters",
    "decode_unstructured",
    "decode_words",
    "encode_parameter",
    "encode_words",
]

_WORD: Final = re.compile(rb"=\?([^?\s]{1,64})\?([bBqQ])\?([^?\s]*)\?=")
#: An encoded word where one may stand, with space on either side (RFC 2047 §5).
_WORD_ALONE: Final = re.compile(rb"(?:(?<=[ \t])|\A)" + _WORD.pattern + rb"(?=[ \t]|\Z)")
#: Space between two encoded words is no part of the text (RFC 2047 §6.2).
_BETWEEN: Final = re.compile(rb"(\?=)[ \t]+(?==\?[^?\s]{1,64}\?[bBqQ]\?[^?\s]*\?=)")
_Q_ESCAPE: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_UNBREAKABLE: Final = re.compile(r"[^ ]{900}")
#: An encoded word's length at most (RFC 2047 §2).
WORD_MAX_CHARACTERS: Final = 75


def decode_words(value: bytes) -> str:
    """Decode a header's value into text; whatever is malformed stays as it is."""
    if b"=?" not in value:
        return _CONTROL.sub("", _decode_plain(value))
    value = _BETWEEN.sub(rb"\1", value)
    pieces: list[str] = []
    position = 0
    # Mailers cut multi-byte characters in two at a word's end; together they are whole.
    run: list[bytes] = []
    run_charset = ""
    for match in _WORD.finditer(value):
        charset = match[1].split(b"*")[0].decode("ascii", "replace").lower()
        content = _decode_word(match[2], match[3])
        if match.start() > position or content is None or charset != run_charset:
            pieces += [*_joined(run, run_charset), _decode_plain(value[position : match.start()])]
            run.clear()
        if content is None:
            pieces.append(_decode_plain(match[0]))
        else:
            run.append(content)
            run_charset = charset
        position = match.end()
    pieces += [*_joined(run, run_charset), _decode_plain(value[position:])]
    return _CONTROL.sub("", "".join(pieces))


def decode_unstructured(value: bytes) -> str:
    """Decode unstructured text to the letter (RFC 2047 §5 (1), §6.2).

    Only what stands between spaces is an encoded word, and only one of a known charset and without
    fault is decoded: anything else is what the sender wrote.
    """
    pieces: list[str] = []
    position, was_word = 0, False
    for match in _WORD_ALONE.finditer(value):
        charset = match[1].split(b"*")[0].decode("ascii", "replace").lower()
        content = _decode_word(match[2], match[3])
        text = None if content is None else decode_charset_strictly(content, charset)
        if text is None:
            continue
        between = value[position : match.start()]
        if not was_word or between.strip(b" \t"):
            pieces.append(_decode_plain(between))
        pieces.append(text)
        position, was_word = match.end(), True
    return _CONTROL.sub("", "".join([*pieces, _decode_plain(value[position:])]))


def _joined(run: list[bytes], charset: str) -> list[str]:
    return [decode_charset(b"".join(run), charset)] if run else []


def _decode_plain(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _decode_word(encoding: bytes, text: bytes) -> bytes | None:
    if encoding in b"qQ":
        return _Q_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), text.replace(b"_", b" "))
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def encode_words(text: str) -> str:
    """Encode text for an unstructured field or a phrase; ASCII stays as it is (RFC 2047 §5).

    Words are separated by a space and may be folded there; what has no space for longer than a
    line may be (RFC 5322 §2.1.1) is encoded, too.
    """
    is_plain = text.isascii() and "=?" not in text and not _CONTROL.search(text)
    if is_plain and not _UNBREAKABLE.search(text):
        return text
    words: list[str] = []
    chunk = b""
    # 75 characters less "=?utf-8?B?" and "?=", in groups of four that carry three bytes.
    limit = (WORD_MAX_CHARACTERS - 12) // 4 * 3
    for character in _CONTROL.sub(" ", text):
        encoded = character.encode("utf-8", "replace")
        if len(chunk) + len(encoded) > limit:
            words.append(_b_word(chunk))
            chunk = b""
        chunk += encoded
    return " ".join([*words, _b_word(chunk)])


def _b_word(chunk: bytes) -> str:
    return f"=?utf-8?B?{base64.b64encode(chunk).decode()}?="


def decode_parameters(raw: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Put a field's parameters together (RFC 2231): continuations, charsets, percent escapes.

    A parameter that is there plainly too, for readers who know no better, is taken from its
    extended form; of the same name twice the first is taken.

    Args:
        raw: lower-case names as they stand (``filename*0*``) and unquoted values, where bytes over
            127 are surrogate escapes.
    """
    if not any("*" in name for name, _ in raw):
        return tuple((name, _plain_parameter(name, value)) for name, value in raw)
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, value in raw:
        stem, star, rest = name.partition("*")
        plain.setdefault(stem, value)  # its place among the others, too
        if star:
            index = rest.removesuffix("*")
            number = int(index) if index.isascii() and index.isdigit() and len(index) < 5 else 0
            is_extended = not rest or rest.endswith("*")
            pieces.setdefault(stem, {}).setdefault(number, (value, is_extended))
    found = []
    for name, value in plain.items():
        own = pieces.get(name)
        text = _plain_parameter(name, value) if own is None else _join_pieces(name, own)
        found.append((name, text))
    return tuple(found)


def _plain_parameter(name: str, value: str) -> str:
    if name == "boundary":
        return value  # compared with lines of the body byte by byte
    # Encoded words have no place in parameters (RFC 2047 §5), yet mailers put them there.
    return decode_words(value.encode("utf-8", "surrogateescape"))


def _join_pieces(name: str, pieces: dict[int, tuple[str, bool]]) -> str:
    charset = ""
    content: list[bytes] = []
    for number in sorted(pieces):
        value, is_extended = pieces[number]
        data = value.encode("utf-8", "surrogateescape")
        if is_extended:
            if number == 0 and data.count(b"'") >= 2:
                label, _, data = data.split(b"'", 2)
                charset = label.decode("ascii", "replace").lower()
            data = unquote_to_bytes(data)
        content.append(data)
    if not charset and not any(is_extended for _, is_extended in pieces.values()):
        return _plain_parameter(name, b"".join(content).decode("utf-8", "surrogateescape"))
    return _CONTROL.sub("", decode_charset(b"".join(content), charset or "utf-8"))


def encode_parameter(name: str, value: str) -> list[str]:
    """Write a parameter as ``name=value`` pieces for a header, each short enough for a line."""
    if value.isascii() and len(value) <= 60 and not _CONTROL.search(value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return [f'{name}="{escaped}"']
    encoded = quote(value.encode("utf-8", "replace"), safe="")
    if len(encoded) <= 60:
        return [f"{name}*=utf-8''{encoded}"]
    pieces: list[str] = []
    while encoded:
        cut = 50
        while cut > 47 and "%" in encoded[cut - 2 : cut]:
            cut -= 1
        prefix = "utf-8''" if not pieces else ""
        pieces.append(f"{name}*{len(pieces)}*={prefix}{encoded[:cut]}")
        encoded = encoded[cut:]
    return pieces
