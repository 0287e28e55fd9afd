"""URLs of a message or a part of it, as CATENATE has them (RFC 5092 §7, RFC 4469 §3). Pure."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.fetch import BodyItem, parse_section
from mailquay_imap.protocol.reader import Reader

__all__ = ["MessageUrl", "parse_message_url"]

#: ``"/" enc-mailbox [uidvalidity] iuid [isection] [ipartial]``; without a mailbox it is relative to
#: the selected one.
_URL: Final = re.compile(
    r"(?:/?(?P<mailbox>(?!imaps?:|/)[^;?#]+)(?:;UIDVALIDITY=(?P<uidvalidity>[1-9]\d{0,9}))?/|/)?"
    r";UID=(?P<uid>[1-9]\d{0,9})"
    r"(?:/;SECTION=(?P<section>[^;?#]+?))?"
    r"(?:/;PARTIAL=(?P<first>\d{1,10})(?:\.(?P<length>[1-9]\d{0,9}))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """Bytes of a message; ``mailbox`` None is the selected one, ``partial`` its first and count."""

    mailbox: str | None
    uidvalidity: int | None
    uid: int
    section: BodyItem
    partial: tuple[int, int | None] | None


def parse_message_url(url: str) -> MessageUrl:
    """Read a URL without a server: another server's is not fetched.

    Raises:
        ProtocolError: it is none.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ProtocolError("that is no URL of a message here")
    mailbox = match["mailbox"]
    try:
        name = None if mailbox is None else unquote_to_bytes(mailbox).decode()
    except UnicodeDecodeError as error:
        raise ProtocolError("the mailbox of a URL is UTF-8") from error
    section = unquote_to_bytes(match["section"] or "")
    reader = Reader(b"[" + section.replace(b"\0", b"\r") + b"]", ())
    item = parse_section(reader)
    reader.end()
    first, length = match["first"], match["length"]
    partial = None if first is None else (int(first), None if length is None else int(length))
    validity = match["uidvalidity"]
    return MessageUrl(
        name, None if validity is None else int(validity), int(match["uid"]), item, partial
    )
