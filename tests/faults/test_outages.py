"""What the services stand on goes away and comes back: what still works, what is told, what heals."""

import asyncio
import contextlib
import json
import smtplib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailquay.standalone.nats import EmbeddedNats
from mailquay.standalone.postgres import EmbeddedPostgres
from mailquay.store import migrations
from mailquay.testing.deployment import PASSWORD, Deployment, ServiceProcess
from mailquay.testing.lines import LineClient
from mailquay.testing.object_storage import ObjectStorage
from mailquay.testing.ports import free_port

ADDRESS = "ann@outage.test"
PATIENCE_SECONDS = 60
SERVICES = ("smtp-in", "imap", "pop3", "webmail-api", "smtp-out")
QUICK = {
    "DATABASE__CONNECT_TIMEOUT_SECONDS": "2",
    "BLOBS__RETRY_SECONDS": "0.5",
    "IMAP__POLL_SECONDS": "1",
    "SMTP_OUT__POLL_SECONDS": "1",
}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


@dataclass
class Site:
    """Services, and all that they stand on."""

    postgres: EmbeddedPostgres
    nats: EmbeddedNats
    objects: ObjectStorage
    deployment: Deployment
    services: dict[str, ServiceProcess]

    def ready(self, service: str) -> tuple[bool, dict[str, str]]:
        port = self.services[service].ports["metrics"]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as answer:
                return True, json.load(answer)["checks"]
        except urllib.error.HTTPError as error:
            with error:
                return False, json.load(error)["checks"]

    def all_ready(self, check: str, *, is_ok: bool) -> bool:
        """Whether every service is ready, and says so of a dependency."""
        told = [self.ready(service) for service in SERVICES]
        return all(ready and (checks[check] == "ok") is is_ok for ready, checks in told)

    def none_ready(self) -> bool:
        return not any(self.ready(service)[0] for service in SERVICES)

    def deliver(self, subject: str) -> int:
        """Send a message by SMTP; returns the code of the reply that decided."""
        port = self.services["smtp-in"].ports["smtp"]
        message = f"Subject: {subject}\r\nMessage-ID: <{subject}@outage.test>\r\n\r\nx\r\n"
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.ehlo()
            client.mail("sender@elsewhere.test")
            code, _ = client.rcpt(ADDRESS)
            return client.data(message.encode())[0] if code == 250 else code

    def imap(self, *, idle: bool = False) -> LineClient:
        client = LineClient(self.services["imap"].ports["imap"])
        client.line()
        for command in (f'LOGIN {ADDRESS} "{PASSWORD}"', "SELECT INBOX"):
            assert say(client, command)[-1].startswith(b"t OK")
        if idle:
            client.send(b"i IDLE\r\n")
            assert client.line() == b"+ idling"
        return client

    def pop3(self) -> LineClient:
        client = LineClient(self.services["pop3"].ports["pop3"])
        client.line()
        for command in (f"USER {ADDRESS}", f"PASS {PASSWORD}"):
            client.send(command.encode() + b"\r\n")
            assert client.line().startswith(b"+OK")
        return client

    def has_traceback(self) -> bool:
        return any("Traceback" in log.read_text() for log in self.deployment.folder.glob("*.log"))


def say(client: LineClient, command: str) -> list[bytes]:
    client.send(f"t {command}\r\n".encode())
    lines = [client.line()]
    while lines[-1] and not lines[-1].startswith(b"t "):
        lines.append(client.line())
    return lines


def until_exists(client: LineClient, count: int) -> None:
    while (line := client.line()) != b"* %d EXISTS" % count:
        assert line, "the connection was lost"


@pytest.fixture(scope="module")
def site(scratch: Path) -> Iterator[Site]:
    folder = scratch / "outages"
    folder.mkdir()
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        postgres = EmbeddedPostgres(folder / "postgres", port=free_port(), log=folder / "pg.txt")
        nats = EmbeddedNats(folder / "nats", port=free_port(), log=folder / "nats.txt")
        for server in (postgres, nats):
            server.prepare()
            server.start()
            stack.callback(server.stop)
        asyncio.run(postgres.wait_ready())
        asyncio.run(nats.wait_ready())
        asyncio.run(migrations.upgrade(postgres.url()))
        objects = ObjectStorage()
        endpoint = stack.enter_context(objects.served())
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in {
            "ENDPOINT_URL": endpoint, "ALLOW_HTTP": "true", "ACCESS_KEY_ID": "x",
            "SECRET_ACCESS_KEY": "x", "REGION": "here",
        }.items():  # fmt: skip
            environment.setenv(f"AWS_{name}", value)
        deployment = Deployment(folder, database_url=postgres.url(), nats_url=nats.url)
        stack.callback(deployment.stop)
        deployment.add_account(ADDRESS)
        settings = {**QUICK, "BLOBS__URL": "s3://mail/prod"}
        services = {name: deployment.start(name, **settings) for name in SERVICES}
        yield Site(postgres, nats, objects, deployment, services)


@pytest.fixture
def count(site: Site) -> Iterator[int]:
    """How many messages there are, one at least; all is well before the test and after it."""
    until(lambda: site.all_ready("bus", is_ok=True) and site.all_ready("blobs", is_ok=True))
    assert site.deliver(f"before-{time.monotonic_ns()}") == 250
    client = site.imap()
    (status,) = (x for x in say(client, "STATUS INBOX (MESSAGES)") if x.startswith(b"* STATUS"))
    client.socket.close()
    yield int(status.partition(b"MESSAGES ")[2].rstrip(b")"))
    assert not site.has_traceback()


def test_postgres_is_restarted(site: Site, count: int) -> None:
    idling, imap, pop3 = site.imap(idle=True), site.imap(), site.pop3()
    site.postgres.stop()
    until(site.none_ready)
    assert all("database" in site.ready(service)[1] for service in SERVICES)
    assert site.deliver("never") == 451
    (answer,) = say(imap, "FETCH 1 BODY.PEEK[TEXT]")[-1:]
    assert answer.startswith(b"t NO [UNAVAILABLE]")
    pop3.send(b"RETR 1\r\nQUIT\r\n")
    site.postgres.start()
    asyncio.run(site.postgres.wait_ready())
    until(lambda: site.all_ready("database", is_ok=True))
    assert site.deliver("after-postgres") == 250
    until_exists(idling, count + 1)
    assert say(imap, "FETCH 1 BODY.PEEK[TEXT]")[-1].startswith(b"t OK")
    for client in (idling, imap, pop3):
        client.socket.close()


def test_nats_goes_and_comes_back(site: Site, count: int) -> None:
    idling = site.imap(idle=True)
    site.nats.stop()
    until(lambda: site.all_ready("bus", is_ok=False))
    assert site.deliver("without-nats") == 250
    until_exists(idling, count + 1)
    site.nats.start()
    until(lambda: site.all_ready("bus", is_ok=True))
    assert site.deliver("with-nats-again") == 250
    until_exists(idling, count + 2)
    idling.socket.close()


def test_the_object_storage_refuses_for_a_while(site: Site, count: int) -> None:
    site.objects.is_refusing = True
    until(lambda: site.all_ready("blobs", is_ok=False))
    assert site.deliver("refused") == 451
    imap, pop3 = site.imap(), site.pop3()
    last = say(imap, f"FETCH {count} (ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
    assert last[0].startswith(b"* %d FETCH (" % count)
    assert last[-1].startswith(b"t OK")
    assert say(imap, f"FETCH {count} BODY.PEEK[TEXT]")[-1].startswith(b"t NO [UNAVAILABLE]")
    pop3.send(b"RETR %d\r\n" % count)
    assert pop3.line().startswith(b"-ERR [SYS/TEMP]")
    site.objects.is_refusing = False
    until(lambda: site.all_ready("blobs", is_ok=True))
    assert site.deliver("refused") == 250
    assert say(imap, f"FETCH {count} BODY.PEEK[TEXT]")[-1].startswith(b"t OK")
    for client in (imap, pop3):
        client.socket.close()
