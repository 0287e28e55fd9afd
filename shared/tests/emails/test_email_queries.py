"""Queries over an account's emails, compared with what Python makes of the same emails."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from mailquay.store.email_conditions import (
    Every,
    FieldContains,
    HasAttachment,
    HasField,
    HasKeyword,
    Ids,
    InMailbox,
    InOtherMailbox,
    KeptField,
    NoneOf,
    Quantifier,
    Received,
    SizeBelow,
    Some,
    ThreadHasKeyword,
)
from mailquay.store.email_queries import Anchor, EmailQuery, OrderBy, OrderKey, Window
from mailquay.store.emails import FlagChange
from mailquay.store.types import Flag

START = datetime(2026, 1, 1, tzinfo=UTC)
SEEN, FLAGGED, DELETED = int(Flag.SEEN), int(Flag.FLAGGED), int(Flag.DELETED)
EVERYTHING = Window(0, 1000)
OLDEST_FIRST = (OrderBy(OrderKey.RECEIVED_AT),)


async def run(mail, condition, order=OLDEST_FIRST, window=EVERYTHING, *, collapse=False):
    return await mail.store.email_queries.window(
        mail.id, EmailQuery(condition, order, collapse), window
    )


async def ids(mail, condition, order=OLDEST_FIRST, **more):
    return list((await run(mail, condition, order, **more)).ids)


@pytest.fixture
async def shelf(mail):
    """Emails by name, a minute apart."""
    reply = "Subject: Re: tea\r\nReferences: <m1@x>\r\n"
    attached = "MIME-Version: 1.0\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    specs = {
        "tea": (("INBOX",), {"header": "Subject: tea\r\nFrom: Zoe <zoe@x>\r\nTo: b@x\r\n"}),
        "answer": (("Archive",), {"header": reply + "From: amy@x\r\n", "flags": SEEN | FLAGGED}),
        "both": (("INBOX", "Archive"), {"header": 'From: "Bo, X" <q@x>\r\nTo: Ann <z@x>\r\n'}),
        "pdf": (("INBOX",), {"header": attached, "body": "x" * 500, "keywords": ("$Work",)}),
        "old": (("Trash",), {"header": "Subject: Zebra\r\nBcc: b@x\r\n", "flags": SEEN}),
        "hidden": (("INBOX",), {"header": "Subject: tea\r\n", "flags": DELETED}),
    }
    found = {}
    for minute, (name, (boxes, options)) in enumerate(specs.items()):
        found[name] = await mail.add(*boxes, at=START + timedelta(minutes=minute), **options)
    return found


def named(shelf, found):
    back = {email_id: name for name, email_id in shelf.items()}
    return [back[email_id] for email_id in found]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (Every(), "tea answer both pdf old"),
        (Some(), ""),
        (NoneOf(()), "tea answer both pdf old"),
        (HasKeyword(SEEN, "$seen"), "answer old"),
        (NoneOf((HasKeyword(SEEN, "$seen"),)), "tea both pdf"),
        (HasKeyword(0, "$WORK"), "pdf"),
        (NoneOf((HasKeyword(0, "$work"), HasKeyword(FLAGGED, "$flagged"))), "tea both old"),
        (Some((HasKeyword(0, "$work"), HasKeyword(0, "other"))), "pdf"),
        (FieldContains(KeptField.SUBJECT, "TEA"), "tea answer"),
        (FieldContains(KeptField.SUBJECT, "%"), ""),
        (FieldContains(KeptField.FROM, "zoe"), "tea"),
        (HasField(KeptField.BCC), "old"),
        (HasAttachment(), "pdf"),
        (SizeBelow(400), "tea answer both old"),
        (Received(START + timedelta(minutes=2), START + timedelta(minutes=4)), "both pdf"),
        (Received(before=START + timedelta(minutes=1)), "tea"),
        (ThreadHasKeyword(Quantifier.SOME, HasKeyword(FLAGGED, "")), "tea answer"),
        (ThreadHasKeyword(Quantifier.ALL, HasKeyword(FLAGGED, "")), ""),
        (ThreadHasKeyword(Quantifier.ALL, HasKeyword(SEEN, "")), "old"),
        (NoneOf((ThreadHasKeyword(Quantifier.SOME, HasKeyword(SEEN, "")),)), "both pdf"),
        (ThreadHasKeyword(Quantifier.SOME, HasKeyword(0, "$work")), "pdf"),
    ],
)
async def test_conditions(mail, shelf, condition, names):
    assert named(shelf, await ids(mail, condition)) == names.split()


async def test_conditions_of_mailboxes(mail, shelf):
    inbox, archive, trash = (InMailbox(mail.boxes[n]) for n in ("INBOX", "Archive", "Trash"))

    async def found(condition):
        return " ".join(named(shelf, await ids(mail, condition)))

    assert await found(inbox) == "tea both pdf"
    assert await found(Every((inbox, archive))) == "both"
    assert await found(Some((archive, trash))) == "answer both old"
    assert await found(NoneOf((archive,))) == "tea pdf old"
    assert await found(Every((inbox, NoneOf((HasKeyword(SEEN, "$seen"),))))) == "tea both pdf"
    assert await found(InOtherMailbox((inbox.mailbox_id,))) == "answer both old"
    assert await found(InOtherMailbox((inbox.mailbox_id, archive.mailbox_id))) == "old"
    assert await found(Every((inbox, Ids((shelf["tea"], shelf["old"]))))) == "tea"
    assert await found(InMailbox(10**9)) == ""


async def test_an_emails_other_places_have_a_say_in_its_keywords(mail, shelf):
    uid = (await mail.uids("Archive"))[shelf["both"]]
    archive = mail.boxes["Archive"]
    flags = SEEN | FLAGGED
    await mail.store.emails.store_flags(mail.id, archive, [uid], FlagChange.ADD, flags, ["k"])
    inbox = InMailbox(mail.boxes["INBOX"])
    both = [shelf["both"]]
    assert await ids(mail, Every((inbox, HasKeyword(FLAGGED, "")))) == both
    assert await ids(mail, Every((inbox, HasKeyword(0, "k")))) == both
    assert await ids(mail, Every((inbox, HasKeyword(SEEN, "")))) == []


@pytest.mark.parametrize(
    ("key", "names"),
    [
        (OrderKey.RECEIVED_AT, "tea answer both pdf old"),
        (OrderKey.SIZE, "old both tea answer pdf"),
        # No name and no address is the empty text; names come before addresses are looked at.
        (OrderKey.FROM, "old pdf answer both tea"),
        (OrderKey.TO, "old pdf answer both tea"),
        (OrderKey.SUBJECT, "pdf both answer tea old"),
    ],
)
async def test_sorts(mail, shelf, key, names):
    order = (OrderBy(key),)
    assert named(shelf, await ids(mail, Every(), order)) == names.split()
    backwards = (OrderBy(key, ascending=False),)
    keyed = named(shelf, await ids(mail, Every(), backwards))
    assert sorted(keyed) == sorted(names.split())
    assert keyed[-1] in names.split()[:3]


async def test_sorts_by_keywords_and_then_by_date(mail, shelf):
    flagged = HasKeyword(FLAGGED, "$flagged")
    newest = OrderBy(OrderKey.RECEIVED_AT, ascending=False)
    order = (OrderBy(OrderKey.KEYWORD, ascending=False, keyword=flagged), newest)
    assert named(shelf, await ids(mail, Every(), order)) == ["answer", "old", "pdf", "both", "tea"]
    some = ThreadHasKeyword(Quantifier.SOME, flagged)
    order = (OrderBy(OrderKey.KEYWORD, ascending=False, keyword=some), newest)
    assert named(shelf, await ids(mail, Every(), order)) == ["answer", "tea", "old", "pdf", "both"]


@pytest.mark.parametrize(
    ("collation", "names"),
    [
        (None, "a B c é"),
        ("i;unicode-casemap", "a B c é"),
        ("i;ascii-casemap", "a B c é"),
        ("i;octet", "B a c é"),
    ],
)
async def test_texts_are_compared_as_asked(mail, collation, names):
    for subject in ("c", "B", "é", "a"):
        await mail.add(header=f"Subject: {subject}\r\n")
    found = await ids(mail, Every(), (OrderBy(OrderKey.SUBJECT, collation=collation),))
    _, emails = await mail.store.email_objects.get(mail.id, found, ["subject"])
    assert [emails[n].columns["subject"] for n in found] == names.split()


async def test_only_the_first_of_each_thread_stays(mail, shelf):
    assert named(shelf, await ids(mail, Every(), collapse=True)) == ["tea", "both", "pdf", "old"]
    newest = (OrderBy(OrderKey.RECEIVED_AT, ascending=False),)
    found = await run(mail, Every(), newest, Window(0, 2), collapse=True)
    assert (named(shelf, found.ids), found.total) == (["old", "pdf"], 4)
    found = await run(mail, Every(), newest, Window(2, 9), collapse=True)
    assert named(shelf, found.ids) == ["both", "answer"]


@pytest.mark.parametrize(
    ("window", "names", "position"),
    [
        (Window(0, 2), "tea answer", 0),
        (Window(3, 10), "pdf old", 3),
        (Window(5, 10), "", 5),
        (Window(99, 10), "", 99),
        (Window(-2, 1), "pdf", 3),
        (Window(-99, 1), "tea", 0),
        (Window(0, 0), "", 0),
    ],
)
async def test_windows(mail, shelf, window, names, position):
    found = await run(mail, Every(), window=window)
    assert named(shelf, found.ids) == names.split()
    assert (found.position, found.total, found.has_anchor) == (position, 5, True)
    assert found.state == await mail.state()


@pytest.mark.parametrize(
    ("offset", "names", "position"),
    [(0, "pdf old", 3), (-2, "answer both", 1), (-9, "tea answer", 0), (9, "", 12)],
)
async def test_a_window_may_begin_near_an_email(mail, shelf, offset, names, position):
    found = await run(mail, Every(), window=Window(0, 2, Anchor(shelf["pdf"], offset)))
    assert (named(shelf, found.ids), found.position) == (names.split(), position)


async def test_an_anchor_that_is_not_found_is_told(mail, shelf):
    found = await run(mail, Every(), window=Window(0, 2, Anchor(shelf["hidden"], 0)))
    assert not found.has_anchor


async def test_an_email_twice_in_a_mailbox_is_found_once(mail, shelf):
    uid = (await mail.uids("INBOX"))[shelf["tea"]]
    await mail.store.emails.copy(mail.id, mail.boxes["INBOX"], [uid], mail.boxes["INBOX"])
    found = await run(mail, InMailbox(mail.boxes["INBOX"]))
    assert (named(shelf, found.ids), found.total) == (["tea", "both", "pdf"], 3)


async def test_places_among_the_results(mail, shelf):
    query = EmailQuery(Every(), OLDEST_FIRST)
    some = [shelf["old"], shelf["hidden"], shelf["answer"]]
    state, total, places = await mail.store.email_queries.places_among(mail.id, query, some)
    assert (state, total) == (await mail.state(), 5)
    assert places == [(shelf["answer"], 1), (shelf["old"], 4)]
    assert (await mail.store.email_queries.places_among(mail.id, query, []))[2] == []


async def test_the_newest_come_first(mail, shelf):
    found = await mail.store.email_queries.newest(mail.id, Every(), 2)
    assert named(shelf, found) == ["old", "pdf"]


async def test_any_nesting_of_conditions_means_what_it_says(mail, shelf):
    sets = {
        HasKeyword(SEEN, ""): {"answer", "old"},
        HasKeyword(0, "$work"): {"pdf"},
        InMailbox(mail.boxes["INBOX"]): {"tea", "both", "pdf"},
        InMailbox(mail.boxes["Archive"]): {"answer", "both"},
        FieldContains(KeptField.SUBJECT, "tea"): {"tea", "answer"},
        SizeBelow(400): {"tea", "answer", "both", "old"},
    }
    everything = {"tea", "answer", "both", "pdf", "old"}
    rng = random.Random(1)

    def grow(depth):
        kind = rng.choice(["leaf", Every, Some, NoneOf]) if depth else "leaf"
        if kind == "leaf":
            return rng.choice(list(sets.items()))
        terms = [grow(depth - 1) for _ in range(rng.randint(0, 3))]
        matched = [matching for _, matching in terms]
        if kind is Every:
            result = everything.intersection(*matched)
        else:
            result = set().union(*matched)
            if kind is NoneOf:
                result = everything - result
        return kind(tuple(term for term, _ in terms)), result

    for condition, expected in itertools.islice(iter(lambda: grow(3), None), 60):
        assert set(named(shelf, await ids(mail, condition))) == expected, condition
