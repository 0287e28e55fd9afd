"""Trace fields that a server puts before a message (RFC 5321 §4.4). No I/O here."""

import re
from datetime import datetime
from typing import Final

from mailquay.message.dates import format_date
from mailquay.message.header import find_header_end, iter_fields

__all__ = ["count_received", "make_received", "make_return_path", "without_return_path"]

_RECEIVED: Final = re.compile(rb"(?im)^received[ \t]*:")
_UNSAFE: Final = re.compile(r"[^!-~\x80-\U0010ffff]+")
#: What a domain or an address literal is made of; anything else would be a comment, or an end.
_NO_HOST: Final = re.compile(r"[^A-Za-z0-9.:_\[\]\x80-\U0010ffff-]")


def make_return_path(reverse_path: str) -> bytes:
    """The Return-Path field that final delivery adds."""
    return f"Return-Path: <{reverse_path}>\r\n".encode()


def without_return_path(message: bytes) -> bytes:
    """The message as it may leave again: final delivery adds that field, and nobody before it.

    RFC 5321 §4.4.
    """
    end = find_header_end(message, 0, len(message))
    if b"return-path" not in message[:end].lower():
        return message
    kept, position = [], 0
    for field in iter_fields(message, 0, end):
        if field.name.lower() == b"return-path":
            kept.append(message[position : field.start])
            position = field.end
    return b"".join([*kept, message[position:]])


def make_received(
    *,
    by: str,
    protocol: str,
    queue_id: str,
    when: datetime,
    helo: str | None = None,
    client: str | None = None,
    tls: str | None = None,
    recipient: str | None = None,
) -> bytes:
    """Write a Received field.

    Args:
        by: this host.
        protocol: the WITH keyword (RFC 3848): ESMTP, ESMTPSA, LMTP, …
        queue_id: what finds this message in the logs.
        when: the time of receipt.
        helo: the name that the client gave; with ``client`` left out, where it came from stays
            private, as for submissions.
        client: the client's address.
        tls: version and cipher, for the reader.
        recipient: only when there is exactly one, else others would learn of it.
    """
    lines = []
    if helo is not None and client is not None:
        literal = f"IPv6:{client}" if ":" in client else client
        lines.append(f"Received: from {_host(helo)} ([{literal}])")
        lines.append(f"\tby {by}")
    else:
        lines.append(f"Received: by {by}")
    if tls:
        lines[-1] += f" ({tls})"
    lines.append(f"\twith {protocol} id {queue_id}")
    if recipient is not None:
        lines.append(f"\tfor <{_word(recipient)}>")
    lines[-1] += f"; {format_date(when)}"
    return ("\r\n".join(lines) + "\r\n").encode()


def _host(name: str) -> str:
    return _NO_HOST.sub("?", name)[:255] or "unknown"


def _word(text: str) -> str:
    return _UNSAFE.sub("", text)[:255] or "unknown"


def count_received(header: bytes) -> int:
    """How many hosts a message has passed, by its Received fields (RFC 5321 §6.3)."""
    return len(_RECEIVED.findall(header))
