"""What is kept of a message: read once, when it arrives. No I/O here."""

import hashlib
from datetime import datetime
from typing import Final

from mailquay.blobs import BlobRef
from mailquay.message import ScannedMessage, scan
from mailquay.message.header import iter_fields
from mailquay.message.structure import encode_structure
from mailquay.store.deliveries import EmailFacts

__all__ = ["HEADER_FIELDS", "MessageFacts", "read_facts"]

#: Fields that clients ask for in lists of messages; they are served without reading the body.
HEADER_FIELDS: Final = frozenset(
    name.encode()
    for name in (
        "date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "message-id",
        "in-reply-to", "references", "newsgroups", "content-type", "content-transfer-encoding",
        "mime-version", "x-priority", "priority", "importance", "x-mailer", "list-id",
        "list-unsubscribe", "list-post", "auto-submitted", "disposition-notification-to",
        "return-path", "delivered-to",
    )
)  # fmt: skip
#: A header whose chosen fields are larger than this is read from the body instead.
HEADER_FIELDS_MAX_BYTES: Final = 16 * 1024
#: What a column keeps of a field that nobody wrote by hand.
TEXT_MAX_CHARACTERS: Final = 4096
THREAD_KEYS_MAX: Final = 100
_EARLIEST: Final = datetime.fromisoformat("0001-01-03T00:00:00+00:00")


class MessageFacts:
    """A scanned message's columns, but for where its body lies."""

    __slots__ = ("_columns", "is_8bit", "message_id", "thread_keys")

    def __init__(self, message: ScannedMessage) -> None:
        header = message.header
        self.message_id = None if message.message_id is None else _text(message.message_id)
        self.thread_keys = _thread_keys(message)
        self.is_8bit = not message.raw.isascii()
        self._columns = {
            "header_length": message.header_length,
            "sent_at": _date(message),
            "message_id": self.message_id,
            "subject": _text(message.subject),
            "base_subject": _text(message.base_subject),
            "from_": _text(header.all_decoded(b"from")),
            "to_": _text(header.all_decoded(b"to")),
            "cc": _text(header.all_decoded(b"cc")),
            "bcc": _text(header.all_decoded(b"bcc")),
            "preview": _text(message.preview()),
            "has_attachment": message.has_attachment,
            "envelope": message.imap_envelope(),
            "bodystructure": message.imap_bodystructure(),
            "structure": encode_structure(message.root),
            "header_fields": _chosen_fields(message),
            "thread_keys": self.thread_keys,
        }

    def at(self, ref: BlobRef) -> EmailFacts:
        """The facts of the message whose body lies there."""
        return EmailFacts(
            pack_id=ref.pack_id,
            pack_offset=ref.pack_offset,
            stored_length=ref.stored_length,
            size=ref.size,
            sha256=ref.sha256,
            codec=ref.codec,
            **self._columns,  # type: ignore[arg-type]  # by name, as above
        )


def read_facts(raw: bytes) -> MessageFacts:
    """Scan a message and keep what is asked for often. Never raises for what is in it."""
    return MessageFacts(scan(raw))


def _text(text: str) -> str:
    """Text as Postgres takes it: no NUL, no lone surrogate."""
    text = text[:TEXT_MAX_CHARACTERS]
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text


def _date(message: ScannedMessage) -> datetime | None:
    sent_at = message.sent_at
    return None if sent_at is None or sent_at < _EARLIEST else sent_at


def _chosen_fields(message: ScannedMessage) -> bytes:
    """The fields as they stand in the message; empty when they are too many to keep."""
    chosen = b"".join(
        message.raw[field.start : field.end]
        for field in iter_fields(message.raw, 0, message.header_length)
        if field.name.lower() in HEADER_FIELDS
    )
    return chosen if len(chosen) <= HEADER_FIELDS_MAX_BYTES else b""


def _thread_keys(message: ScannedMessage) -> tuple[int, ...]:
    """Hashes of the message's own id and of those it refers to, each with the base subject.

    Two messages are of one thread when they share an id and their base subjects are the same but
    for white space (RFC 8621 §3) and case (RFC 5256 §2.1).
    """
    own = [] if message.message_id is None else [message.message_id]
    referred = (ref.decode("utf-8", "replace") for ref in message.references[-THREAD_KEYS_MAX:])
    subject = "".join(message.base_subject.split()).casefold()
    keys = []
    for message_id in dict.fromkeys([*own, *referred]):
        text = f"{message_id}\0{subject}".encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(text, digest_size=8).digest()
        keys.append(int.from_bytes(digest, "big", signed=True))
    return tuple(keys)
