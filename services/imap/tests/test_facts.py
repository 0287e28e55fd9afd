"""What is remembered of emails: read once, within bounds, and never another's."""

import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import Settings
from mailquay_imap.facts import Facts


@pytest.fixture
async def account(store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("ann@example.org", "hash", "scram")


@pytest.fixture
async def emails(store, blobs, bus, account):
    """Ids of a few emails; the subject of the n-th is ``n``."""
    deliverer = Deliverer(store, blobs, bus, Settings())
    ids = []
    for number in range(40):
        raw = b"Subject: %d\r\n\r\nx\r\n" % number
        placement = LocalPlacement(account.id)
        done = await deliverer.deliver(
            Incoming(account.tenant_id, raw, "trace", local=(placement,))
        )
        ids.append(done.placements[0].email_id)
    yield ids
    await deliverer.close()


@pytest.fixture
def questions(store, monkeypatch):
    """For how many emails Postgres is asked."""
    asked: list[int] = []
    for name in ("columns", "bodies"):
        real = getattr(store.emails, name)

        async def counted(account_id, ids, *more, real=real):
            asked.append(len(ids))
            return await real(account_id, ids, *more)

        monkeypatch.setattr(store.emails, name, counted)
    return asked


async def test_what_was_read_is_not_read_again(store, account, emails, questions):
    facts = Facts(store, 1 << 20)
    for _ in range(2):
        found = await facts.columns(account.id, emails[:10], ["subject", "thread_id"])
        assert found["subject"] == [str(n) for n in range(10)]
        assert list(await facts.bodies(account.id, emails[:5])) == emails[:5]
    assert questions == [10, 5]
    found = await facts.columns(account.id, [emails[20], emails[1]], ["subject"])
    assert found == {"subject": ["20", "1"]}
    assert questions == [10, 5, 1]


async def test_those_that_are_gone_have_nothing(store, account, emails):
    facts = Facts(store, 1 << 20)
    gone = max(emails) + 1_000_000
    found = await facts.columns(account.id, [gone, emails[3]], ["subject"])
    assert found == {"subject": [None, "3"]}
    assert list(await facts.bodies(account.id, [gone, emails[3]])) == [emails[3]]
    assert await facts.columns(account.id, [], []) == {}


async def test_past_the_limit_what_was_kept_longest_goes(store, account, emails, questions):
    facts = Facts(store, 2000)
    for number, email_id in enumerate(emails):
        assert (await facts.columns(account.id, [email_id], ["subject"]))["subject"] == [
            str(number)
        ]
    everything = await facts.columns(account.id, emails, ["subject"])
    assert everything["subject"] == [str(n) for n in range(40)]
    assert questions[-1] < 40
