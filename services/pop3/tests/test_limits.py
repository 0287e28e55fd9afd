"""Bounds: nonsense, silence, connections; drain; revocation; storage that is away; PROXY."""

import asyncio
import json
import os
import time

import pytest

from mailquay.events import Bus, IdentityRevoked
from mailquay.runtime.settings import NatsSettings
from mailquay.testing.deployment import PASSWORD
from mailquay.testing.lines import LineClient

MESSAGE = b"Subject: one\r\n\r\nx\r\n"


@pytest.fixture(scope="module")
def site_settings():
    return {"IDENTITY__RECHECK_SECONDS": "0"}


def ask(client, command: bytes) -> bytes:
    client.send(command + b"\r\n")
    return client.line()


def connect(service, name: str = "pop3") -> LineClient:
    client = LineClient(service.ports[name])
    assert client.line() == b"+OK Mailquay is ready"
    return client


def test_too_much_nonsense_ends_the_connection(site):
    with site.connect() as client:
        for _ in range(20):
            assert ask(client, b"NONSENSE") == b"-ERR command not recognized"
        assert client.line() == b"-ERR too many commands that make no sense"
        assert client.line() == b""


def test_a_line_without_end_ends_the_connection(site):
    with site.connect() as client:
        client.send(b"x" * 20_000)
        assert client.rest() == b"-ERR the line is too long\r\n"


def test_silence_is_ended_in_silence_and_removes_nothing(deployment, site):
    account = site.account(MESSAGE)
    service = deployment.start("pop3", POP3__IDLE_TIMEOUT_SECONDS="1")
    with connect(service) as client:
        ask(client, b"USER " + account.address.encode())
        assert ask(client, b"PASS " + PASSWORD.encode()) == b"+OK 1 message"
        assert ask(client, b"DELE 1").startswith(b"+OK")
        assert client.rest() == b""
    assert len(site.places(account)) == 1
    service.stop()


def test_connections_of_one_client_are_limited(deployment, site):
    service = deployment.start("pop3", NET__MAX_CONNECTIONS_PER_ADDRESS="1")
    with connect(service), LineClient(service.ports["pop3"]) as refused:
        assert refused.rest() == b"-ERR [SYS/TEMP] too many connections, try again later\r\n"
    service.stop()


def test_behind_a_balancer_the_client_is_known(deployment, site):
    service = deployment.start("pop3", NET__PROXY_PROTOCOL_FROM='["127.0.0.0/8"]')
    with LineClient(service.ports["pop3"]) as client:
        client.send(b"PROXY TCP4 192.0.2.77 198.51.100.1 4711 110\r\n")
        assert client.line() == b"+OK Mailquay is ready"
        ask(client, b"USER nobody@example.org")
        assert ask(client, b"PASS x").startswith(b"-ERR [AUTH]")
    log = deployment.folder / f"pop3-{len(deployment.services) - 1}.log"
    failed = [json.loads(line) for line in log.read_text().splitlines() if "sign-in" in line]
    assert [entry["client"] for entry in failed] == ["192.0.2.77"]
    service.stop()


def test_an_idle_client_is_told_that_the_service_goes_and_nothing_is_removed(deployment, site):
    account = site.account(MESSAGE)
    service = deployment.start("pop3", NET__DRAIN_SECONDS="10")
    with connect(service) as client, connect(service) as other:
        ask(client, b"USER " + account.address.encode())
        ask(client, b"PASS " + PASSWORD.encode())
        ask(client, b"DELE 1")
        service.child.ask_to_stop()
        for each in (client, other):
            assert each.line() == (b"-ERR [SYS/TEMP] the service is restarting, please come back")
            assert each.line() == b""
    deadline = time.monotonic() + 20
    while service.child.is_running:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert len(site.places(account)) == 1


def test_a_client_that_does_not_read_does_not_hold_the_drain_up(deployment, site):
    account = site.account(b"Subject: big\r\n\r\n" + b"z" * 40_000_000 + b"\r\n")
    service = deployment.start("pop3", NET__DRAIN_SECONDS="1")
    with connect(service) as client:
        ask(client, b"USER " + account.address.encode())
        ask(client, b"PASS " + PASSWORD.encode())
        assert ask(client, b"RETR 1").startswith(b"+OK")
        service.child.ask_to_stop()
        deadline = time.monotonic() + 20
        while service.child.is_running:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_changed_password_ends_the_session_and_removes_nothing(site):
    account = site.account(MESSAGE)
    with site.sign_in(account) as client:
        ask(client, b"DELE 1")
        site.store(lambda store: store.accounts.set_state(account.address, "disabled"))
        goodbye = b"-ERR [AUTH] the account was changed, please sign in again"
        assert ask(client, b"QUIT") == goodbye
        assert client.line() == b""
    assert len(site.places(account)) == 1


def test_the_event_of_it_ends_the_session_at_once(site):
    account = site.account(MESSAGE)
    with site.sign_in(account) as client, site.sign_in(site.account()) as other:

        async def tell() -> None:
            bus = await Bus.open(NatsSettings(url=site.deployment.nats_url))
            await bus.wait_connected(10)
            bus.publish(IdentityRevoked(account_id=account.id, credential_version=2))
            await bus.close()

        asyncio.run(tell())
        assert client.line() == b"-ERR [AUTH] the account was changed, please sign in again"
        assert client.line() == b""
        assert ask(other, b"NOOP") == b"+OK"


def test_an_account_that_is_removed_ends_the_session(site):
    account = site.account(MESSAGE)
    with site.sign_in(account) as client:
        site.store(lambda store: store.accounts.remove(account.address))
        assert ask(client, b"RETR 1").startswith(b"-ERR [AUTH] ")
        assert client.line() == b""


def test_a_body_that_is_away_is_told_and_the_session_goes_on(deployment, site):
    account = site.account(MESSAGE, b"Subject: two\r\n\r\ny\r\n")
    packs = sorted((deployment.folder / "blobs").rglob("packs/*/*/*"), key=os.path.getmtime)
    with site.sign_in(account) as client:
        newest = packs[-1]
        kept = newest.read_bytes()
        newest.unlink()
        assert ask(client, b"RETR 2").startswith(b"-ERR [SYS/PERM] ")
        newest.write_bytes(bytes(len(kept)))
        assert ask(client, b"RETR 2").startswith(b"-ERR [SYS/PERM] ")
        newest.write_bytes(kept)
        assert ask(client, b"RETR 2").startswith(b"+OK")
