"""What goes away is seen by the alert that is for it, and no longer when it is back.

The rules are the chart's own, in a Prometheus that scrapes. An alert is pending from its
expression's first truth on, and fires when that lasts.
"""

import contextlib
import signal
import smtplib
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(300)]
#: The bus and bodies are asked after every 15 seconds; a Postgres that hangs takes a while more.
WAIT_SECONDS = 90
DEPENDENCY = 'mailquay_dependency_up{dependency="%s"}'


@pytest.fixture
def until(watched) -> Callable[[Callable[[], bool], str], None]:
    """Wait for something, while mail goes on arriving."""
    bob = watched.facts["users"][1]["address"]
    numbers = iter(range(1_000_000))

    def arrive() -> None:
        """A message, whatever is said to it."""
        with (
            contextlib.suppress(OSError, smtplib.SMTPException),
            smtplib.SMTP(watched.facts["host"], watched.facts["ports"]["smtp"], timeout=5) as c,
        ):
            message = f"Subject: x\r\nMessage-ID: <{time.time_ns()}.{next(numbers)}@o>\r\n\r\nx\r\n"
            c.sendmail("x@outage.test", [bob], message)

    def wait(look: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not look():
            assert time.monotonic() < deadline, what
            arrive()
            time.sleep(0.2)

    return wait


@pytest.fixture(autouse=True)
def all_is_well(prometheus, until) -> Iterator[None]:
    """Before and after: everything is used, and can be."""

    def is_well() -> bool:
        return all(
            prometheus.numbers(f"min({DEPENDENCY % name}) == 1")
            for name in ("database", "blobs", "bus")
        )

    until(is_well, "something is away before the test")
    yield
    until(is_well, "it did not heal")


def test_object_storage_that_is_away_is_told_and_so_is_mail_not_accepted(
    watched, prometheus, until
):
    folder = watched.data / "blobs"
    away = watched.data / "blobs-away"
    folder.rename(away)
    folder.write_text("a file where the folder was")
    try:
        until(lambda: prometheus.alert("MailquayBlobsDown") != "inactive", "not seen")
        until(lambda: prometheus.alert("MailquayMailDeferred") != "inactive", "451 is not seen")
    finally:
        folder.unlink()
        away.rename(folder)
    assert prometheus.alert("MailquayDatabaseUnreachable") == "inactive"


def test_a_bus_that_is_away_is_told(nats, prometheus, until):
    assert prometheus.alert("MailquayBusDown") == "inactive"
    nats.stop()
    try:
        until(lambda: prometheus.alert("MailquayBusDown") != "inactive", "not seen")
    finally:
        nats.start()
    until(lambda: prometheus.alert("MailquayBusDown") == "inactive", "still told of")


def test_a_postgres_that_hangs_is_told(watched, prometheus, until):
    assert prometheus.alert("MailquayDatabaseUnreachable") == "inactive"
    (pid,) = watched.facts["pids"]["postgres"]
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: prometheus.alert("MailquayDatabaseUnreachable") != "inactive", "not seen")
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
    until(lambda: prometheus.alert("MailquayDatabaseUnreachable") == "inactive", "still told of")
