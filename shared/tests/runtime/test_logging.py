"""What services write to standard error, in a process of its own: logging is set up once."""

import json
import subprocess
import sys

PROGRAM = r"""
import logging, structlog
from mailquay.runtime.logging import configure_logging
from mailquay.runtime.settings import LogSettings

configure_logging(LogSettings(level="info"), "smtp-in")
log, library = structlog.get_logger("ours"), logging.getLogger("theirs")
with structlog.contextvars.bound_contextvars(trace_id="t1"):
    log.info("accepted", size=7, odd="a\udcff", other={1: object})
    library.warning("late by %d s", 3)
log.debug("hidden")
library.debug("hidden")
logging.getLogger("nats").info("hidden")
try:
    raise ValueError("why")
except ValueError:
    log.exception("failed")
    library.exception("failed too")
"""


def events() -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_events_of_ours_and_of_libraries_are_alike():
    accepted, late, failed, failed_too = events()
    assert accepted.pop("timestamp").endswith("Z")
    assert accepted.pop("other")
    assert accepted == {
        "event": "accepted", "level": "info", "logger": "ours", "service": "smtp-in",
        "trace_id": "t1", "size": 7, "odd": "a\udcff",
    }  # fmt: skip
    assert late.pop("timestamp").endswith("Z")
    assert late == {
        "event": "late by 3 s", "level": "warning", "logger": "theirs", "service": "smtp-in",
        "trace_id": "t1",
    }  # fmt: skip
    assert failed["level"] == failed_too["level"] == "error"
    assert "ValueError: why" in failed["exception"]
    assert "ValueError: why" in failed_too["exception"]
