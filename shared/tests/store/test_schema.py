"""The schema: its revisions, and whether the tables say what the migrations make."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from mailquay.store import Refused, head_revision, migrations
from mailquay.store.schema import Phase, Release, SchemaState
from mailquay.store.tables import METADATA


def test_the_head_is_the_one_that_alembic_knows():
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [head_revision()]


async def test_the_migrations_make_what_the_tables_say(postgres_url: str):
    engine = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"))

    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), METADATA)

    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
            assert (await migrations.state(postgres_url)).revision == head_revision()
    finally:
        await engine.dispose()


@pytest.fixture
def release(tmp_path):
    """Makes a release that knows revisions of these names."""

    def make(*names: str) -> Release:
        folder = tmp_path / "-".join(names)
        folder.mkdir()
        for name in names:
            (folder / f"{name}.py").touch()
        return Release([folder])

    return make


OLD = ("203001010000_first", "203001020000_pre_a")
NEW = (*OLD, "203002010000_pre_b", "203002020000_post_c")
FIRST, A, B, C = (name[:12] for name in NEW)


@pytest.mark.parametrize(
    ("names", "revision", "oldest", "why"),
    [
        (NEW, None, None, "no schema"),
        (NEW, FIRST, None, f"is at {FIRST}, this release needs {B}"),
        (NEW, A, FIRST, f"needs {B}"),
        (NEW, B, FIRST, None),  # its contraction is to come
        (NEW, C, B, None),
        (OLD, A, None, None),
        (OLD, B, A, None),  # expanded for the next release
        (OLD, B, FIRST, None),
        (OLD, C, B, f"serves releases from {B} on; this release is {A}"),
        (OLD, B, None, f"serves releases from {B} on"),
    ],
)
def test_a_release_knows_on_which_schema_it_can_run(release, names, revision, oldest, why):
    misfit = release(*names).misfit(SchemaState(revision, oldest))
    assert misfit is None if why is None else why in str(misfit)


@pytest.mark.parametrize(
    ("revision", "phase", "target"),
    [
        (None, Phase.EXPAND, C),  # nothing runs that could miss something
        (A, Phase.EXPAND, B),
        (B, Phase.EXPAND, None),
        (B, Phase.CONTRACT, C),
        (C, Phase.CONTRACT, None),
        (A, Phase.ALL, C),
    ],
)
def test_each_phase_goes_as_far_as_it_may(release, revision, phase, target):
    assert release(*NEW).target(SchemaState(revision, FIRST), phase) == target


def test_a_contraction_waits_for_the_expansion(release):
    with pytest.raises(Refused, match=f"lacks {B}"):
        release(*NEW).target(SchemaState(A, FIRST), Phase.CONTRACT)


def test_an_expansion_leaps_over_no_contraction(release):
    newer = release(*NEW, "203003010000_pre_d")
    with pytest.raises(Refused, match=f"not contracted by {C}"):
        newer.target(SchemaState(B, FIRST), Phase.EXPAND)
    assert newer.target(SchemaState(B, FIRST), Phase.ALL) == "203003010000"


def test_a_newer_schema_is_left_alone_or_refused(release):
    old = release(*OLD)
    assert old.target(SchemaState(B, A), Phase.ALL) is None
    with pytest.raises(Refused, match="serves releases from"):
        old.target(SchemaState(C, B), Phase.EXPAND)
