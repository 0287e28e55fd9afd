"""UIDBATCHES (RFC 10022): ranges of uids with so many messages each, the newest first."""

from typing import Final

from mailquay_imap.batches import batches
from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session

#: Smaller ones would be message numbers by another name (RFC 10022 §3.1.3.2).
_SIZE_MIN: Final = 500


async def handle_uid_batches(session: Session, command: c.UidBatches) -> Ok:
    """UIDBATCHES: of any mailbox, however large, as its uids are known anyway."""
    selected = session.require_selected()
    if command.size < _SIZE_MIN:
        raise No(f"a batch has {_SIZE_MIN} messages or more", code="TOOFEW")
    if command.last is not None and command.last < command.first:
        raise Bad("the batches are told from the first to the last", code="CLIENTBUG")
    await session.look()
    session.tell_updates(expunges=True)
    found = batches(selected.known.uids, command.size, command.first, command.last)
    ranges = b",".join(b"%d:%d" % batch for batch in found)
    told = b" " + ranges if ranges else b""
    await session.write_large(b'* UIDBATCHES (TAG "%b")%b\r\n' % (session.tag, told))
    return Ok()
