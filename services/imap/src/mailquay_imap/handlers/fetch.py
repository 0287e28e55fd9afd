r"""FETCH and UID FETCH (RFC 9051 §6.4.5, RFC 7162 §3.1.4, RFC 8474 §5, RFC 9394 §3.3).

What Postgres holds is served from there, and from memory when it was read before; only BODY[…] and
BINARY[…] beyond the kept header fields read a body from object storage.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Any, Final

from mailquay.delivery.facts import HEADER_FIELDS
from mailquay.message.content import decode_body
from mailquay.message.parts import Part
from mailquay.message.sections import find_part, header_fields
from mailquay.message.structure import decode_structure
from mailquay.store.emails import Body, FlagChange, Place
from mailquay.store.types import Flag
from mailquay_imap.bodies import read_each, section_bytes
from mailquay_imap.handlers.resync import tell_vanished
from mailquay_imap.lines import COLUMNS, FORMATS, PLACE_COLUMNS, fetch_lines, item_values
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.fetch import BodyItem, FetchItem, SimpleItem
from mailquay_imap.protocol.format import binary_string, body_string
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session

#: Messages whose columns are read in one question.
_SLICE: Final = 1000
_KNOWN_TRANSFER: Final = frozenset(("7bit", "8bit", "binary", "base64", "quoted-printable"))
#: A body that takes longer to decode than a thread's hand-over is decoded in a thread.
_INLINE_BYTES: Final = 256 * 1024
_LINE_END: Final = re.compile(rb"\r?\n|\r")


async def handle_fetch(session: Session, command: c.Fetch) -> Ok:
    """FETCH, UID FETCH."""
    selected = session.require_selected()
    if command.vanished and not selected.qresync:
        raise Bad("VANISHED needs QRESYNC to be enabled", code="CLIENTBUG")
    if not command.by_uid and selected.exceeds(command.targets):
        raise Bad("there is no message of that number")
    await session.look()
    session.tell_updates(expunges=False)
    if command.changed_since is not None or _asks(command, "MODSEQ"):
        session.enable_condstore()
    numbers = selected.numbers(command.targets, by_uid=command.by_uid)
    if command.vanished:
        await _tell_vanished(session, selected, command)
    if command.partial is not None:
        numbers = command.partial.of(numbers)
    if command.changed_since is not None:  # of the page (RFC 9394 §3.4)
        places, since = selected.known.places, command.changed_since
        numbers = [number for number in numbers if places[number - 1].modseq > since]
    fetcher = Fetcher(session, selected, command)
    await fetcher.mark_seen(numbers)
    for start in range(0, len(numbers), _SLICE):
        await fetcher.fetch(numbers[start : start + _SLICE])
    if fetcher.is_missing and not command.by_uid:
        raise No("some of the messages are gone", code="EXPUNGEISSUED")  # RFC 2180 §4.1.2
    return Ok()


async def _tell_vanished(session: Session, selected: Selected, command: c.Fetch) -> None:
    """VANISHED (EARLIER), before any FETCH (RFC 7162 §3.2.6)."""
    assert command.changed_since is not None, "the parser asks for it"
    known = selected.known
    if command.targets.is_saved:
        return  # these were there when they were found; what went since is told as news
    # What a client asks for with "*" may have been the last message.
    ranges = command.targets.resolve(known.uidnext - 1)
    await tell_vanished(session, known, ranges, command.changed_since)


def _asks(command: c.Fetch, name: str) -> bool:
    return any(isinstance(item, SimpleItem) and item.name == name for item in command.items)


class Fetcher:
    """One FETCH: what it needs, and its lines."""

    def __init__(self, session: Session, selected: Selected, command: c.Fetch) -> None:
        self._session = session
        self._server = session.server
        self._selected = selected
        self.is_missing = False
        items: list[FetchItem] = list(dict.fromkeys(command.items))
        names = {item.name for item in items if isinstance(item, SimpleItem)}
        # A UIDFETCH begins with the uid, which is an item where it was asked for (RFC 9586 §3.3).
        if command.by_uid and "UID" not in names and not selected.uid_only:
            items.insert(0, SimpleItem("UID"))
        if command.changed_since is not None and "MODSEQ" not in names:
            items.append(SimpleItem("MODSEQ"))
        self._items = items
        self._columns = [COLUMNS[name] for name in names if name in COLUMNS]
        self._kept_fields = [
            item for item in items if isinstance(item, BodyItem) and _is_kept(item)
        ]
        if self._kept_fields:
            self._columns.append("header_fields")
        self._place_columns = [PLACE_COLUMNS[name] for name in names if name in PLACE_COLUMNS]
        self._verb = b"UIDFETCH" if selected.uid_only else b"FETCH"
        self._simple = [item.name for item in items if isinstance(item, SimpleItem)]
        self._bodies = any(isinstance(item, BodyItem) and not _is_kept(item) for item in items)
        self._sets_seen = not selected.read_only and any(
            isinstance(item, BodyItem) and not item.peek for item in items
        )

    async def mark_seen(self, numbers: Sequence[int]) -> None:
        r"""Set \Seen where a body is read without PEEK; the new flags are told with it."""
        if not self._sets_seen:
            return
        known = self._selected.known
        unseen = [n for n in numbers if not known.places[n - 1].flags & Flag.SEEN]
        if not unseen:
            return
        view = self._selected.view
        uids = [known.uids[n - 1] for n in unseen]
        stored = await self._server.store.emails.store_flags(
            view.account_id, view.mailbox_id, uids, FlagChange.ADD, int(Flag.SEEN), ()
        )
        if stored.changed:
            self._server.announce(view.account_id, stored.modseq, view.mailbox_id)
            await view.apply_own(stored.changed, [], stored.modseq)
            await self._session.look_after()
            # Where the client keeps count of modseqs, FLAGS alone would hide the new one.
            quiet = uids if "FLAGS" in self._simple and not self._selected.condstore else ()
            self._session.tell_updates(expunges=False, quiet=set(quiet))

    async def fetch(self, numbers: Sequence[int]) -> None:
        """Write the lines of these messages."""
        known, recent_from = self._selected.known, self._selected.recent_from
        places = [known.places[number - 1] for number in numbers]
        view = self._selected.view
        facts = await self._server.facts.columns(
            view.account_id, [place.email_id for place in places], self._columns
        )
        if self._place_columns:
            uids = [place.uid for place in places]
            saved = await self._server.store.emails.saved_dates(
                view.account_id, view.mailbox_id, uids
            )
            facts["saved_at"] = [saved.get(uid) for uid in uids]
        if any(None in values for values in facts.values()):
            self.is_missing = True
            there = [n for n in range(len(places)) if all(v[n] is not None for v in facts.values())]
            numbers, places = [numbers[n] for n in there], [places[n] for n in there]
            facts = {column: [v[n] for n in there] for column, v in facts.items()}
        if len(self._simple) == len(self._items):
            lines = fetch_lines(
                self._simple, self._told(numbers), places, facts, recent_from, verb=self._verb
            )
            await self._session.write_large(lines)
            return
        bodies = await self._locate(places) if self._bodies else {}
        located = [bodies[p.email_id] for p in places if p.email_id in bodies]
        simple = [item_values(name, places, facts, recent_from) for name in self._simple]
        kept = facts.get("header_fields", [b""] * len(places))
        async with aclosing(read_each(self._server.blobs, located)) as raws:
            told = self._told(numbers)
            for number, place, fields, *values in zip(told, places, kept, *simple, strict=True):
                body = bodies.get(place.email_id)
                if body is None and self._bodies:
                    self.is_missing = True
                    continue
                raw = None if body is None else await anext(raws)
                pieces = await self._pieces(place, fields, iter(values), body, raw)
                line = b"* %d %b (%b)\r\n" % (number, self._verb, b" ".join(pieces))
                await self._session.write_large(line)

    def _told(self, numbers: Sequence[int]) -> Sequence[int]:
        """What the responses call the messages."""
        return self._selected.uids(numbers) if self._selected.uid_only else numbers

    async def _locate(self, places: Sequence[Place]) -> dict[int, Body]:
        account_id = self._selected.view.account_id
        return await self._server.facts.bodies(account_id, [p.email_id for p in places])

    async def _pieces(
        self,
        place: Place,
        kept: bytes,
        values: Iterator[Any],
        body: Body | None,
        raw: bytes | None,
    ) -> list[bytes]:
        """The items of one message, those that need its body too.

        Args:
            place: the message.
            kept: its kept header fields; empty when there are none, or too many.
            values: of the items that need no body, in their order.
            body: where that is, when it was read.
            raw: the body.
        """
        root: Part | None = None
        pieces: list[bytes] = []
        for item in self._items:
            if isinstance(item, SimpleItem):
                pieces.append(FORMATS[item.name] % next(values))
            elif item in self._kept_fields and kept:
                assert item.fields is not None
                fields = header_fields(kept, item.fields, negate=False)
                pieces.append(item.label + b" " + body_string(_cut(fields, item)))
            else:
                if body is None:  # the kept fields were too many to keep
                    body = (await self._locate([place])).get(place.email_id)
                    if body is None:
                        self.is_missing = True
                        return pieces
                if raw is None:
                    raw = await self._server.blobs.get(body)
                root = root or decode_structure(body.structure)
                if item.decoded and len(raw) > _INLINE_BYTES:
                    pieces.append(await asyncio.to_thread(_section, raw, root, item))
                else:
                    pieces.append(_section(raw, root, item))
        return pieces


def _is_kept(item: BodyItem) -> bool:
    """Whether an item can be served from the header fields that are kept."""
    return (
        item.fields is not None
        and not item.fields_not
        and not item.part
        and all(name.lower() in HEADER_FIELDS for name in item.fields)
    )


def _cut(data: bytes, item: BodyItem) -> bytes:
    if item.partial is None:
        return data
    start, length = item.partial
    return data[start : start + length]


def _section(raw: bytes, root: Part, item: BodyItem) -> bytes:
    """One BODY[…], BINARY[…] or RFC822… of a message."""
    if item.decoded:
        return _binary(raw, root, item)
    data = section_bytes(raw, root, item)
    return item.label + b" " + body_string(None if data is None else _cut(data, item))


def _binary(raw: bytes, root: Part, item: BodyItem) -> bytes:
    """BINARY (RFC 9051 §6.4.5, §7.5.2): the content with its transfer encoding undone.

    Only leaves have one. Of a part that has parts, and of the message itself, the bytes as they
    are.
    """
    part = find_part(root, item.part)
    if part is None:
        return item.label + (b" 0" if item.only_size else b" NIL")
    if not item.part:
        data = raw[part.header_start : part.body_end]
    elif part.children:
        data = raw[part.body_start : part.body_end]
    elif part.encoding not in _KNOWN_TRANSFER:
        raise No("the part has an unknown transfer encoding", code="UNKNOWN-CTE")
    else:
        data = decode_body(raw, part)
        if part.type == "text":
            data = _LINE_END.sub(b"\r\n", data)
    if item.only_size:
        return item.label + b" %d" % len(data)
    return item.label + b" " + binary_string(_cut(data, item))
