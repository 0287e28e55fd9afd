"""Updating and destroying emails wherever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.store.email_sets import EmailUpdate, KeywordsChange, Rejection
from mailquay.store.emails import FlagChange
from mailquay.store.errors import StateChanged
from mailquay.store.types import Flag

SEEN, FLAGGED, DELETED = int(Flag.SEEN), int(Flag.FLAGGED), int(Flag.DELETED)


async def test_a_keyword_goes_to_every_place(mail):
    one = await mail.add("INBOX", "Archive")
    done = await mail.set(
        EmailUpdate(one, KeywordsChange(add_flags=SEEN | FLAGGED, add=("$work",)))
    )
    assert done.modseq == await mail.state()
    assert set(done.mailbox_ids) == {mail.boxes["INBOX"], mail.boxes["Archive"]}
    for name in ("INBOX", "Archive"):
        (place,) = await mail.store.emails.places(mail.id, mail.boxes[name])
        assert (place.flags, place.keywords) == (SEEN | FLAGGED, ("$work",))
        assert place.modseq == done.modseq
    await mail.check_counters()


async def test_what_changes_nothing_takes_no_modseq(mail):
    one = await mail.add(flags=SEEN, keywords=("$Work",))
    before = await mail.state()
    done = await mail.set(EmailUpdate(one, KeywordsChange(add_flags=SEEN, add=("$work",))))
    assert done.before == done.modseq == await mail.state() == before
    (place,) = await mail.store.emails.places(mail.id, mail.boxes["INBOX"])
    assert place.keywords == ("$Work",)  # the spelling of whoever was first


async def test_seen_is_of_all_places_and_others_of_any(mail):
    one = await mail.add("INBOX", "Archive")
    uid = (await mail.uids("INBOX"))[one]
    await mail.store.emails.store_flags(
        mail.id, mail.boxes["INBOX"], [uid], FlagChange.ADD, SEEN | FLAGGED, ["A"]
    )
    email = await mail.get(one)
    assert (email.flags, email.keywords) == (FLAGGED, ("a",))
    await mail.set(EmailUpdate(one, KeywordsChange(add_flags=SEEN)))
    assert (await mail.get(one)).flags == SEEN | FLAGGED


async def test_replaced_keywords_are_all_there_are(mail):
    one = await mail.add(flags=SEEN, keywords=("a", "b"))
    change = KeywordsChange(add_flags=FLAGGED, add=("b", "c"), replace=True)
    await mail.set(EmailUpdate(one, change))
    email = await mail.get(one)
    assert (email.flags, set(email.keywords)) == (FLAGGED, {"b", "c"})


async def test_a_move_keeps_the_email_and_takes_new_uids_in_order(mail):
    emails = [await mail.add(flags=SEEN if n % 2 else 0, keywords=("k",)) for n in range(4)]
    target = frozenset({mail.boxes["Trash"]})
    done = await mail.set(
        *(EmailUpdate(e, add_mailboxes=target, replace_mailboxes=True) for e in emails)
    )
    assert not done.rejected
    assert await mail.uids("INBOX") == {}
    assert await mail.uids("Trash") == {email: n for n, email in enumerate(emails, 1)}
    for email in emails:
        found = await mail.get(email)
        assert found.mailbox_ids == (mail.boxes["Trash"],)
        assert found.keywords == ("k",)
    await mail.check_counters()


async def test_mailboxes_are_added_and_removed_one_by_one(mail):
    one = await mail.add("INBOX", "Archive")
    await mail.set(
        EmailUpdate(
            one,
            add_mailboxes=frozenset({mail.boxes["Junk"], mail.boxes["INBOX"]}),
            remove_mailboxes=frozenset({mail.boxes["Archive"]}),
        )
    )
    found = await mail.get(one)
    assert set(found.mailbox_ids) == {mail.boxes["Junk"], mail.boxes["INBOX"]}
    assert list((await mail.uids("INBOX")).values()) == [1]  # its place there stayed
    await mail.check_counters()


async def test_each_email_succeeds_or_fails_alone(mail):
    good, bare, lost, full, wide = [await mail.add() for _ in range(5)]
    inbox = mail.boxes["INBOX"]
    flagged = KeywordsChange(add_flags=FLAGGED)
    done = await mail.set(
        EmailUpdate(good, flagged),
        EmailUpdate(bare, flagged, remove_mailboxes=frozenset({inbox})),
        EmailUpdate(lost, flagged, add_mailboxes=frozenset({10**9})),
        EmailUpdate(full, KeywordsChange(add_flags=FLAGGED, add=("a", "b", "c"))),
        EmailUpdate(
            wide, flagged, add_mailboxes=frozenset(mail.boxes[n] for n in ("Junk", "Trash"))
        ),
        EmailUpdate(10**9, flagged),
        destroy=[10**9 + 1],
        max_keywords=2,
        max_mailboxes=2,
    )
    assert done.rejected == {
        bare: Rejection.IN_NO_MAILBOX,
        lost: Rejection.NO_SUCH_MAILBOX,
        full: Rejection.TOO_MANY_KEYWORDS,
        wide: Rejection.TOO_MANY_MAILBOXES,
        10**9: Rejection.NOT_FOUND,
        10**9 + 1: Rejection.NOT_FOUND,
    }
    assert (await mail.get(good)).flags == FLAGGED
    for email in (bare, lost, full, wide):
        found = await mail.get(email)
        assert (found.flags, found.keywords, found.mailbox_ids) == (0, (), (inbox,))


async def test_a_mailbox_that_holds_no_messages_takes_none(mail):
    await mail.store.mailboxes.create(mail.id, "top/below")
    await mail.store.mailboxes.delete(mail.id, "top")  # becomes \Noselect
    top = await mail.store.mailboxes.find(mail.id, "top")
    one = await mail.add()
    done = await mail.set(EmailUpdate(one, add_mailboxes=frozenset({top.id})))
    assert done.rejected == {one: Rejection.NO_SUCH_MAILBOX}


async def test_a_destroyed_email_is_nowhere_and_costs_nothing(mail):
    one, two = await mail.add("INBOX", "Archive"), await mail.add()
    used = (await mail.store.accounts.get(mail.id)).used_bytes
    done = await mail.set(destroy=[one])
    assert await mail.get(one) is None
    assert await mail.get(two) is not None
    account = await mail.store.accounts.get(mail.id)
    assert (account.used_bytes, account.used_messages) == (used // 2, 1)
    assert set(done.mailbox_ids) == {mail.boxes["INBOX"], mail.boxes["Archive"]}
    await mail.check_counters()


async def test_what_has_deleted_is_out_of_sight(mail):
    hidden = await mail.add(flags=DELETED)
    partly = await mail.add("INBOX", "Archive")
    uid = (await mail.uids("INBOX"))[partly]
    await mail.store.emails.store_flags(
        mail.id, mail.boxes["INBOX"], [uid], FlagChange.ADD, DELETED, []
    )
    assert await mail.get(hidden) is None
    assert (await mail.get(partly)).mailbox_ids == (mail.boxes["Archive"],)
    done = await mail.set(EmailUpdate(hidden, KeywordsChange(add_flags=SEEN)), destroy=[hidden])
    assert done.rejected == {hidden: Rejection.NOT_FOUND}
    # What is hidden keeps its flags, and the email may be put beside it anew.
    await mail.set(
        EmailUpdate(
            partly,
            KeywordsChange(add_flags=SEEN),
            add_mailboxes=frozenset({mail.boxes["INBOX"]}),
        )
    )
    places = await mail.store.emails.places(mail.id, mail.boxes["INBOX"])
    assert [place.flags for place in places if place.email_id == partly] == [DELETED, SEEN]
    await mail.check_counters()


async def test_hundreds_are_changed_in_one_transaction(mail):
    emails = [await mail.add() for _ in range(300)]
    before = await mail.state()
    done = await mail.set(*(EmailUpdate(e, KeywordsChange(add_flags=SEEN)) for e in emails))
    assert (done.modseq, await mail.state()) == (before + 1, before + 1)
    assert (await mail.store.mailboxes.get(mail.id, mail.boxes["INBOX"])).unseen == 0


WORDS = st.lists(st.sampled_from(["a", "A", "b", "$Work", "$work"]), max_size=4)


async def test_what_was_meant_for_another_state_is_not_done(mail):
    one = await mail.add()
    state = await mail.state()
    await mail.add()
    with pytest.raises(StateChanged):
        await mail.store.email_sets.apply(
            mail.id, (), [one], max_keywords=1, max_mailboxes=1, if_state=state
        )
    assert await mail.get(one)


@given(WORDS, WORDS, WORDS, st.booleans())
def test_keywords_are_each_there_once_in_one_spelling(old, add, remove, replace):
    change = KeywordsChange(add=tuple(add), remove=tuple(remove), replace=replace)
    after = [word.lower() for word in change.keywords(old)]
    assert len(after) == len(set(after))
    old, add, remove = ({word.lower() for word in words} for words in (old, add, remove))
    assert set(after) == (add if replace else old - remove | add)


@pytest.mark.parametrize("old", range(32))
def test_deleted_is_no_keyword(old):
    assert KeywordsChange(replace=True).flags(old) == old & DELETED
