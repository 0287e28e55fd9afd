"""Blob ids, and the bytes behind them (RFC 8620 §6, RFC 8621 §4.1.4).

``B345`` is a whole message, ``B345-1-2`` the decoded content of its part 1.2 (IMAP's part number),
``U12`` an upload. ``_1-2`` behind any of them takes its content for a message and means that one's
part 1.2 (Email/parse, RFC 8621 §4.9). All are of the signed-in account, and what one names never
changes.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from mailquay.blobs import BlobStore
from mailquay.blobs.refs import Located
from mailquay.message import scan
from mailquay.message.content import decode_body
from mailquay.message.parts import Part
from mailquay.message.sections import find_part
from mailquay.message.structure import decode_structure
from mailquay.store import Store
from mailquay.store.types import AccountId, EmailId
from mailquay_webmail_api.jmap.core.ids import parse_upload_id

__all__ = [
    "Blob",
    "FoundBlob",
    "email_blob_id",
    "find_blob",
    "inner_blob_id",
    "load_blob",
    "parse_email_blob_id",
    "part_blob_id",
    "read_blob",
]

_EMAIL: Final = re.compile(r"B(0|[1-9][0-9]{0,18})((?:-[1-9][0-9]{0,5}){0,100})")
_INNER: Final = re.compile(r"[1-9][0-9]{0,5}(?:-[1-9][0-9]{0,5}){0,100}")
#: Messages in messages in messages that are each named by taking one apart.
_INNER_MAX: Final = 10
#: A part that takes longer than a thread's hand-over to decode is decoded in one.
_INLINE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes, and what the sender or uploader said they are; the name may hold anything."""

    data: bytes
    type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class FoundBlob:
    """Where a blob's bytes lie: those there, or of each part in what the one before it holds."""

    location: Located
    type: str
    name: str | None = None
    parts: tuple[Part, ...] = ()


def email_blob_id(number: int) -> str:
    """The blob id of a whole message."""
    return f"B{number}"


def part_blob_id(number: int, part_number: str) -> str:
    """The blob id of a part, by its IMAP part number such as ``1.2``."""
    return f"B{number}-{part_number.replace('.', '-')}"


def inner_blob_id(blob_id: str, part_number: str) -> str:
    """The blob id of a part of the message that a blob's content is."""
    return f"{blob_id}_{part_number.replace('.', '-')}"


def parse_email_blob_id(text: str) -> tuple[EmailId, tuple[int, ...]] | None:
    """An email and a part number, ``()`` for the whole; None when it is no such id."""
    match = _EMAIL.fullmatch(text)
    if match is None or (number := int(match[1])) >= 1 << 63:
        return None
    return EmailId(number), tuple(int(step) for step in match[2].split("-")[1:])


async def find_blob(
    store: Store, blobs: BlobStore, account_id: AccountId, blob_id: str
) -> FoundBlob | None:
    """Find a blob; None when there is no such blob in the account.

    One round trip; bytes are read only for what is inside a message that must be taken apart.

    Raises:
        StoreUnavailable, BlobError: it cannot be read now.
    """
    outer, *inner = blob_id.split("_")
    if len(inner) > _INNER_MAX or not all(map(_INNER.fullmatch, inner)):
        return None
    found = await _find_outer(store, account_id, outer)
    for step in inner:
        if found is None:
            return None
        message = (await load_blob(blobs, found)).data
        root = (await asyncio.to_thread(scan, message)).root
        found = _within(found, root, tuple(map(int, step.split("-"))))
    return found


async def _find_outer(store: Store, account_id: AccountId, blob_id: str) -> FoundBlob | None:
    if (upload_id := parse_upload_id(blob_id)) is not None:
        upload = await store.uploads.find(account_id, upload_id)
        return None if upload is None else FoundBlob(upload[0], upload[1])
    if (parsed := parse_email_blob_id(blob_id)) is None:
        return None
    email_id, number = parsed
    body = (await store.emails.bodies(account_id, [email_id])).get(email_id)
    if body is None:
        return None
    found = FoundBlob(body, "message/rfc822")
    return _within(found, decode_structure(body.structure), number) if number else found


def _within(found: FoundBlob, root: Part, number: tuple[int, ...]) -> FoundBlob | None:
    """A part of the message that was found."""
    part = find_part(root, number)
    if part is None or part.is_multipart:
        return None
    return FoundBlob(found.location, part.content_type, part.filename, (*found.parts, part))


async def load_blob(blobs: BlobStore, found: FoundBlob) -> Blob:
    """Read what was found.

    Raises:
        BlobError: it cannot be read now, or is lost.
    """
    data = await blobs.get(found.location)
    for part in found.parts:
        if part.size > _INLINE_BYTES:
            data = await asyncio.to_thread(decode_body, data, part)
        else:
            data = decode_body(data, part)
    return Blob(data, found.type, found.name)


async def read_blob(
    store: Store, blobs: BlobStore, account_id: AccountId, blob_id: str
) -> Blob | None:
    """The bytes of a blob; None when there is no such blob in the account.

    Raises:
        StoreUnavailable, BlobError: it cannot be read now.
    """
    found = await find_blob(store, blobs, account_id, blob_id)
    return None if found is None else await load_blob(blobs, found)
