"""What CATENATE puts together (RFC 4469): texts, and parts of messages that are here already."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from mailquay.message.structure import decode_structure
from mailquay.store.types import AccountId, MailboxId
from mailquay_imap.bodies import section_bytes
from mailquay_imap.handlers.naming import find_mailbox
from mailquay_imap.protocol.errors import ProtocolError
from mailquay_imap.protocol.urls import MessageUrl, parse_message_url
from mailquay_imap.replies import No
from mailquay_imap.session import Session
from mailquay_imap.views import MailboxGone

__all__ = ["catenate"]

#: What a URL is repeated with as it is: all printable ASCII but ``"``, ``\\`` and ``]``.
_SHOWN: Final = " !#$%&'()*+,/:;<=>?@[^`{|}"


async def catenate(session: Session, parts: Sequence[bytes | str]) -> bytes:
    """The bytes of a message.

    Raises:
        No: BADURL, where a URL leads nowhere; TOOBIG.
        StoreUnavailable, BlobError
    """
    limit = session.server.settings.imap.max_append_bytes
    pieces: list[bytes] = []
    for part in parts:
        pieces.append(part if isinstance(part, bytes) else await _referred(session, part))
        limit -= len(pieces[-1])
        if limit < 0:
            raise No("the message would be too large", code="TOOBIG")
    return b"".join(pieces)


async def _referred(session: Session, text: str) -> bytes:
    try:
        url = parse_message_url(text)
        data = await _read(session, url)
    except (ProtocolError, MailboxGone):
        data = None
    if data is None:
        # These would end the response code, or the string in it (§5, url-resp-text).
        shown = quote(text, safe=_SHOWN)
        raise No("that URL leads nowhere", code=f'BADURL "{shown}"')
    if url.partial is None:
        return data
    first, length = url.partial
    return data[first:] if length is None else data[first : first + length]


async def _read(session: Session, url: MessageUrl) -> bytes | None:
    """The section that a URL names; None where there is none."""
    place = await _mailbox(session, url)
    if place is None:
        return None
    account_id, mailbox_id = place
    server = session.server
    view = await server.views.open(account_id, mailbox_id)
    try:
        number = view.snapshot.number_of(url.uid)
        if number is None or url.uidvalidity not in (None, view.uidvalidity):
            return None
        email_id = view.snapshot.places[number - 1].email_id
    finally:
        server.views.close(view)
    body = (await server.facts.bodies(account_id, [email_id])).get(email_id)
    if body is None:
        return None
    raw = await server.blobs.get(body)
    return section_bytes(raw, decode_structure(body.structure), url.section)


async def _mailbox(session: Session, url: MessageUrl) -> tuple[AccountId, MailboxId] | None:
    """Whose mailbox a URL names, and which."""
    if url.mailbox is None:
        if session.selected is None:
            return None
        view = session.selected.view
        return view.account_id, view.mailbox_id
    found = await find_mailbox(session, url.mailbox)
    return None if found is None else (found.account_id, found.id)
