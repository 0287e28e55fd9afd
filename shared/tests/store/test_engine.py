"""Every way in which Postgres does not let us in is one error, with its reason."""

import asyncpg
import pytest

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Refused, Store, StoreUnavailable, migrations
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
        await migrations.current(url)
    with pytest.raises(StoreUnavailable, match="Postgres"):
        await migrations.upgrade(url)


async def test_password_that_has_changed_is_unavailable_to_a_pool_that_is_open(postgres_url):
    url = _variants(postgres_url)["wrong password"]
    store = await Store.open(DatabaseSettings.model_validate({"url": url, "pool_min": 0}))
    with pytest.raises(StoreUnavailable, match="password"):
        await store.check()
    await store.close()


async def test_schema_of_a_newer_release_is_not_touched(postgres_url):
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("UPDATE alembic_version SET version_num = '209912310000'")
    await connection.close()
    with pytest.raises(Refused, match="newer release"):
        await migrations.upgrade(postgres_url)
    assert await migrations.current(postgres_url) == "209912310000"
