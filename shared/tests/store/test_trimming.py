"""What is forgotten by age: each kind when it is old, nothing else, and each read by an index."""

import asyncio
import re
import uuid

import asyncpg
import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import RetentionSettings, Settings
from mailquay.store import Store
from mailquay.store.deliveries import PackRow
from mailquay.store.retention import trim
from mailquay.store.trimming import OLD_QUERIES
from mailquay.store.types import EmailId, ThreadId
from mailquay.testing.recount import recount

NOW = RetentionSettings(history_seconds=0, submissions_seconds=0)
MONTH = 30 * 86400


@pytest.fixture
async def account(store: Store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("anna@example.org", "hash", "scram")


@pytest.fixture
async def inbox(store: Store, account):
    return await store.mailboxes.find(account.id, "INBOX")


@pytest.fixture
async def deliver(store: Store, blobs, bus, account):
    """Deliver so many messages."""
    deliverer = Deliverer(store, blobs, bus, Settings())

    async def deliver(count: int) -> None:
        incoming = Incoming(
            account.tenant_id, b"Subject: x\r\n\r\nx\r\n", "t", local=(LocalPlacement(account.id),)
        )
        await asyncio.gather(*(deliverer.deliver(incoming) for _ in range(count)))

    yield deliver
    await deliverer.close()


async def count(url: str, table: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(f"SELECT count(*) FROM {table}")
    finally:
        await connection.close()


async def age(url: str, table: str, column: str, seconds: float) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            f"UPDATE {table} SET {column} = {column} - make_interval(secs => $1)", seconds
        )
    finally:
        await connection.close()


async def test_messages_that_went_are_forgotten_when_they_are_old(
    store, postgres_url, account, inbox, deliver
):
    await deliver(5)
    await store.emails.expunge(account.id, inbox.id, [1, 2, 3], only_deleted=False)
    await age(postgres_url, "expunged", "at", MONTH)
    await store.emails.expunge(account.id, inbox.id, [4], only_deleted=False)
    assert (await trim(store, RetentionSettings(history_seconds=MONTH + 60)))["expunged"] == 0
    done = await trim(store, RetentionSettings(history_seconds=MONTH - 60), slice_rows=2)
    assert done["expunged"] == 3
    assert await count(postgres_url, "expunged") == 1
    assert [place.uid for place in await store.emails.places(account.id, inbox.id)] == [5]


async def test_removed_mailboxes_and_identities_are_forgotten_when_they_are_old(
    store, postgres_url, account
):
    await store.mailboxes.create(account.id, "Brief")
    await store.mailboxes.delete(account.id, "Brief")
    identity = await store.identities.add(
        account.id, "anna@example.org", {"name": "Anna"}, limit=10
    )
    await store.identities.remove(account.id, identity.id)
    state = await store.emails.state(account.id)
    assert not any((await trim(store, RetentionSettings(history_seconds=60))).values())
    done = await trim(store, NOW)
    assert (done["removed_mailboxes"], done["removed_identities"]) == (1, 1)
    assert await count(postgres_url, "mailbox_removed") == 0
    assert await count(postgres_url, "identity") == 1
    # What is trimmed is no change: nobody is told of anything.
    assert await store.emails.state(account.id) == state


async def test_submission_that_is_over_is_destroyed_first_and_forgotten_later(
    store, postgres_url, account
):
    made = await store.submissions.add(
        account.id, identity_id=1, email_id=EmailId(1), thread_id=ThreadId(1), envelope={},
        queue_message_id=None,
    )  # fmt: skip
    since = await store.emails.state(account.id)
    over = RetentionSettings(submissions_seconds=0, history_seconds=60)
    assert (await trim(store, over))["submissions"] == 1
    changes = await store.submissions.changes(account.id, since, 10)
    assert (changes.destroyed, changes.state) == ((made.id,), since + 1)
    assert await store.submissions.list_submissions(account.id) == []
    assert (await trim(store, over))["removed_submissions"] == 0
    assert (await trim(store, NOW))["removed_submissions"] == 1
    assert await count(postgres_url, "email_submission") == 0


async def test_uploads_and_sessions_go_when_they_expire(store, postgres_url, account):
    pack = PackRow(uuid.uuid4(), account.tenant_id, 10, 1)
    await store.uploads.add(
        account.id, pack, pack_offset=0, stored_length=10, size=10, sha256=b"h", codec=0,
        media_type="text/plain", ttl_seconds=60, max_total_bytes=100,
    )  # fmt: skip
    await store.sessions.add(
        b"hash", account.id, "csrf", credential_version=1, user_agent="", remote_address="",
        ttl_seconds=60,
    )  # fmt: skip
    assert not any((await trim(store, RetentionSettings())).values())
    await age(postgres_url, "upload", "expires_at", 61)
    await age(postgres_url, "web_session", "expires_at", 61)
    done = await trim(store, RetentionSettings())
    assert (done["uploads"], done["sessions"]) == (1, 1)
    assert await count(postgres_url, "upload") + await count(postgres_url, "web_session") == 0


async def test_an_account_that_somebody_is_at_is_left_for_another_time(
    store, postgres_url, account, inbox, deliver
):
    await deliver(1)
    await store.emails.expunge(account.id, inbox.id, [1], only_deleted=False)
    connection = await asyncpg.connect(postgres_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM account_state FOR UPDATE")
            assert (await trim(store, NOW))["expunged"] == 0
    finally:
        await connection.close()
    assert (await trim(store, NOW))["expunged"] == 1


async def test_an_account_that_is_free_again_a_moment_later_is_trimmed_in_the_same_round(
    store, postgres_url, account, inbox, deliver
):
    await deliver(1)
    await store.emails.expunge(account.id, inbox.id, [1], only_deleted=False)
    connection = await asyncpg.connect(postgres_url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1 FROM account_state FOR UPDATE")
        taken = await store.trims.expunged(0, 10)
        assert (taken.found, taken.gone) == (1, 0)
        done, _ = await asyncio.gather(trim(store, NOW), transaction.commit())
    finally:
        await connection.close()
    assert done["expunged"] == 1


async def test_two_at_once_beside_an_expunge_and_a_removed_account_forget_each_row_once(
    store, postgres_url, account, inbox, deliver
):
    await deliver(40)
    other = await store.accounts.add("bert@example.org", "hash", "scram")
    await store.mailboxes.create(other.id, "Brief")
    await store.mailboxes.delete(other.id, "Brief")
    await store.emails.expunge(account.id, inbox.id, range(1, 21), only_deleted=False)

    async def expunge() -> None:
        for uid in range(21, 31):
            await store.emails.expunge(account.id, inbox.id, [uid], only_deleted=False)

    *trimmed, _, _ = await asyncio.gather(
        *(trim(store, NOW, slice_rows=3) for _ in range(3)),
        expunge(),
        store.accounts.remove("bert@example.org"),
    )
    trimmed.append(await trim(store, NOW))
    assert sum(done["expunged"] for done in trimmed) == 30
    assert await count(postgres_url, "expunged") == 0
    assert len(await store.emails.places(account.id, inbox.id)) == 10


async def test_the_rest_of_the_books_is_right_afterwards(
    store, postgres_url, account, inbox, deliver
):
    await deliver(4)
    await store.emails.expunge(account.id, inbox.id, [2], only_deleted=False)
    await trim(store, NOW)
    with pytest.raises(AssertionError, match=r"^a uid below uidnext[^\n]*$"):
        await recount(postgres_url, account.id)


async def test_what_is_old_is_found_by_an_index(store, postgres_url, account):
    connection = await asyncpg.connect(postgres_url)
    try:
        # Of tables as small as a test's a scan is cheaper: what is asked is whether it is needed.
        await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
        for query in OLD_QUERIES:
            literal = re.sub(r"\$1\b(?! FOR)", "60", query).replace("$2", "10").replace("$1", "10")
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {literal}"))
            assert "Index" in plan, plan
            assert "Seq Scan" not in plan, plan
            assert "Sort" not in plan, plan
    finally:
        await connection.close()


async def test_the_last_result_is_written_down(store, account):
    assert await store.tasks.last() == {}
    await trim(store, NOW)
    await trim(store, NOW)
    last = await store.tasks.last()
    assert list(last) == ["trim"]
    assert last["trim"].result["expunged"] == 0
