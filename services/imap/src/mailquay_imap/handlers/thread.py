"""THREAD and UID THREAD (RFC 5256 §3)."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from mailquay.message.fields import parse_message_ids
from mailquay.message.header import Header
from mailquay.message.subject import is_reply_or_forward
from mailquay.store.emails import Place
from mailquay_imap.bodies import read_each
from mailquay_imap.casemap import casemap
from mailquay_imap.handlers.search import find
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.sort import Algorithm
from mailquay_imap.replies import Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session
from mailquay_imap.sorting import SENT
from mailquay_imap.threads import Message, Node, by_references, by_subject, threads_text

#: Of a message that answers very many, the last ones tell whom.
_REFERENCES_MAX: Final = 100
#: More messages than these are put into threads in a thread of their own.
_INLINE: Final = 2000


class Links(NamedTuple):
    """A message's own msg-id, empty for none, and those that it refers to."""

    message_id: bytes
    references: tuple[bytes, ...]


#: Of a message whose header was too long to keep.
_UNREAD: Final = Links(b"", ())


async def handle_thread(session: Session, command: c.Thread) -> Ok:
    """THREAD, UID THREAD."""
    selected = session.require_selected()
    found = await find(session, command.program)
    messages = await _messages(session, selected, command, selected.places_of(found))
    if len(messages) > _INLINE:
        text = await asyncio.to_thread(_text, command.algorithm, messages)
    else:
        text = _text(command.algorithm, messages)
    await session.write_large(b"* THREAD%b\r\n" % (b" " + text if text else b""))
    return Ok()


def _text(algorithm: Algorithm, messages: Sequence[Message]) -> bytes:
    return threads_text(_threads(algorithm, messages))


def _threads(algorithm: Algorithm, messages: Sequence[Message]) -> list[Node]:
    if algorithm is Algorithm.ORDEREDSUBJECT:
        return by_subject(messages)
    return by_references(messages, joins_subjects=algorithm is Algorithm.REFERENCES)


async def _messages(
    session: Session, selected: Selected, command: c.Thread, places: Sequence[Place]
) -> list[Message]:
    """What is kept of messages; those that are gone are left out."""
    facts, account_id = session.server.facts, selected.view.account_id
    email_ids = [place.email_id for place in places]
    uids = [place.uid for place in places]
    numbers = uids if command.by_uid else selected.numbers_of(uids)
    dates = await facts.columns(account_id, email_ids, [SENT, "received_at"])
    subjects = await facts.made(account_id, email_ids, "base_subject", casemap)
    replies: list[bool | None] = [False] * len(places)
    if command.algorithm is Algorithm.REFERENCES:
        replies = await facts.made(account_id, email_ids, "subject", is_reply_or_forward)
    links: list[Links | None] = [_UNREAD] * len(places)
    if command.algorithm is not Algorithm.ORDEREDSUBJECT:
        links = await _links(session, selected, email_ids)
    rows = zip(numbers, links, subjects, replies, dates[SENT], dates["received_at"], strict=True)
    return [
        Message(number, link.message_id, link.references, subject, is_reply, sent, arrived)
        for number, link, subject, is_reply, sent, arrived in rows
        if link is not None and subject is not None and is_reply is not None and sent and arrived
    ]


async def _links(
    session: Session, selected: Selected, email_ids: Sequence[int]
) -> list[Links | None]:
    """From the kept fields; of messages that had too many of those, from their bodies."""
    facts, account_id = session.server.facts, selected.view.account_id
    links = await facts.made(account_id, email_ids, "header_fields", read_links)
    unread = {email_id for email_id, link in zip(email_ids, links, strict=True) if link is _UNREAD}
    if not unread:
        return links
    located = list((await facts.bodies(account_id, list(unread))).values())
    read: dict[int, Links] = {}
    async for raw in read_each(session.server.blobs, located):
        body = located[len(read)]
        read[body.email_id] = _read(Header(raw, 0, body.header_length))
    return [read.get(i) if i in unread else link for i, link in zip(email_ids, links, strict=True)]


def read_links(fields: bytes) -> Links:
    """The links of kept header fields."""
    return _read(Header(fields, 0, len(fields))) if fields else _UNREAD


def _read(header: Header) -> Links:
    """References, or else the first msg-id of In-Reply-To (RFC 5256 §3, REFERENCES 1)."""
    own = parse_message_ids(header.get_raw(b"message-id"))
    references = parse_message_ids(header.get_raw(b"references"))
    if not references:
        references = parse_message_ids(header.get_raw(b"in-reply-to"))[:1]
    return Links(own[0] if own else b"", references[-_REFERENCES_MAX:])
