"""Bytes of a named charset into text, whatever the name and the bytes. No I/O here."""

import codecs
from functools import lru_cache
from typing import Final

__all__ = ["decode_charset", "decode_charset_strictly", "find_codec"]

#: Names that mail uses and Python does not, or for which browsers take a wider table.
_ALIASES: Final = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso-2022-jp-ext",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "tis-620": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "8bit": "utf-8",
    "binary": "utf-8",
    "unknown-8bit": "utf-8",
    "x-unknown": "utf-8",
    "default": "utf-8",
    "": "utf-8",
}
_HIGH: Final = bytes(range(0x80, 0x100))
#: Codecs that are no charsets: they run escapes, or are made for something else.
_REFUSED: Final = frozenset(
    {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "charmap", "mbcs"}
)


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    name = _ALIASES.get(charset, charset)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if info.name.replace("-", "_") in _REFUSED or not getattr(info, "_is_text_encoding", True):
        return None
    return info.name


def find_codec(charset: str) -> str | None:
    """The codec of a charset's name in any case; None when it is not known, or is no charset."""
    return _codec(charset.strip().lower()[:64])


def decode_charset(data: bytes, charset: str) -> str:
    """Decode; malformed sequences become U+FFFD, an unknown charset is taken for UTF-8 or cp1252.

    Args:
        data: the bytes.
        charset: its name in any case, as a Content-Type or an encoded word gives it.
    """
    name = find_codec(charset)
    if name is None or name == "utf-8":
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            # Latin text that was labelled ASCII or UTF-8 reads better this way than as U+FFFD.
            if name is None or not _looks_like_utf8(data):
                return data.decode("cp1252", "replace")
            return data.decode("utf-8", "replace")
    try:
        return _without_surrogates(data.decode(name, "replace"))
    except (UnicodeError, ValueError):
        return data.decode("utf-8", "replace")


def decode_charset_strictly(data: bytes, charset: str) -> str | None:
    """Decode; None where the charset is unknown or anything is malformed.

    ASCII and no charset at all are read as UTF-8, of which they are a part.
    """
    name = find_codec(charset)
    if name is None:
        return None
    try:
        text = data.decode(name)
        text.encode()  # UTF-7 gives halves of characters too, which are no text
    except (UnicodeError, ValueError):
        return None
    return text


def _without_surrogates(text: str) -> str:
    """Halves of characters, which UTF-7 can give, become U+FFFD: nothing could encode them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _looks_like_utf8(data: bytes) -> bool:
    """Whether most of what is not ASCII decodes as UTF-8: a truncated or damaged UTF-8 text."""
    sample = data[:4096]
    bad = sample.decode("utf-8", "replace").count("\ufffd")
    high = len(sample) - len(sample.translate(None, _HIGH))
    return bad * 4 < high
