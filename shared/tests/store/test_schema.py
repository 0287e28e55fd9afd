"""The schema: its revisions, and whether the tables say what the migrations make."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from mailquay.store import head_revision, migrations
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
            assert await migrations.current(postgres_url) == head_revision()
    finally:
        await engine.dispose()
