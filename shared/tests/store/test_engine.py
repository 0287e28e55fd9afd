"""Every way in which Postgres does not let us in is one error, with its reason."""

import asyncpg
import pytest

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Store, StoreUnavailable, migrations
from mailquay.testing.ports import free_port


def _variants(url: str) -> dict[str, str]:
    start, _, end = url.rpartition("@")
    return {
        "nobody listens": f"postgresql://mailquay@127.0.0.1:{free_port()}/mailquay",
        "wrong password": f"{start}-wrong@{end}",
        "no such database": url + "_missing",
        "no URL": "postgres is over there",
    }


@pytest.mark.parametrize("what", ["nobody listens", "wrong password", "no such database", "no URL"])
async def test_database_that_cannot_be_used_is_unavailable(postgres_url, what):
    url = _variants(postgres_url)[what]
    with pytest.raises(StoreUnavailable, match="Postgres"):
        await Store.open(DatabaseSettings.model_validate({"url": url}))
    with pytest.raises(StoreUnavailable, match="Postgres"):
        await migrations.state(url)
    with pytest.raises(StoreUnavailable, match="Postgres"):
        await migrations.upgrade(url)


async def test_password_that_has_changed_is_unavailable_to_a_pool_that_is_open(postgres_url):
    url = _variants(postgres_url)["wrong password"]
    store = await Store.open(DatabaseSettings.model_validate({"url": url, "pool_min": 0}))
    with pytest.raises(StoreUnavailable, match="password"):
        await store.check()
    await store.close()


async def test_a_replica_is_not_taken_for_the_primary(postgres_url):
    """A primary that has become one refuses what it is told to write, and is let go."""
    store = await Store.open(DatabaseSettings.model_validate({"url": postgres_url}))
    await store.check()
    admin = await asyncpg.connect(postgres_url)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only TO on")
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    for _ in range(3):  # the first finds its connection ended
        with pytest.raises(StoreUnavailable):
            await store.accounts.add_domain("example.org")
    await admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await admin.close()
    assert (await store.accounts.add_domain("example.org")).name == "example.org"
    await store.close()
