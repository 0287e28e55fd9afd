"""Two releases on one schema: expand, replace, contract; the real migrations and two more."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Refused, Store, StoreUnavailable, head_revision, migrations
from mailquay.store.schema import THIS_RELEASE, Phase, Release, SchemaState

EXPANDED, CONTRACTED = "203001010000", "203001020000"
_MIGRATION = """
from alembic import op

revision = "{revision}"
down_revision = "{down}"
branch_labels = None
depends_on = None
{more}

def upgrade():
    op.execute("{statement}")
"""


def write(folder: Path, name: str, down: str, statement: str, more: str = "") -> None:
    text = _MIGRATION.format(revision=name[:12], down=down, statement=statement, more=more)
    (folder / f"{name}.py").write_text(text)


@pytest.fixture
def next_release(tmp_path) -> Release:
    """The release after this one: gives domains a colour, and takes away what this one uses."""
    add = "ALTER TABLE domain ADD COLUMN colour text"
    write(tmp_path, f"{EXPANDED}_pre_colours", head_revision(), add)
    drop = "ALTER TABLE domain DROP COLUMN name CASCADE"
    oldest = f'oldest_release = "{EXPANDED}"'
    write(tmp_path, f"{CONTRACTED}_post_no_names", EXPANDED, drop, oldest)
    return Release([*THIS_RELEASE.folders, tmp_path])


@pytest.fixture
async def running(postgres_url):
    """A service of this release."""
    store = await Store.open(DatabaseSettings.model_validate({"url": postgres_url}))
    yield store
    await store.close()


async def test_old_services_run_on_until_the_schema_is_contracted(
    postgres_url, running, next_release
):
    await running.accounts.add_domain("one.example")
    await migrations.upgrade(postgres_url, Phase.EXPAND, release=next_release)
    state = await migrations.state(postgres_url)
    assert (state.revision, state.oldest_release) == (EXPANDED, "202611250300")
    assert next_release.misfit(state) is None, "new services start before the contraction"
    await running.check()
    await running.accounts.add_domain("two.example")
    names = {domain.name for domain in await running.accounts.list_domains()}
    assert names == {"one.example", "two.example"}, "what it had prepared still works"

    with pytest.raises(StoreUnavailable, match=f"mailquay {head_revision()}"):
        await migrations.upgrade(postgres_url, Phase.CONTRACT, release=next_release)
    await running.check()
    contracting = asyncio.create_task(
        migrations.upgrade(postgres_url, Phase.CONTRACT, wait_seconds=60, release=next_release)
    )
    await running.close()
    await contracting
    assert await migrations.state(postgres_url) == SchemaState(CONTRACTED, EXPANDED)

    # Whoever is started again by mistake takes no part.
    late = await Store.open(DatabaseSettings.model_validate({"url": postgres_url}))
    with pytest.raises(StoreUnavailable, match=f"serves releases from {EXPANDED} on"):
        await late.check()
    await late.close()
    with pytest.raises(Refused, match="serves releases from"):
        await migrations.upgrade(postgres_url)


async def test_an_older_release_leaves_a_schema_that_it_can_run_on(postgres_url, next_release):
    await migrations.upgrade(postgres_url, Phase.EXPAND, release=next_release)
    for phase in Phase:
        await migrations.upgrade(postgres_url, phase)
    assert (await migrations.state(postgres_url)).revision == EXPANDED


async def test_a_migration_that_gets_no_lock_gives_way_and_is_tried_again(
    postgres_url, next_release
):
    blocker = await asyncpg.connect(postgres_url)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("LOCK TABLE domain IN ACCESS SHARE MODE")
    with pytest.raises(StoreUnavailable, match="lock timeout"):
        await migrations.upgrade(postgres_url, Phase.EXPAND, release=next_release)
    trying = asyncio.create_task(
        migrations.upgrade(postgres_url, Phase.EXPAND, wait_seconds=60, release=next_release)
    )
    await transaction.rollback()
    await blocker.close()
    await trying
    assert (await migrations.state(postgres_url)).revision == EXPANDED


async def test_many_may_begin_at_once(postgres_url, next_release):
    work = [migrations.upgrade(postgres_url, Phase.EXPAND, release=next_release) for _ in range(4)]
    await asyncio.gather(*work)
    assert (await migrations.state(postgres_url)).revision == EXPANDED


def test_each_contraction_says_whom_it_puts_out_of_service():
    for folder in THIS_RELEASE.folders:
        for path in folder.glob("*_post_*.py"):
            assert "\noldest_release = " in path.read_text(), path
