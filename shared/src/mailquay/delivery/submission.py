"""What mail of our own users has in common, sent by SMTP (RFC 6409) or JMAP (RFC 8621 §7)."""

from datetime import datetime

from mailquay.message.dates import format_date
from mailquay.message.header import Header, find_header_end
from mailquay.store import Store
from mailquay.store.types import AccountId

__all__ = ["complete_message", "may_send_as"]

#: Whom these name must stay unknown to the others (RFC 5322 §3.6.3).
_BLIND = frozenset({b"bcc", b"resent-bcc"})


async def may_send_as(
    store: Store, account_id: AccountId, account_address: str, address: str
) -> bool:
    """Whether an address is the account's own: its address, with any detail, or an alias to it.

    Args:
        store: asked only for what is not the account's plain address.
        account_id: whose.
        account_address: its own, normalised.
        address: to send from, normalised.

    Raises:
        StoreUnavailable: nobody can say now.
    """
    local, _, domain = address.rpartition("@")
    plain = f"{local.partition('+')[0] or local}@{domain}"
    if account_address in (address, plain):
        return True
    return await store.identities.may_send_as(account_id, address)


def complete_message(message: bytes, *, hostname: str, unique: str, when: datetime) -> bytes:
    """The message as others may see it, and as every message is to be.

    Bcc goes; Date and Message-ID come where they are missing (RFC 6409 §8.1, §8.3).

    Args:
        message: as its writer has made it.
        hostname: this server's name.
        unique: no other message has it.
        when: now.
    """
    header_end = find_header_end(message, 0, len(message))
    # All fields, however many: none may be kept by hiding it behind others.
    header = Header(message, 0, header_end, max_fields=header_end)
    pieces: list[bytes] = []
    if header.get_raw(b"date") is None:
        pieces.append(f"Date: {format_date(when)}\r\n".encode())
    if header.get_raw(b"message-id") is None:
        number = int(when.timestamp())
        pieces.append(f"Message-ID: <{unique}.{number}@{hostname}>\r\n".encode())
    kept = 0
    for field in header:
        if field.name.lower() in _BLIND:
            pieces.append(message[kept : field.start])
            kept = field.end
    if not pieces:
        return message
    pieces.append(message[kept:])
    return b"".join(pieces)
