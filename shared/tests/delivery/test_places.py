"""One email in several mailboxes by one delivery."""

from mailquay.delivery import Incoming, LocalPlacement, NotPlaced
from mailquay.store.types import MailboxId

RAW = b"From: a@example.net\r\nSubject: tea\r\nMessage-ID: <m1@x>\r\n\r\nHello.\r\n"


async def ids(store, account):
    return {box.name: box.id for box in await store.mailboxes.list_mailboxes(account.id)}


def incoming(account, *mailbox_ids):
    placement = LocalPlacement(account.id, mailbox_ids[0], also=tuple(mailbox_ids[1:]))
    return Incoming(account.tenant_id, RAW, "t1", local=(placement,))


async def test_one_email_is_in_all_mailboxes_named(store, deliverer, account):
    box = await ids(store, account)
    result = await deliverer.deliver(incoming(account, box["Sent"], box["INBOX"], box["Archive"]))
    (placed,) = result.placements
    _, found = await store.email_objects.get(account.id, [placed.email_id])
    expected = {box["Sent"], box["INBOX"], box["Archive"]}
    assert set(found[placed.email_id].mailbox_ids) == expected
    boxes = {b.name: b for b in await store.mailboxes.list_mailboxes(account.id)}
    assert [boxes[name].messages for name in ("INBOX", "Sent", "Archive", "Trash")] == [1, 1, 1, 0]
    assert len({boxes[name].highestmodseq for name in ("INBOX", "Sent", "Archive")}) == 1
    # Its bytes count once.
    assert (await store.accounts.get(account.id)).used_bytes == len(RAW)


async def test_a_mailbox_that_is_missing_keeps_it_out_of_all(store, deliverer, account):
    box = await ids(store, account)
    result = await deliverer.deliver(incoming(account, box["INBOX"], MailboxId(10**9)))
    assert result.placements == (NotPlaced("nomailbox"),)
    assert (await store.mailboxes.get(account.id, box["INBOX"])).messages == 0
