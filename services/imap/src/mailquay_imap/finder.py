"""Finds the messages that a search's keys mean (RFC 9051 §6.4.4, RFC 5255 §4.2).

Three sources, the cheap ones first: what the view knows (flags, uids, sizes), what Postgres knows
(dates, header fields), and the bodies, read only for the messages that are left.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from mailquay.delivery.facts import HEADER_FIELDS, TEXT_MAX_CHARACTERS
from mailquay.message.content import text_parts
from mailquay.message.header import Header, header_text
from mailquay.message.parts import Part
from mailquay.message.structure import decode_structure
from mailquay.message.words import decode_words
from mailquay.store import search as s
from mailquay.store.emails import Body, Place
from mailquay_imap.bodies import together
from mailquay_imap.casemap import casemap
from mailquay_imap.protocol.format import system_flag
from mailquay_imap.protocol.search import (
    AndKey,
    DateKey,
    FlagKey,
    HeaderKey,
    IdKey,
    KeywordKey,
    ModSeqKey,
    NotKey,
    OrKey,
    SearchKey,
    SetKey,
    SizeKey,
    TextKey,
    WithinKey,
)
from mailquay_imap.protocol.sequence import SequenceSet
from mailquay_imap.replies import Bad
from mailquay_imap.searched_dates import bounds, in_time, midnight, sent_day
from mailquay_imap.selected import Selected
from mailquay_imap.server import Server

__all__ = ["Finder"]

_FIELDS: Final = {
    "FROM": s.Field.FROM,
    "TO": s.Field.TO,
    "CC": s.Field.CC,
    "BCC": s.Field.BCC,
    "SUBJECT": s.Field.SUBJECT,
    "MESSAGE-ID": s.Field.MESSAGE_ID,
}
#: Their columns, but for the one that an email may lack.
_TEXTS: Final = {
    s.Field.FROM: "from_",
    s.Field.TO: "to_",
    s.Field.CC: "cc",
    s.Field.BCC: "bcc",
    s.Field.SUBJECT: "subject",
}
#: Messages whose texts are looked through here; of more, by Postgres.
_REMEMBERED: Final = 50_000
#: Uids that are worth naming to Postgres; of more, it looks at the whole mailbox.
_NAMED_UIDS: Final = 200
#: What each kind of key costs, so that the dear ones see only what the cheap ones leave.
_COSTS: Final[dict[type[SearchKey], int]] = {
    SetKey: 0, FlagKey: 1, SizeKey: 1, KeywordKey: 1, ModSeqKey: 1, IdKey: 3, DateKey: 4,
    WithinKey: 4, HeaderKey: 5, TextKey: 9,
}  # fmt: skip


class Finder:
    """One search in a selected mailbox."""

    def __init__(self, server: Server, selected: Selected) -> None:
        self._server = server
        self._selected = selected
        self._account_id = selected.view.account_id

    async def find(self, key: SearchKey, *, among: set[int] | None = None) -> list[int]:
        """The uids of all messages that match, ascending; those that are gone are none.

        A number that there is not means nothing here (RFC 7377 §2). Of the uids ``among`` alone,
        where they are given.

        Raises:
            Bad: the key names message numbers, which the client has done without.
        """
        if among is None:
            among = set(self._selected.known.uids) - self._selected.ghosts
        if self._selected.uid_only:
            self._refuse_numbers(key)
        return sorted(await self._run(key, among))

    def _refuse_numbers(self, key: SearchKey) -> None:
        """Numbers are looked at first, so that a search is wrong whatever else it asks."""
        match key:
            case AndKey(keys):
                for inner in keys:
                    self._refuse_numbers(inner)
            case OrKey(first, second):
                self._refuse_numbers(first)
                self._refuse_numbers(second)
            case NotKey(inner):
                self._refuse_numbers(inner)
            case SetKey(numbers, by_uid=False) if not numbers.is_saved:
                raise Bad("the search names message numbers", code="UIDREQUIRED")

    async def _run(self, key: SearchKey, among: set[int]) -> set[int]:
        """The uids of ``among`` that match."""
        if not among:
            return among
        match key:
            case AndKey(keys):
                for part in sorted(keys, key=_cost):
                    among = await self._run(part, among)
                return among
            case OrKey(first, second):
                found = await self._run(first, among)
                return found | await self._run(second, among - found)
            case NotKey(inner):
                return among - await self._run(inner, among)
            case HeaderKey(field, text):
                return await self._header(field, text, among)
            case TextKey(text, with_header):
                return await self._text(text, among, with_header=with_header)
            case DateKey(kind="SENT"):
                return await self._sent(key, among)
            case DateKey() | WithinKey():
                return await self._sql(in_time(key, datetime.now(UTC)), among)
            case IdKey(is_thread, object_id):
                return await self._object(object_id, among, is_thread=is_thread)
            case SetKey(numbers, by_uid):
                return self._in_set(numbers, among, by_uid=by_uid)
        return self._known(key, among)

    def _in_set(self, numbers: SequenceSet, among: set[int], *, by_uid: bool) -> set[int]:
        found = self._selected.numbers(numbers, by_uid=by_uid)
        return among.intersection(self._selected.uids(found))

    def _known(self, key: SearchKey, among: set[int]) -> set[int]:
        """What the view knows by itself."""
        test: Callable[[Place], bool]
        match key:
            case FlagKey("RECENT"):
                return {uid for uid in among if self._selected.is_recent(uid)}
            case FlagKey(name):
                bit = system_flag(f"\\{name}")
                return {p.uid for p in self._selected.known.places if p.flags & bit} & among
            case KeywordKey(keyword):
                wanted = keyword.lower()

                def test(place: Place) -> bool:
                    return any(word.lower() == wanted for word in place.keywords)

            case SizeKey(size, is_larger):

                def test(place: Place) -> bool:
                    return place.size > size if is_larger else place.size < size

            case ModSeqKey(modseq):

                def test(place: Place) -> bool:
                    return place.modseq >= modseq

            case _:
                raise AssertionError(key)
        return {p.uid for p in self._selected.known.places if test(p)} & among

    async def _sql(self, expression: s.Expression, among: set[int]) -> set[int]:
        terms: list[s.Expression] = [expression]
        if len(among) < _NAMED_UIDS:
            terms.append(s.UidIn(tuple((uid, uid) for uid in sorted(among))))
        found = await self._server.store.searches.in_mailbox(
            self._account_id, self._selected.view.mailbox_id, s.And(tuple(terms))
        )
        return among.intersection(found)

    async def _object(self, object_id: str, among: set[int], *, is_thread: bool) -> set[int]:
        """EMAILID and THREADID (RFC 8474 §5.3)."""
        letter, number = object_id[:1], object_id[1:]
        if letter != ("T" if is_thread else "E") or not re.fullmatch(r"[0-9]{1,18}", number):
            return set()
        if is_thread:
            return await self._sql(s.InThreads((int(number),)), among)
        places = self._selected.known.places
        return {p.uid for p in places if p.email_id == int(number)} & among

    async def _sent(self, key: DateKey, among: set[int]) -> set[int]:
        """By the Date field's own day, whatever its zone (RFC 9051 §6.4.4).

        Postgres knows the moment, which tells the day where it is a day away from both ends. For
        the others the field is looked at.
        """
        first, following = bounds(key)
        sure = s.Range(s.DateField.SENT, midnight(first, 1), midnight(following, -1))
        maybe = s.Range(s.DateField.SENT, midnight(first, -1), midnight(following, 1))
        candidates = await self._sql(maybe, among)
        found = await self._sql(sure, candidates)
        unsure = self._email_ids(candidates - found)
        rows = await self._server.store.emails.columns(
            self._account_id, list(unsure), ["envelope", "sent_at", "received_at"]
        )
        for email_id, (envelope, sent_at, received_at) in rows.items():
            day = sent_day(envelope, sent_at, received_at)
            if (first is None or day >= first) and (following is None or day < following):
                found.update(unsure[email_id])
        return found

    async def _header(self, field: str, text: str, among: set[int]) -> set[int]:
        """A field that contains the text; with no text, a field that is there."""
        wanted, name = casemap(text), field.encode().lower()
        column = _FIELDS.get(field)
        if column is not None and text:
            is_small = len(among) <= _REMEMBERED and column in _TEXTS
            search = self._remembered if is_small else self._asked
            found, cut = await search(column, text, among)
            return found | await self._kept_header(name, wanted, cut)
        if name in HEADER_FIELDS:
            return await self._kept_header(name, wanted, among)
        return await self._read_header(name, wanted, among)

    async def _remembered(
        self, column: s.Field, text: str, among: set[int]
    ) -> tuple[set[int], set[int]]:
        """Those whose column contains the text, and those where it may not hold the whole field."""
        ids, wanted = self._email_ids(among), casemap(text)
        numbers = list(ids)
        facts = self._server.facts
        texts = await facts.made(self._account_id, numbers, _TEXTS[column], casemap)
        found: set[int] = set()
        cut: set[int] = set()
        for email_id, text_there in zip(numbers, texts, strict=True):
            if text_there is None:
                continue  # it is gone
            if wanted in text_there:
                found.update(ids[email_id])
            elif len(text_there) >= TEXT_MAX_CHARACTERS:  # it is no shorter than what is kept
                cut.update(ids[email_id])
        return found, cut

    async def _asked(
        self, column: s.Field, text: str, among: set[int]
    ) -> tuple[set[int], set[int]]:
        """The same of a mailbox that is too large to be remembered, by Postgres."""
        found = await self._sql(s.FieldContains(column, casemap(text)), among)
        cut = await self._sql(s.FieldIsCut(column, TEXT_MAX_CHARACTERS), among - found)
        # Postgres compares ASCII as we do (RFC 5051); the rest is looked at here.
        wide = await self._sql(s.FieldIsWide(column), among - found - cut)
        if column not in _TEXTS:
            return found, cut | wide
        return found | (await self._remembered(column, text, wide))[0], cut

    async def _kept_header(self, name: bytes, wanted: str, among: set[int]) -> set[int]:
        """A field that is kept with each message; those with too long a header are read."""
        ids = self._email_ids(among)
        rows = await self._server.store.emails.columns(
            self._account_id, list(ids), ["header_fields"]
        )
        found: set[int] = set()
        unknown: set[int] = set()
        for email_id, (fields,) in rows.items():
            if not fields:
                unknown.update(ids[email_id])
            elif _has_field(fields, len(fields), name, wanted):
                found.update(ids[email_id])
        return found | await self._read_header(name, wanted, unknown)

    async def _read_header(self, name: bytes, wanted: str, among: set[int]) -> set[int]:
        return await self._by_body(
            lambda raw, body: _has_field(raw, body.header_length, name, wanted), among
        )

    async def _text(self, text: str, among: set[int], *, with_header: bool) -> set[int]:
        if not text:
            return among
        wanted = casemap(text)

        def test(raw: bytes, body: Body) -> bool:
            root = decode_structure(body.structure)
            texts = _texts(raw, root, with_header=with_header)
            return any(wanted in casemap(text) for text in texts)

        return await self._by_body(test, among)

    def _email_ids(self, among: set[int]) -> dict[int, list[int]]:
        """Uids by email: the same one may be in a mailbox twice."""
        ids: dict[int, list[int]] = {}
        for place in self._selected.known.places if among else ():
            if place.uid in among:
                ids.setdefault(place.email_id, []).append(place.uid)
        return ids

    async def _by_body(self, test: Callable[[bytes, Body], bool], among: set[int]) -> set[int]:
        ids = self._email_ids(among)
        if not ids:
            return set()
        located = await self._server.facts.bodies(self._account_id, list(ids))
        # Neighbours in a pack are read one after the other.
        ordered = sorted(located.values(), key=lambda b: (b.pack_id.int, b.pack_offset))
        found: set[int] = set()
        for part in together(ordered):
            raws = await self._server.blobs.get_many(part)
            for email_id in await asyncio.to_thread(_matching, test, part, raws):
                found.update(ids[email_id])
        return found


def _cost(key: SearchKey) -> int:
    match key:
        case AndKey(keys):
            return max(map(_cost, keys), default=0)
        case OrKey(first, second):
            return max(_cost(first), _cost(second))
        case NotKey(inner):
            return _cost(inner)
    return _COSTS[type(key)]


def _matching(
    test: Callable[[bytes, Body], bool], bodies: Sequence[Body], raws: Sequence[bytes]
) -> list[int]:
    return [body.email_id for body, raw in zip(bodies, raws, strict=True) if test(raw, body)]


def _has_field(raw: bytes, header_length: int, name: bytes, wanted: str) -> bool:
    values = Header(raw, 0, header_length).all_raw(name)
    return any(not wanted or wanted in casemap(decode_words(value)) for value in values)


def _texts(raw: bytes, root: Part, *, with_header: bool) -> Iterator[str]:
    """What BODY looks into, and TEXT with the headers of the message and of its parts."""
    if with_header:
        yield _header_text(raw, root)
    yield from text_parts(raw, root)
    for _, part in root.walk():
        if with_header and part is not root:
            yield _header_text(raw, part)
        if part.is_message:  # its header is in the body of the message around it
            yield _header_text(raw, part.children[0])


def _header_text(raw: bytes, part: Part) -> str:
    return header_text(raw, part.header_start, part.body_start)
