r"""FETCH and UID FETCH (RFC 9051 §6.4.5, RFC 7162 §3.1.4, RFC 8474 §5).

What Postgres holds is served from there, and from memory when it was read before; only BODY[…] and
BINARY[…] beyond the kept header fields read a body from object storage.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final

from mailquay.delivery.facts import HEADER_FIELDS
from mailquay.message.bodystructure import render_body
from mailquay.message.content import decode_body
from mailquay.message.dates import format_internal_date
from mailquay.message.parts import Part
from mailquay.message.sections import find_part, header_fields, section_range
from mailquay.message.structure import decode_structure
from mailquay.store.emails import Body, FlagChange, Place
from mailquay.store.ids import email_object_id, thread_object_id
from mailquay.store.types import Flag
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.fetch import BodyItem, FetchItem, SimpleItem
from mailquay_imap.protocol.format import binary_string, body_string, flags_text
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session

#: Messages whose columns are read in one question.
_SLICE: Final = 1000
_COLUMNS: Final = {
    "ENVELOPE": "envelope",
    "BODYSTRUCTURE": "bodystructure",
    "BODY": "structure",
    "THREADID": "thread_id",
    "INTERNALDATE": "received_at",
}
_KNOWN_TRANSFER: Final = frozenset(("7bit", "8bit", "binary", "base64", "quoted-printable"))
#: A body that takes longer to decode than a thread's hand-over is decoded in a thread.
_INLINE_BYTES: Final = 256 * 1024
_LINE_END: Final = re.compile(rb"\r?\n|\r")


async def handle_fetch(session: Session, command: c.Fetch) -> Ok:
    """FETCH, UID FETCH."""
    selected = session.require_selected()
    if not command.by_uid and selected.exceeds(command.targets):
        raise Bad("there is no message of that number")
    await session.look()
    session.tell_updates(expunges=False)
    if command.changed_since is not None or _asks(command, "MODSEQ"):
        session.enable_condstore()
    numbers = selected.numbers(command.targets, by_uid=command.by_uid)
    if command.changed_since is not None:
        places, since = selected.known.places, command.changed_since
        numbers = [number for number in numbers if places[number - 1].modseq > since]
    fetcher = _Fetcher(session, selected, command)
    await fetcher.mark_seen(numbers)
    for start in range(0, len(numbers), _SLICE):
        await fetcher.fetch(numbers[start : start + _SLICE])
    if fetcher.is_missing and not command.by_uid:
        raise No("some of the messages are gone", code="EXPUNGEISSUED")  # RFC 2180 §4.1.2
    return Ok()


def _asks(command: c.Fetch, name: str) -> bool:
    return any(isinstance(item, SimpleItem) and item.name == name for item in command.items)


class _Fetcher:
    """One FETCH: what it needs, and its lines."""

    def __init__(self, session: Session, selected: Selected, command: c.Fetch) -> None:
        self._session = session
        self._server = session.server
        self._selected = selected
        self.is_missing = False
        items: list[FetchItem] = list(dict.fromkeys(command.items))
        names = {item.name for item in items if isinstance(item, SimpleItem)}
        if command.by_uid and "UID" not in names:
            items.insert(0, SimpleItem("UID"))
        if command.changed_since is not None and "MODSEQ" not in names:
            items.append(SimpleItem("MODSEQ"))
        self._items = items
        self._columns = [_COLUMNS[name] for name in names if name in _COLUMNS]
        self._kept_fields = [
            item for item in items if isinstance(item, BodyItem) and _is_kept(item)
        ]
        if self._kept_fields:
            self._columns.append("header_fields")
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
            quiet = uids if self._shows_flags and not self._selected.condstore else ()
            self._session.tell_updates(expunges=False, quiet=set(quiet))

    @property
    def _shows_flags(self) -> bool:
        return any(isinstance(item, SimpleItem) and item.name == "FLAGS" for item in self._items)

    async def fetch(self, numbers: Sequence[int]) -> None:
        """Write the lines of these messages."""
        known = self._selected.known
        places = [known.places[number - 1] for number in numbers]
        if not self._columns and not self._bodies:
            simple = [item for item in self._items if isinstance(item, SimpleItem)]
            for number, place in zip(numbers, places, strict=True):
                pieces = [self._simple(place, item, {}) for item in simple]
                self._session.write(self._line(number, pieces))
            await self._session.flush()
            return
        facts = await self._read_columns(places)
        bodies = await self._locate(places) if self._bodies else {}
        for number, place in zip(numbers, places, strict=True):
            row = facts.get(place.email_id)
            if row is None or (self._bodies and place.email_id not in bodies):
                self.is_missing = True
                continue
            pieces = await self._pieces(place, row, bodies.get(place.email_id))
            await self._session.write_large(self._line(number, pieces))

    async def _read_columns(self, places: Sequence[Place]) -> dict[int, dict[str, Any]]:
        """The columns wanted, from memory or in one question."""
        cache = self._server.facts
        found: dict[int, dict[str, Any]] = {}
        missing: list[int] = []
        for place in places:
            row = {}
            for column in self._columns:
                value = cache.get(place.email_id, column)
                if value is None:
                    missing.append(place.email_id)
                    break
                row[column] = value
            else:
                found[place.email_id] = row
        if missing:
            account_id = self._selected.view.account_id
            rows = await self._server.store.emails.columns(account_id, missing, self._columns)
            for email_id, values in rows.items():
                row = dict(zip(self._columns, values, strict=True))
                found[email_id] = row
                for column, value in row.items():
                    cache.put(email_id, column, value)
        return found

    async def _locate(self, places: Sequence[Place]) -> dict[int, Body]:
        cache = self._server.facts
        found: dict[int, Body] = {}
        missing: list[int] = []
        for place in places:
            body = cache.get(place.email_id, "body")
            if body is None:
                missing.append(place.email_id)
            else:
                found[place.email_id] = body
        if missing:
            account_id = self._selected.view.account_id
            located = await self._server.store.emails.bodies(account_id, missing)
            for email_id, body in located.items():
                cache.put(email_id, "body", body)
            found.update(located)
        return found

    @staticmethod
    def _line(number: int, pieces: Sequence[bytes]) -> bytes:
        return b"* %d FETCH (%b)\r\n" % (number, b" ".join(pieces))

    async def _pieces(self, place: Place, row: dict[str, Any], body: Body | None) -> list[bytes]:
        raw: bytes | None = None
        root: Part | None = None
        pieces: list[bytes] = []
        for item in self._items:
            if isinstance(item, SimpleItem):
                pieces.append(self._simple(place, item, row))
            elif item in self._kept_fields and row["header_fields"]:
                assert item.fields is not None
                fields = header_fields(row["header_fields"], item.fields, negate=False)
                pieces.append(item.label + b" " + body_string(_cut(fields, item)))
            else:
                if raw is None:
                    if body is None:
                        located = await self._locate([place])
                        body = located.get(place.email_id)
                        if body is None:
                            self.is_missing = True
                            return pieces
                    raw = await self._server.blobs.get(body)
                    root = decode_structure(body.structure)
                assert root is not None
                if item.decoded and len(raw) > _INLINE_BYTES:
                    pieces.append(await asyncio.to_thread(_section, raw, root, item))
                else:
                    pieces.append(_section(raw, root, item))
        return pieces

    def _simple(self, place: Place, item: SimpleItem, row: dict[str, Any]) -> bytes:
        match item.name:
            case "FLAGS":
                recent = self._selected.is_recent(place.uid)
                return b"FLAGS " + flags_text(place.flags, place.keywords, recent=recent)
            case "UID":
                return b"UID %d" % place.uid
            case "RFC822.SIZE":
                return b"RFC822.SIZE %d" % place.size
            case "MODSEQ":
                return b"MODSEQ (%d)" % place.modseq
            case "ENVELOPE":
                return b"ENVELOPE " + bytes(row["envelope"])
            case "BODYSTRUCTURE":
                return b"BODYSTRUCTURE " + bytes(row["bodystructure"])
            case "BODY":
                return b"BODY " + render_body(decode_structure(row["structure"]))
            case "INTERNALDATE":
                return b"INTERNALDATE " + format_internal_date(row["received_at"])
            case "EMAILID":
                return f"EMAILID ({email_object_id(place.email_id)})".encode()
            case _:
                return f"THREADID ({thread_object_id(row['thread_id'])})".encode()


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
    found = section_range(root, item.part, item.section)
    if found is None:
        return item.label + b" NIL"
    data = raw[found[0] : found[1]]
    if item.fields is not None:
        data = header_fields(data, item.fields, negate=item.fields_not)
    return item.label + b" " + body_string(_cut(data, item))


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
