"""Blob ids, and the bytes behind them (RFC 8620 §6, RFC 8621 §4.1.4).

``B345`` is a whole message, ``B345-1-2`` the decoded content of its part 1.2 (IMAP's part number),
``U12`` an upload. All are of the signed-in account, and what one names never changes.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailquay.blobs import BlobStore
from mailquay.message.content import decode_body
from mailquay.message.parts import Part
from mailquay.message.sections import find_part
from mailquay.message.structure import decode_structure
from mailquay.store import Store
from mailquay.store.types import AccountId, EmailId
from mailquay_webmail_api.jmap.core.ids import parse_upload_id

__all__ = ["Blob", "email_blob_id", "parse_email_blob_id", "part_blob_id", "read_blob"]

_EMAIL: Final = re.compile(r"B(0|[1-9][0-9]{0,18})((?:-[1-9][0-9]{0,5}){0,100})")


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes, and what the sender or uploader said they are; the name may hold anything."""

    data: bytes
    type: str
    name: str | None = None


def email_blob_id(number: int) -> str:
    """The blob id of a whole message."""
    return f"B{number}"


def part_blob_id(number: int, part_number: str) -> str:
    """The blob id of a part, by its IMAP part number such as ``1.2``."""
    return f"B{number}-{part_number.replace('.', '-')}"


def parse_email_blob_id(text: str) -> tuple[EmailId, tuple[int, ...]] | None:
    """An email and a part number, ``()`` for the whole; None when it is no such id."""
    match = _EMAIL.fullmatch(text)
    if match is None or (number := int(match[1])) >= 1 << 63:
        return None
    return EmailId(number), tuple(int(step) for step in match[2].split("-")[1:])


async def read_blob(
    store: Store, blobs: BlobStore, account_id: AccountId, blob_id: str
) -> Blob | None:
    """The bytes of a blob; None when there is no such blob in the account.

    Raises:
        StoreUnavailable, BlobError: it cannot be read now.
    """
    if (upload_id := parse_upload_id(blob_id)) is not None:
        found = await store.uploads.find(account_id, upload_id)
        return None if found is None else Blob(await blobs.get(found[0]), found[1])
    if (parsed := parse_email_blob_id(blob_id)) is None:
        return None
    email_id, number = parsed
    bodies = await store.emails.bodies(account_id, [email_id])
    if email_id not in bodies:
        return None
    body = bodies[email_id]
    if not number:
        return Blob(await blobs.get(body), "message/rfc822")
    part = find_part(decode_structure(body.structure), number)
    if part is None or part.is_multipart:
        return None
    return Blob(decode_body(await blobs.get(body), part), _type_of(part), part.filename)


def _type_of(part: Part) -> str:
    return f"{part.type}/{part.subtype}" if part.type and part.subtype else "text/plain"
