"""STORE and UID STORE (RFC 9051 §6.4.6; UNCHANGEDSINCE: RFC 7162 §3.1.3)."""

from collections.abc import Sequence
from typing import Final

from mailquay.store.emails import FlagChange, Place
from mailquay_imap.handlers.keywords import require_flags
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.sequence import compress
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.selected import Selected
from mailquay_imap.session import Session

_CHANGES: Final = {"+": FlagChange.ADD, "-": FlagChange.REMOVE, "": FlagChange.REPLACE}


async def handle_store(session: Session, command: c.Store) -> Ok:
    """STORE, UID STORE."""
    selected = session.require_selected(writable=True)
    flags, keywords = require_flags(command.flags)
    if command.change != "-" and not selected.has_room_for(keywords):
        raise No("the mailbox has as many keywords as it may have", code="LIMIT")
    if not command.by_uid and selected.exceeds(command.targets):
        raise Bad("there is no message of that number")
    if command.unchanged_since is not None:
        session.enable_condstore()
    uids = selected.uids(selected.numbers(command.targets, by_uid=command.by_uid))
    before = [selected.known.places[n - 1] for n in map(selected.known.number_of, uids) if n]
    view = selected.view
    stored = await session.server.store.emails.store_flags(
        view.account_id,
        view.mailbox_id,
        uids,
        _CHANGES[command.change],
        flags,
        keywords,
        unchanged_since=command.unchanged_since,
    )
    if stored.changed:
        session.server.announce(view.account_id, stored.modseq, view.mailbox_id)
        await view.apply_own(stored.changed, [], stored.modseq)
    await session.look_after()
    rejected = sorted(int(uid) for uid in stored.rejected)
    if command.silent:
        expected = _Expectation(_CHANGES[command.change], flags, keywords)
        # Where the change was refused the client expects none (RFC 7162 §3.1.3).
        applied = [place for place in before if place.uid not in stored.rejected]
        quiet = {place.uid for place in applied if expected.is_met(selected, place)}
    else:
        quiet = set(uids)  # all of them are told below
    session.tell_updates(expunges=False, quiet=quiet)
    await _answer(session, command, uids, set(rejected))
    gone = not selected.ghosts.isdisjoint(uids)
    if rejected:
        # RFC 7162 §3.1.3: numbers or uids, as the command had them.
        values = rejected
        if not command.by_uid:
            values = [n for uid in rejected if (n := selected.known.number_of(uid)) is not None]
        return Ok("some had changed", code=f"MODIFIED {compress(values).decode()}")
    if gone and not (command.silent or command.by_uid):
        raise No("some of the messages are gone", code="EXPUNGEISSUED")  # RFC 2180 §4.2.2
    return Ok()


class _Expectation:
    """What a client that stores silently believes the flags to be (RFC 9051 §6.4.6)."""

    def __init__(self, change: FlagChange, flags: int, keywords: Sequence[str]) -> None:
        self._change = change
        self._flags = flags
        self._keywords = {keyword.lower() for keyword in keywords}

    def is_met(self, selected: Selected, before: Place) -> bool:
        """Whether the message has those flags now: nobody else has changed them."""
        number = selected.view.snapshot.number_of(before.uid)
        if number is None:
            return True
        now = selected.view.snapshot.places[number - 1]
        flags, keywords = before.flags, {keyword.lower() for keyword in before.keywords}
        match self._change:
            case FlagChange.ADD:
                flags, keywords = flags | self._flags, keywords | self._keywords
            case FlagChange.REMOVE:
                flags, keywords = flags & ~self._flags, keywords - self._keywords
            case FlagChange.REPLACE:
                flags, keywords = self._flags, self._keywords
        return (flags, keywords) == (now.flags, {keyword.lower() for keyword in now.keywords})


async def _answer(session: Session, command: c.Store, uids: list[int], rejected: set[int]) -> None:
    """The untagged FETCH of each message; with .SILENT only the new MODSEQ (RFC 7162 §3.1.3)."""
    selected = session.require_selected()
    if command.silent and not selected.condstore:
        return
    for uid in uids:
        number = selected.known.number_of(uid)
        if number is None or (uid in rejected and command.silent) or uid in selected.ghosts:
            continue
        place = selected.known.places[number - 1]
        if command.silent:
            line = selected.modseq_line(number, place)
        else:
            line = selected.flags_line(number, place)
        await session.write_large(line)
