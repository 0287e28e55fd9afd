"""Who comes back ends with the mailbox as it is, whatever is still remembered of the time between."""

from hypothesis import given
from hypothesis import strategies as st

from mailquay.store.emails import Place
from mailquay_imap.protocol.reader import Reader
from mailquay_imap.protocol.resync import parse_resync
from mailquay_imap.protocol.sequence import compress, compress_ranges, parse_sequence_set
from mailquay_imap.snapshot import History, Snapshot
from mailquay_imap.vanished import (
    expunged_within,
    known_ranges,
    last_match,
    missing_within,
)

UIDS = st.sets(st.integers(1, 60))


def snapshot(uids: set[int], uidnext: int = 61) -> Snapshot:
    places = [Place(uid, uid, 1, 0, (), 1) for uid in sorted(uids)]
    return History(places, modseq=9, uidnext=uidnext).latest


def resync(text: str):
    return parse_resync(Reader(text.encode(), ()))


def told(text: bytes) -> set[int]:
    if not text:
        return set()
    ranges = parse_sequence_set(text).resolve(0)
    return {uid for low, high in ranges for uid in range(low, high + 1)}


@given(UIDS, UIDS, st.data())
def test_a_client_forgets_what_went(known, came, data):
    went = data.draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    now = snapshot((known - went) | {uid + 60 for uid in came}, 121)
    numbers = compress(range(1, len(known) + 1)).decode()
    uids = compress(sorted(known)).decode()
    forms = ["(1 5)"] if not known else [
        "(1 5)", f"(1 5 {uids})", f"(1 5 {uids} ({numbers} {uids}))", f"(1 5 ({numbers} {uids}))",
    ]  # fmt: skip
    for form in forms:
        asked = resync(form)
        ranges = known_ranges(now, asked)
        remembered = expunged_within(now, ranges, sorted(went))
        assert remembered == sorted(went)
        missing = missing_within(now, ranges, above=last_match(now, asked))
        forgotten = told(compress_ranges(missing))
        assert forgotten >= went
        assert forgotten.isdisjoint(now.uids), "what is there is never taken away"
        assert all(low <= high < now.uidnext for low, high in missing)


@given(UIDS, UIDS)
def test_what_is_there_is_not_told_as_gone(there, expunged):
    found = expunged_within(snapshot(there), [(1, 30), (40, 50)], sorted(expunged))
    assert found == sorted(uid for uid in expunged - there if uid <= 30 or 40 <= uid <= 50)


def test_messages_whose_numbers_are_what_they_were_save_words():
    now = snapshot({1, 2, 5, 6, 20, 30}, 41)
    assert last_match(now, resync("(1 5 (1:6 1,2,5,6,10,20))")) == 6
    assert last_match(now, resync("(1 5 (1:3,5 1:3,6))")) == 2
    assert last_match(now, resync("(1 5 (7:4294967295 7:4294967295))")) == 0
    assert last_match(now, resync("(1 5 (2 3))")) == 0
    assert last_match(now, resync("(1 5)")) == 0
    assert missing_within(now, [(1, 40)], above=6) == [(7, 19), (21, 29), (31, 40)]
    assert missing_within(now, [(1, 40)]) == [(3, 4), (7, 19), (21, 29), (31, 40)]
    assert missing_within(now, [(50, 4294967295)]) == []
    assert missing_within(snapshot(set(), 1), [(1, 0)]) == []


async def test_a_client_that_was_away_for_longer_than_is_remembered(store, start_imap):
    async with start_imap() as imap:
        first = await imap.sign_in(b"ENABLE QRESYNC")
        for _ in range(5):
            assert b" OK " in (await first.say(b"APPEND INBOX {14+}\r\nSubject: x\r\n\r\n"))[-1]
        lines = await first.say(b"SELECT INBOX")
        validity = next(line for line in lines if b"UIDVALIDITY" in line).split()[3].rstrip(b"]")
        modseq = next(line for line in lines if b"HIGHESTMODSEQ" in line).split()[3].rstrip(b"]")
        await first.say(b"UID STORE 2,5 +FLAGS.SILENT (\\Deleted)")
        assert b"* VANISHED 2,5\r\n" in await first.say(b"EXPUNGE")
        assert (await store.trims.expunged(0, 100)).gone == 2
        asked = b"%b %b" % (validity, modseq)
        for form, expected in (
            (b"", b"2,5"), (b" 1:3", b"2"), (b" 2,4:9", b"2,5"), (b" 1:5 (1,4 1,4)", b"2,5"),
            (b" 1:5 (3 4)", b"5"), (b" 1:4 (3 4)", None), (b" (1 1)", b"2,5"),
        ):  # fmt: skip
            lines = await first.say(b"SELECT INBOX (QRESYNC (" + asked + form + b"))")
            vanished = [line for line in lines if b"VANISHED" in line]
            assert vanished == (
                [] if expected is None else [b"* VANISHED (EARLIER) %b\r\n" % expected]
            )
        lines = await first.say(b"UID FETCH 3:* (UID) (CHANGEDSINCE %b VANISHED)" % modseq)
        assert lines[0] == b"* VANISHED (EARLIER) 5\r\n"
