"""A scanned message: its tree, and what is asked of it, each made when first asked for.

No I/O here.
"""

from datetime import datetime
from functools import cached_property

from mailquay.message.bodystructure import render_body, render_bodystructure
from mailquay.message.content import preview
from mailquay.message.dates import parse_date
from mailquay.message.envelope import Envelope, read_envelope, render_envelope
from mailquay.message.fields import parse_message_ids
from mailquay.message.limits import ScanLimits
from mailquay.message.scan import scan_parts
from mailquay.message.subject import base_subject

__all__ = ["ScannedMessage", "scan"]

_DEFAULT_LIMITS = ScanLimits()


def scan(raw: bytes, limits: ScanLimits = _DEFAULT_LIMITS) -> "ScannedMessage":
    """Scan any bytes as a message. Never raises for what is in them; linear time."""
    return ScannedMessage(raw, limits)


class ScannedMessage:
    """What a scan found; offsets count in the bytes that were scanned."""

    __slots__ = ("__dict__", "header", "raw", "root")

    def __init__(self, raw: bytes, limits: ScanLimits) -> None:
        self.raw = raw
        self.root, self.header = scan_parts(raw, limits)

    @property
    def header_length(self) -> int:
        """Bytes of the header, its blank line included."""
        return self.root.body_start

    @cached_property
    def envelope(self) -> Envelope:
        """The envelope of RFC 9051 §7.5.2."""
        return read_envelope(self.header)

    def imap_envelope(self) -> bytes:
        """ENVELOPE, ready to serve."""
        return render_envelope(self.envelope)

    def imap_bodystructure(self) -> bytes:
        """BODYSTRUCTURE, ready to serve."""
        return render_bodystructure(self.root)

    def imap_body(self) -> bytes:
        """BODY, ready to serve."""
        return render_body(self.root)

    @cached_property
    def message_id(self) -> str | None:
        """The Message-ID without its brackets; None when there is no valid one."""
        ids = parse_message_ids(self.header.get_raw(b"message-id"))
        return ids[0].decode("utf-8", "replace") if ids else None

    @cached_property
    def references(self) -> tuple[bytes, ...]:
        """The msg-ids of References, then of In-Reply-To, each once (RFC 5256 §3, threading)."""
        found = [
            *parse_message_ids(self.header.get_raw(b"references")),
            *parse_message_ids(self.header.get_raw(b"in-reply-to")),
        ]
        return tuple(dict.fromkeys(found))

    @cached_property
    def sent_at(self) -> datetime | None:
        """The Date field, aware and in UTC."""
        raw = self.envelope.date
        return None if raw is None else parse_date(raw)

    @cached_property
    def subject(self) -> str:
        """The subject as text; empty when there is none."""
        return self.header.decoded(b"subject") or ""

    @cached_property
    def base_subject(self) -> str:
        """The base subject (RFC 5256 §2.1)."""
        return base_subject(self.subject)

    @cached_property
    def has_attachment(self) -> bool:
        """Whether a person would say it has one: a named or attached part that is not inline."""
        root = self.root
        if not root.is_multipart and root.type == "text" and root.disposition != "attachment":
            return False
        return any(
            part.disposition == "attachment"
            or (part.filename is not None and part.disposition != "inline")
            for _, part in root.walk()
            if not part.is_multipart
        )

    def preview(self, limit: int = 256) -> str:
        """The first words (RFC 8970), at most ``limit`` characters."""
        return preview(self.raw, self.root, limit)
