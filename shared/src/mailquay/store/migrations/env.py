"""Alembic's environment: runs on the connection that `mailquay.store.migrations` hands in."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script
from sqlalchemy import Connection, text

from mailquay.store.tables import METADATA


def _keep_oldest_release(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    """Write down, in its transaction, which releases a contraction has put out of service."""
    script = cast("Script", step.up_revision)
    oldest = getattr(script.module, "oldest_release", None)
    if oldest is not None:
        connection.execute(
            text("UPDATE schema_compatibility SET oldest_release = :oldest"), {"oldest": oldest}
        )


connection: Connection = context.config.attributes["connection"]
# A migration that cannot get its lock gives way to the mail, and is tried again.
connection.execute(text("SET lock_timeout = '4s'"))
connection.execute(text("SET statement_timeout = '15min'"))
connection.commit()
context.configure(
    connection=connection,
    target_metadata=METADATA,
    transaction_per_migration=True,
    on_version_apply=_keep_oldest_release,
)
with context.begin_transaction():
    context.run_migrations()
