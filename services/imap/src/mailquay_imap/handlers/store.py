"""STORE and UID STORE (RFC 9051 §6.4.6; UNCHANGEDSINCE: RFC 7162 §3.1.3)."""

from typing import Final

from mailquay.store.emails import FlagChange
from mailquay_imap.protocol import commands as c
from mailquay_imap.protocol.format import parse_flags
from mailquay_imap.protocol.sequence import compress
from mailquay_imap.replies import Bad, No, Ok
from mailquay_imap.session import Session

_CHANGES: Final = {"+": FlagChange.ADD, "-": FlagChange.REMOVE, "": FlagChange.REPLACE}
#: Keywords a message may carry, and how long each may be.
KEYWORDS_MAX: Final = 100
KEYWORD_MAX_CHARACTERS: Final = 200


async def handle_store(session: Session, command: c.Store) -> Ok:
    """STORE, UID STORE."""
    selected = session.require_selected(writable=True)
    flags, keywords, unknown = parse_flags(command.flags)
    if unknown is not None:
        raise Bad(f"the flag {unknown} cannot be set")
    if len(keywords) > KEYWORDS_MAX or any(len(k) > KEYWORD_MAX_CHARACTERS for k in keywords):
        raise No("too many or too long keywords", code="LIMIT")
    if not command.by_uid and not command.targets.is_saved and selected.exceeds(command.targets):
        raise Bad("there is no message of that number")
    if command.unchanged_since is not None:
        session.enabled.add("CONDSTORE")
        selected.condstore = True
    numbers = selected.numbers(command.targets, by_uid=command.by_uid)
    uids = [selected.known.uids[number - 1] for number in numbers]
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
        view.apply_own(stored.changed, [], stored.modseq)
    rejected: set[int] = set(stored.rejected)
    # The client hears of its own change in the form that it asked for, of others' in any case.
    await session.sync(expunges=False, quiet={uid for uid in uids if uid not in rejected})
    await _answer(session, command, uids, rejected)
    if rejected:
        values = sorted(rejected)
        if not command.by_uid:
            values = [n for uid in values if (n := selected.known.number_of(uid)) is not None]
        code = f"MODIFIED {compress(values).decode()}"
        return Ok("STORE completed, some had changed", code=code)
    return Ok()


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
            line = b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (number, uid, place.modseq)
        else:
            line = selected.flags_line(number, place, with_uid=command.by_uid)
        await session.write_large(line)
