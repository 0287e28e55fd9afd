"""What nothing refers to, and what is old, goes by itself."""

import asyncio
import os
import time
from pathlib import Path

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Forgotten, Store
from mailquay.store.changes import Point
from mailquay.store.types import AccountId
from mailquay.testing.platform import start_platform


def test_an_old_orphan_is_collected_and_a_fresh_one_is_kept(scratch: Path) -> None:
    env = {**os.environ, "MAILQUAY_BLOBS__COLLECT_INTERVAL_SECONDS": "1"}
    running = start_platform(scratch / "collecting", env=env)
    try:
        folder = running.data / "blobs" / "packs" / "1" / "aa"
        folder.mkdir(parents=True)
        old, fresh = (folder / f"{digit * 30}aa" for digit in "12")
        for path in (fresh, old):
            path.write_bytes(b"written, and never committed")
        long_ago = time.time() - 30 * 86400
        os.utime(old, (long_ago, long_ago))
        deadline = time.monotonic() + 60
        while old.exists():
            assert time.monotonic() < deadline, "it was not collected"
            time.sleep(0.05)
        assert fresh.exists()
    finally:
        assert running.stop() == 0


async def test_history_is_trimmed_by_itself(scratch: Path) -> None:
    env = {
        **os.environ,
        "MAILQUAY_RETENTION__TRIM_INTERVAL_SECONDS": "1",
        "MAILQUAY_RETENTION__HISTORY_SECONDS": "0",
    }
    running = start_platform(scratch / "trimming", env=env)
    try:
        store = await Store.open(DatabaseSettings(url=running.facts["database_url"]))
        account = await store.accounts.find(running.facts["users"][0]["address"])
        await store.mailboxes.create(account.id, "Brief")
        state = await store.emails.state(account.id)
        await store.mailboxes.delete(account.id, "Brief")
        async with asyncio.timeout(60):
            while await _is_known(store, account.id, state):
                await asyncio.sleep(0.05)
        await store.close()
    finally:
        assert running.stop() == 0


async def _is_known(store: Store, account_id: AccountId, state: int) -> bool:
    """Whether what has happened since then can be told."""
    try:
        await store.changes.mailboxes(account_id, Point(state), 10)
    except Forgotten:
        return False
    return True
