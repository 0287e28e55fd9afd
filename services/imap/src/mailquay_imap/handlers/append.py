"""APPEND (RFC 9051 §6.3.12, RFC 4315 §3, RFC 7889)."""

import secrets

from mailquay.delivery import Incoming, LocalPlacement, NotPlaced
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import parse_flags
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session


async def handle_append(session: Session, command: c.Append) -> Ok:
    """APPEND: durable when it is OK."""
    flags, keywords, unknown = parse_flags(command.flags)
    if unknown is not None:
        raise Bad(f"the flag {unknown} cannot be set")
    if not command.message:
        raise No("an empty message is none", code="CANNOT")
    account = session.owner
    mailbox = await session.server.store.mailboxes.find(account.id, command.mailbox)
    if mailbox is None or not mailbox.is_selectable:
        raise No("there is no such mailbox", code="TRYCREATE")
    placement = LocalPlacement(
        account.id, mailbox.id, flags=flags, keywords=keywords, received_at=command.date
    )
    delivered = await session.server.deliverer.deliver(
        Incoming(account.tenant_id, command.message, secrets.token_hex(8), local=(placement,))
    )
    (placed,) = delivered.placements
    if isinstance(placed, NotPlaced):
        if placed.reason == "overquota":
            raise No("the mailbox is full", code="OVERQUOTA")
        raise No("there is no such mailbox", code="TRYCREATE")
    await session.sync(expunges=True)
    return Ok("APPEND completed", code=f"APPENDUID {placed.uidvalidity} {placed.uid}")
