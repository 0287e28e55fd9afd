"""Mailboxes as JMAP counts them, and many changed at once."""

from dataclasses import replace

import pytest

from mailquay.store import NotFound
from mailquay.store.email_sets import EmailUpdate, KeywordsChange
from mailquay.store.emails import FlagChange
from mailquay.store.errors import StateChanged
from mailquay.store.mailbox_edits import MailboxPlan, NewMailbox
from mailquay.store.mailbox_objects import MailboxCounts
from mailquay.store.types import Flag

SEEN, DRAFT, DELETED = int(Flag.SEEN), int(Flag.DRAFT), int(Flag.DELETED)


async def counts(mail, name):
    found = await mail.store.mailbox_objects.counts(mail.id)
    return found.get(mail.boxes[name], MailboxCounts())


def reply(subject="tea", to=1):
    return f"Subject: Re: {subject}\r\nReferences: <m{to}@x>\r\n"


async def test_emails_and_threads_are_counted(mail):
    await mail.add(header="Subject: tea\r\n", flags=SEEN)
    await mail.add(header=reply())
    await mail.add("INBOX", "Archive", header="Subject: other\r\n")
    await mail.add(flags=DRAFT, header="Subject: draft\r\n")
    await mail.add(flags=DELETED, header="Subject: hidden\r\n")
    assert await counts(mail, "INBOX") == MailboxCounts(4, 2, 3, 2)
    assert await counts(mail, "Archive") == MailboxCounts(1, 1, 1, 1)
    assert await counts(mail, "Sent") == MailboxCounts(0, 0, 0, 0)


async def test_a_thread_is_unread_wherever_its_unread_email_is(mail):
    await mail.add("Archive", header="Subject: tea\r\n")
    await mail.add("INBOX", header=reply(), flags=SEEN)
    assert await counts(mail, "INBOX") == MailboxCounts(1, 0, 1, 1)


async def test_the_trash_is_a_thread_of_its_own(mail):
    # The example of RFC 8621 §2: an unread email in the trash, a read one in the inbox.
    await mail.add("Trash", header="Subject: tea\r\n")
    read = await mail.add("INBOX", header=reply(), flags=SEEN)
    assert (await counts(mail, "Trash")).unread_threads == 1
    assert (await counts(mail, "INBOX")).unread_threads == 0
    # And the other way round.
    await mail.set(EmailUpdate(read, KeywordsChange(remove_flags=SEEN)))
    trashed = await mail.uids("Trash")
    await mail.set(*(EmailUpdate(e, KeywordsChange(add_flags=SEEN)) for e in trashed))
    assert (await counts(mail, "Trash")).unread_threads == 0
    assert (await counts(mail, "INBOX")).unread_threads == 1


async def test_an_email_in_the_trash_and_elsewhere_counts_as_elsewhere(mail):
    await mail.add("Trash", "Archive", header="Subject: tea\r\n")
    await mail.add("INBOX", header=reply(), flags=SEEN)
    assert (await counts(mail, "INBOX")).unread_threads == 1


async def test_an_email_twice_in_a_mailbox_counts_once(mail):
    one = await mail.add()
    uid = (await mail.uids("INBOX"))[one]
    inbox = mail.boxes["INBOX"]
    await mail.store.emails.copy(mail.id, inbox, [uid], inbox)
    assert await counts(mail, "INBOX") == MailboxCounts(1, 1, 1, 1)
    # Read in one place is not read.
    await mail.store.emails.store_flags(mail.id, inbox, [uid], FlagChange.ADD, SEEN, [])
    assert (await counts(mail, "INBOX")).unread_emails == 1


async def boxes(mail):
    _, found = await mail.store.mailbox_objects.list_mailboxes(mail.id)
    return {box.name: box for box in found}


async def edit(mail, **plan):
    return await mail.store.mailbox_edits.apply(mail.id, lambda _: MailboxPlan(**plan))


async def test_two_mailboxes_trade_their_names(mail):
    before = await boxes(mail)
    sent, junk = before["Sent"], before["Junk"]
    done = await edit(mail, update=(replace(sent, name="Junk"), replace(junk, name="Sent")))
    after = await boxes(mail)
    assert (after["Junk"].id, after["Sent"].id) == (sent.id, junk.id)
    assert after["Junk"].changed_modseq == done.modseq == await mail.state()
    assert after["Junk"].is_subscribed
    assert after["Sent"].is_subscribed


async def test_values_are_written_whole(mail):
    sent = (await boxes(mail))["Sent"]
    await edit(mail, update=(replace(sent, role=None, sort_order=77, is_subscribed=False),))
    after = (await boxes(mail))["Sent"]
    assert (after.role, after.sort_order, after.is_subscribed) == (None, 77, False)


async def test_a_new_mailbox_is_as_it_was_asked_for(mail):
    await mail.store.mailboxes.subscribe(mail.id, "b", on=True)  # a name may be subscribed before
    new = (NewMailbox("k", "a", "archive", 5, True), NewMailbox("l", "b", None, 0, False))
    done = await edit(mail, create=new)
    after = await boxes(mail)
    assert done.created == {"k": after["a"].id, "l": after["b"].id}
    assert (after["a"].role, after["a"].sort_order, after["a"].is_subscribed) == (
        "archive",
        5,
        True,
    )
    assert not after["b"].is_subscribed
    assert after["b"].uidvalidity > after["a"].uidvalidity > after["INBOX"].uidvalidity


async def test_a_destroyed_mailbox_takes_what_is_nowhere_else(mail):
    lost, kept = await mail.add("Junk"), await mail.add("Junk", "Archive")
    await edit(mail, destroy=(mail.boxes["Junk"],))
    assert "Junk" not in await boxes(mail)
    assert await mail.get(lost) is None
    assert (await mail.get(kept)).mailbox_ids == (mail.boxes["Archive"],)
    assert "Junk" not in await mail.store.mailboxes.subscriptions(mail.id)


async def test_a_plan_of_nothing_takes_no_modseq(mail):
    before = await mail.state()
    done = await edit(mail)
    assert done.before == done.modseq == await mail.state() == before


async def test_nobody_has_no_mailboxes(mail):
    with pytest.raises(NotFound):
        await mail.store.mailbox_objects.list_mailboxes(10**9)


async def test_what_was_meant_for_another_state_is_not_done(mail):
    state = await mail.state()
    await mail.add()
    plan = MailboxPlan(destroy=(mail.boxes["Junk"],))
    with pytest.raises(StateChanged):
        await mail.store.mailbox_edits.apply(mail.id, lambda _: plan, if_state=state)
    assert "Junk" in await boxes(mail)
