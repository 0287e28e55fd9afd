"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 7162 §3.1.5).

Three sources, the cheap ones first: what the view knows (flags, uids, sizes), what Postgres knows
(dates, header fields), and the bodies, read only for the messages that are left.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from mailquay.delivery.facts import HEADER_FIELDS
from mailquay.message.content import text_parts
from mailquay.message.header import Header
from mailquay.message.structure import decode_structure
from mailquay.store import search as s
from mailquay.store.emails import Body, Place
from mailquay_imap.protocol import commands as c
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
    SearchProgram,
    SetKey,
    SizeKey,
    TextKey,
)
from mailquay_imap.protocol.sequence import SequenceSet, compress
from mailquay_imap.replies import Bad, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session

_FIELDS: Final = {
    "FROM": s.Field.FROM,
    "TO": s.Field.TO,
    "CC": s.Field.CC,
    "BCC": s.Field.BCC,
    "SUBJECT": s.Field.SUBJECT,
    "MESSAGE-ID": s.Field.MESSAGE_ID,
}
#: Bodies read at once, and handed to a thread together.
_BODIES: Final = 64
#: What each kind of key costs, so that the dear ones see only what the cheap ones leave.
_COSTS: Final[dict[type[SearchKey], int]] = {
    SetKey: 0, FlagKey: 1, SizeKey: 1, KeywordKey: 1, ModSeqKey: 1, IdKey: 3, DateKey: 4,
    HeaderKey: 5, TextKey: 9,
}  # fmt: skip


async def handle_search(session: Session, command: c.Search) -> Ok:
    """SEARCH, UID SEARCH."""
    selected = session.require_selected()
    await session.sync(expunges=command.by_uid)
    if command.program.has_modseq:
        session.enabled.add("CONDSTORE")
        selected.condstore = True
    known = selected.known
    everything = {p.uid for p in known.places if p.uid not in selected.ghosts}
    try:
        found = sorted(await _Search(session, selected).run(command.program.key, everything))
    except Bad:
        if command.program.returns and "SAVE" in command.program.returns:
            selected.saved = []
        raise
    if command.by_uid:
        numbers = found
    else:
        numbers = [n for uid in found if (n := known.number_of(uid)) is not None]
    returns = command.program.returns
    if returns is None and session.is_rev2:
        returns = frozenset(("ALL",))  # RFC 9051 §6.4.4: the old response is no more
    highest = _highest_modseq(selected, command.program, found, returns)
    if returns is None:
        text = " ".join(["* SEARCH", *map(str, numbers)])
        session.write(f"{text}{highest}\r\n".encode())
        return Ok()
    if "SAVE" in returns:
        selected.saved = _saved(found, returns)
    if returns != {"SAVE"}:
        _write_esearch(session, command, numbers, returns, highest)
    return Ok()


def _saved(found: list[int], returns: frozenset[str]) -> list[int]:
    """What ``$`` means from now on (RFC 5182 §2.4)."""
    if found and ("MIN" in returns or "MAX" in returns) and not returns & {"ALL", "COUNT"}:
        ends = [found[0]] if "MIN" in returns else []
        return sorted({*ends, *([found[-1]] if "MAX" in returns else [])})
    return found


def _highest_modseq(
    selected: Selected,
    program: SearchProgram,
    found: list[int],
    returns: frozenset[str] | None,
) -> str:
    """The MODSEQ that a search by MODSEQ returns with (RFC 7162 §3.1.5, §3.1.10)."""
    if not program.has_modseq or not found:
        return ""
    uids = found
    if returns is not None and not returns & {"ALL", "COUNT"}:
        uids = _saved(found, returns)
    places = [selected.known.places[n - 1] for u in uids if (n := selected.known.number_of(u))]
    value = max(place.modseq for place in places)
    return f" (MODSEQ {value})" if returns is None else f" MODSEQ {value}"


def _write_esearch(
    session: Session,
    command: c.Search,
    numbers: list[int],
    returns: frozenset[str],
    highest: str,
) -> None:
    pieces = [b"* ESEARCH"]
    pieces.append(b'(TAG "%b")' % session.tag)
    if command.by_uid:
        pieces.append(b"UID")
    if numbers:
        if "MIN" in returns:
            pieces.append(b"MIN %d" % numbers[0])
        if "MAX" in returns:
            pieces.append(b"MAX %d" % numbers[-1])
        if "ALL" in returns:
            pieces.append(b"ALL " + compress(numbers))
    if "COUNT" in returns:
        pieces.append(b"COUNT %d" % len(numbers))
    session.write(b" ".join(pieces) + highest.encode() + b"\r\n")


class _Search:
    def __init__(self, session: Session, selected: Selected) -> None:
        self._server = session.server
        self._selected = selected
        self._account_id = selected.view.account_id

    async def run(self, key: SearchKey, among: set[int]) -> set[int]:
        """The uids of ``among`` that match."""
        if not among:
            return set()
        match key:
            case AndKey(keys):
                for part in sorted(keys, key=_cost):
                    among = await self.run(part, among)
                return among
            case OrKey(first, second):
                found = await self.run(first, among)
                return found | await self.run(second, among - found)
            case NotKey(inner):
                return among - await self.run(inner, among)
            case HeaderKey(field, text):
                return await self._header(field, text, among)
            case TextKey(text, with_header):
                return await self._text(text, among, with_header=with_header)
            case DateKey():
                return await self._sql(_date_range(key), among)
            case IdKey(is_thread, object_id):
                return await self._object(object_id, among, is_thread=is_thread)
            case SetKey(numbers, by_uid):
                return self._in_set(numbers, among, by_uid=by_uid)
        return self._known(key, among)

    def _in_set(self, numbers: SequenceSet, among: set[int], *, by_uid: bool) -> set[int]:
        if not by_uid and not numbers.is_saved and self._selected.exceeds(numbers):
            raise Bad("there is no message of that number")
        found = self._selected.numbers(numbers, by_uid=by_uid)
        uids = self._selected.known.uids
        return among.intersection([uids[number - 1] for number in found])

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
        if len(among) < 200:
            terms.append(s.UidIn(tuple((uid, uid) for uid in sorted(among))))
        found = await self._server.store.searches.in_mailbox(
            self._account_id, self._selected.view.mailbox_id, s.And(tuple(terms))
        )
        return among.intersection(found)

    async def _object(self, object_id: str, among: set[int], *, is_thread: bool) -> set[int]:
        letter, number = object_id[:1], object_id[1:]
        if letter != ("T" if is_thread else "E") or not number.isdecimal() or len(number) > 18:
            return set()
        ids = (int(number),)
        if is_thread:
            return await self._sql(s.InThreads(ids), among)
        return {p.uid for p in self._selected.known.places if p.email_id == ids[0]} & among

    async def _header(self, field: str, text: str, among: set[int]) -> set[int]:
        column = _FIELDS.get(field)
        if column is not None and text:
            return await self._sql(s.FieldContains(column, text), among)
        wanted, name = text.casefold(), field.encode("ascii", "replace").lower()
        if name in HEADER_FIELDS:
            return await self._kept_header(name, wanted, among)

        def test(raw: bytes, _body: Body) -> bool:
            return _has_field(raw, name, wanted)

        return await self._by_body(test, among)

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
            elif _has_field(fields, name, wanted):
                found.update(ids[email_id])
        return found | await self._by_body(lambda raw, _: _has_field(raw, name, wanted), unknown)

    async def _text(self, text: str, among: set[int], *, with_header: bool) -> set[int]:
        if not text:
            return among
        wanted = text.casefold()

        def test(raw: bytes, body: Body) -> bool:
            if with_header and wanted in _decoded_header(raw, body.header_length):
                return True
            root = decode_structure(body.structure)
            return any(wanted in part.casefold() for part in text_parts(raw, root))

        return await self._by_body(test, among)

    def _email_ids(self, among: set[int]) -> dict[int, list[int]]:
        """Uids by email: the same one may be in a mailbox twice."""
        ids: dict[int, list[int]] = {}
        for place in self._selected.known.places:
            if place.uid in among:
                ids.setdefault(place.email_id, []).append(place.uid)
        return ids

    async def _by_body(self, test: Callable[[bytes, Body], bool], among: set[int]) -> set[int]:
        if not among:
            return set()
        ids = self._email_ids(among)
        located = await self._server.store.emails.bodies(self._account_id, list(ids))
        # Neighbours in a pack are read one after the other.
        ordered = sorted(located.values(), key=lambda b: (b.pack_id.int, b.pack_offset))
        found: set[int] = set()
        for start in range(0, len(ordered), _BODIES):
            chunk = ordered[start : start + _BODIES]
            raws = await asyncio.gather(*(self._server.blobs.get(body) for body in chunk))
            for email_id in await asyncio.to_thread(_matching, test, chunk, raws):
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


def _has_field(raw: bytes, name: bytes, wanted: str) -> bool:
    header = Header(raw, 0, len(raw))
    if header.get_raw(name) is None:
        return False
    return not wanted or wanted in header.all_decoded(name).casefold()


def _decoded_header(raw: bytes, header_length: int) -> str:
    header = Header(raw, 0, header_length)
    names = {field.name.lower() for field in header}
    texts = [f"{name.decode('ascii', 'replace')}: {header.all_decoded(name)}" for name in names]
    return "\n".join(texts).casefold()


def _date_range(key: DateKey) -> s.Expression:
    """Days without their zone (RFC 9051 §6.4.4); ours are UTC's, as INTERNALDATE is told in it."""
    field = s.DateField.SENT if key.is_sent else s.DateField.RECEIVED
    start = datetime.combine(key.day, time(), UTC)
    following = start + timedelta(days=1)
    match key.relation:
        case "BEFORE":
            return s.Range(field, None, start)
        case "SINCE":
            return s.Range(field, start, None)
    return s.Range(field, start, following)
