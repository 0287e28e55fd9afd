"""APPEND (RFC 9051 §6.3.12, RFC 4315 §3, RFC 7889, RFC 3516 §4.4)."""

import asyncio
import secrets

from mailquay.delivery import Incoming, LocalPlacement, NotPlaced
from mailquay.message.recode import encode_nul
from mailquay_imap.handlers.keywords import require_flags
from mailquay_imap.handlers.naming import attributes, require_mailbox, tell_name
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import No, Ok
from mailquay_imap.session import Session


async def handle_append(session: Session, command: c.Append) -> Ok:
    """APPEND: durable when it is OK."""
    flags, keywords = require_flags(command.flags)
    if not command.message:
        raise No("an empty message is none", code="CANNOT")
    message = command.message
    if b"\0" in message:
        # BODY[…] could not send it (RFC 9051 §7.5.2), and a change of encoding is ours to make.
        message = await asyncio.to_thread(encode_nul, message)
    account = session.owner
    mailbox = await require_mailbox(session, command.mailbox, code="TRYCREATE")
    placement = LocalPlacement(
        account.id, mailbox.id, flags=flags, keywords=keywords, received_at=command.date
    )
    delivered = await session.server.deliverer.deliver(
        Incoming(account.tenant_id, message, secrets.token_hex(8), local=(placement,))
    )
    (placed,) = delivered.placements
    if isinstance(placed, NotPlaced):
        if placed.reason == "overquota":
            raise No("the account is full", code="OVERQUOTA")
        raise No("there is no such mailbox", code="TRYCREATE")
    tell_name(session, command.mailbox, mailbox.name, attributes(mailbox, has_children=False))
    return Ok("APPEND completed", code=f"APPENDUID {placed.uidvalidity} {placed.uid}")
