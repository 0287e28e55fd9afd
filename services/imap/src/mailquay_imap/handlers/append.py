"""APPEND (RFC 9051 §6.3.12, RFC 3502, RFC 4315 §3, RFC 7889, RFC 3516 §4.4, RFC 6855 §4)."""

import asyncio
import secrets
from collections.abc import Sequence

from mailquay.delivery import Incoming, LocalPlacement, NotPlaced, Placed
from mailquay.message.recode import encode_nul
from mailquay.store.types import Mailbox
from mailquay_imap.handlers.catenate import catenate
from mailquay_imap.handlers.keywords import require_flags
from mailquay_imap.handlers.naming import attributes, require_mailbox, tell_name
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.sequence import compress
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session

__all__ = ["append", "appenduid", "handle_append"]


async def handle_append(session: Session, command: c.Append) -> Ok:
    """APPEND: durable when it is OK, and all of the messages or none."""
    mailbox = await require_mailbox(session, command.mailbox, code="TRYCREATE")
    placed = await append(session, mailbox, command.messages)
    tell_name(session, command.mailbox, mailbox.name, attributes(mailbox, has_children=False))
    return Ok("APPEND completed", code=appenduid(placed))


async def append(
    session: Session, mailbox: Mailbox, messages: Sequence[c.AppendMessage]
) -> list[Placed]:
    """Put messages into a mailbox together.

    Raises:
        No: there is no room for them, or one of them is none.
        Bad: one of them is told in a way that was not enabled.
        delivery.Unavailable
    """
    incoming = [await _incoming(session, mailbox, message) for message in messages]
    deliverer = session.server.deliverer
    if len(incoming) == 1:
        delivered = [await deliverer.deliver(incoming[0])]
    else:
        delivered = await deliverer.deliver_together(incoming)
    placed: list[Placed] = []
    for outcome in delivered:
        (placement,) = outcome.placements
        if isinstance(placement, NotPlaced):
            if placement.reason == "overquota":
                raise No("the account is full", code="OVERQUOTA")
            raise No("there is no such mailbox", code="TRYCREATE")
        placed.append(placement)
    session.made(mailbox.id, [placement.uid for placement in placed])
    return placed


async def _incoming(session: Session, mailbox: Mailbox, message: c.AppendMessage) -> Incoming:
    flags, keywords = require_flags(message.flags)
    raw = message.message
    if message.is_utf8 and "UTF8=ACCEPT" not in session.enabled:
        raise Bad("UTF8 is to be enabled first", code="CLIENTBUG")  # RFC 6855 §4
    if message.parts:
        raw = await catenate(session, message.parts)
    if not raw:
        raise No("an empty message is none", code="CANNOT")
    if b"\0" in raw:
        # BODY[…] could not send it (RFC 9051 §7.5.2), and a change of encoding is ours to make.
        raw = await asyncio.to_thread(encode_nul, raw)
    placement = LocalPlacement(
        mailbox.account_id, mailbox.id, flags=flags, keywords=keywords, received_at=message.date
    )
    # A mailbox is shared within its tenant only, so it is the tenant of who has signed in.
    return Incoming(session.owner.tenant_id, raw, secrets.token_hex(8), local=(placement,))


def appenduid(placed: Sequence[Placed]) -> str:
    """The response code (RFC 4315 §3)."""
    uids = compress(placement.uid for placement in placed).decode()
    return f"APPENDUID {placed[0].uidvalidity} {uids}"
