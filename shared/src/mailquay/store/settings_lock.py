"""Who applies files changes many settings at once: nobody else adds or removes any meanwhile.

Both sides take this lock first of all, so that neither waits for the other with rows in its hands.
"""

from typing import Final

from mailquay.store.engine import Connection

__all__ = ["lock_settings", "share_settings"]

_KEY: Final = "hashtextextended('mailquay apply', 0)"


async def share_settings(c: Connection) -> None:
    """Add or remove something beside others who do; wait for whoever applies files."""
    await c.execute(f"SELECT pg_advisory_xact_lock_shared({_KEY})")


async def lock_settings(c: Connection) -> None:
    """Be alone with the settings until the transaction ends; reads go on.

    The tables are locked for those who do not know of it: an older release, or somebody's SQL.
    """
    await c.execute(f"SELECT pg_advisory_xact_lock({_KEY})")
    await c.execute("LOCK TABLE tenant, domain, account, alias, relay IN SHARE ROW EXCLUSIVE MODE")
