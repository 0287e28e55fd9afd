"""Alembic's environment: runs on the connection that `mailquay.store.migrations` hands in."""

from alembic import context
from sqlalchemy import text

from mailquay.store.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transaction_per_migration=True)
with context.begin_transaction():
    # A migration that cannot get its lock gives way to the mail, and is tried again.
    connection.execute(text("SET LOCAL lock_timeout = '4s'"))
    connection.execute(text("SET LOCAL statement_timeout = '15min'"))
    context.run_migrations()
