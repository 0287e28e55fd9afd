"""Bodies that nothing refers to go by themselves."""

import os
import time
from pathlib import Path

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
