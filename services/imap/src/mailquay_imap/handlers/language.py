"""LANGUAGE (RFC 5255 §3): in what language people are told what happened."""

from typing import Final

from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session

#: All that is said to people is English; i-default is the same, and is to be there (RFC 2277).
_DEFAULT: Final = "i-default"
_LANGUAGES: Final = ("en", _DEFAULT)


async def handle_language(session: Session, command: c.Language) -> Ok:
    """LANGUAGE: what there is, or the first range that something there is matches."""
    if not command.ranges:
        told = [name if name == _DEFAULT else name.upper() for name in _LANGUAGES]
        session.write(f"* LANGUAGE ({' '.join(told)})\r\n".encode())
        return Ok()
    for range_ in command.ranges:
        found = _lookup(range_)
        if found is not None:
            name = found if found == _DEFAULT else found.upper()
            session.write(f"* LANGUAGE ({name})\r\n".encode())
            return Ok()
    raise No("no such language is spoken here")


def _lookup(range_: str) -> str | None:
    """The language that a range asks for, cut from its end until there is one (RFC 4647 §3.4)."""
    range_ = range_.lower()
    if range_ in ("*", "default"):
        return _DEFAULT
    while range_:
        if range_ in _LANGUAGES:
            return range_
        range_ = range_.rpartition("-")[0]
    return None
