"""The service in this process: what it does when something is slow, away, wrong, or over."""

import asyncio
import socket

import pytest

from mailquay.events import IdentityRevoked
from mailquay.net import stream as net_stream
from mailquay.store import StoreUnavailable
from mailquay.store.declared import DeclaredDomain, Policy
from mailquay_imap.handlers import HANDLERS
from mailquay_imap.protocol import commands as c

ADDRESS, PASSWORD = "ann@example.org", "secret"


async def test_who_does_not_sign_in_is_cut_off(start_imap):
    async with start_imap(login_timeout_seconds=1) as imap:
        client = await imap.connect()
        assert (await client.line()).startswith(b"* OK")
        # Saying something now and then is no sign-in.
        assert (await client.say(b"NOOP"))[-1].startswith(b"t OK")
        assert await client.rest() == b"* BYE Nothing was heard for too long\r\n"


async def test_who_says_nothing_is_logged_out(start_imap):
    async with start_imap(idle_timeout_seconds=1) as imap:
        client = await imap.sign_in()
        assert await client.rest() == b"* BYE Nothing was heard for too long\r\n"


async def test_who_talks_nonsense_is_cut_off(start_imap):
    async with start_imap() as imap:
        client = await imap.sign_in()
        client.send(b"a NONSENSE\r\n" * 40 + b"a NOOP\r\n" + b"a NONSENSE\r\n" * 51)
        rest = await client.rest()
        assert rest.count(b"a BAD") == 90
        assert rest.endswith(b"* BYE Too many commands that make no sense\r\n")


async def test_what_cannot_be_reached_is_said_to_be(start_imap, monkeypatch):
    async with start_imap() as imap:
        client = await imap.sign_in(b"APPEND INBOX {14+}\r\nSubject: x\r\n\r\n", b"SELECT INBOX")

        async def away(*_arguments: object) -> None:
            raise StoreUnavailable("gone fishing")

        emails = imap.platform.store.emails
        monkeypatch.setattr(emails, "pulse", away)
        assert await client.say(b"FETCH 1 FLAGS") == [
            b"t NO [UNAVAILABLE] the storage cannot be reached, try again later\r\n"
        ]
        # What does not need it works; and what is done is done, though nobody knows the news.
        assert await client.say(b"NOOP") == [b"t OK NOOP completed\r\n"]
        lines = await client.say(b"APPEND INBOX {14+}\r\nSubject: y\r\n\r\n")
        assert lines[-1].startswith(b"t OK [APPENDUID ")
        monkeypatch.undo()
        assert (await client.say(b"NOOP"))[0] == b"* 2 EXISTS\r\n"


async def test_a_fault_of_ours_ends_the_command_alone(start_imap, monkeypatch, caplog):
    async def broken(*_arguments: object) -> None:
        raise RuntimeError("no namespace")

    monkeypatch.setitem(HANDLERS, c.Namespace, (HANDLERS[c.Namespace][0], broken))
    async with start_imap() as imap:
        client = await imap.sign_in()
        assert await client.say(b"NAMESPACE") == [b"t NO [SERVERBUG] something went wrong here\r\n"]
        assert await client.say(b"NOOP") == [b"t OK NOOP completed\r\n"]


async def test_a_client_that_stops_reading_is_cut_off(start_imap, monkeypatch):
    monkeypatch.setattr(net_stream, "WRITE_SECONDS", 0.2)
    body = b"Subject: large\r\n\r\n" + b"x" * 1_000_000
    async with start_imap() as imap:
        append = b"APPEND INBOX {%d+}\r\n%b" % (len(body), body)
        other = await imap.sign_in(*[append] * 5, b"SELECT INBOX")
        # Far more is asked for than any buffer between the two takes.
        fetch = b"f FETCH 1:5 (BODY.PEEK[] BODY.PEEK[TEXT] BINARY.PEEK[1] RFC822)\r\n" * 9
        login = f"l LOGIN {ADDRESS} {PASSWORD}\r\ns SELECT INBOX\r\n".encode()
        with socket.create_connection(("127.0.0.1", imap.service.ports["imap"])) as stuck:
            stuck.sendall(login + fetch)
            stuck.setblocking(False)
            while is_open(stuck):
                # Meanwhile the others are served: nobody holds what they need.
                assert (await other.say(b"FETCH 1 UID"))[-1] == b"t OK FETCH completed\r\n"
        assert (await other.say(b"NOOP"))[-1] == b"t OK NOOP completed\r\n"


def is_open(connection: socket.socket) -> bool:
    try:
        connection.send(b"n NOOP\r\n")
    except ConnectionError:
        return False
    return True


async def test_who_is_waited_for_hears_goodbye(start_imap):
    async with start_imap() as imap:
        clients = [await imap.sign_in() for _ in range(3)]
        idling = await imap.sign_in(b"SELECT INBOX")
        idling.send(b"i IDLE\r\n")
        assert await idling.line() == b"+ idling\r\n"
        clients[0].send(b"h LOGIN {5}\r\n")  # in the middle of a command
        assert await clients[0].line() == b"+ Go on\r\n"
        await imap.service.drain()
        goodbye = b"* BYE [UNAVAILABLE] The service is restarting, please come back\r\n"
        assert [await client.rest() for client in (*clients, idling)] == [goodbye] * 4
        with pytest.raises(ConnectionError):
            await imap.connect()


async def test_a_message_that_is_on_its_way_is_taken_first(start_imap):
    async with start_imap() as imap:
        client = await imap.sign_in()
        client.send(b"a APPEND INBOX {1000014}\r\n")
        assert await client.line() == b"+ Go on\r\n"
        client.send(b"Subject: x\r\n\r\n")
        other = await imap.sign_in()
        draining = asyncio.create_task(imap.service.drain())
        assert (await other.rest()).startswith(b"* BYE [UNAVAILABLE]"), "it drains"
        for _ in range(10):
            client.send(b"x" * 100_000)
            await client.writer.drain()
        client.send(b"\r\n")
        appended, goodbye = (await client.rest()).splitlines()
        assert appended.startswith(b"a OK [APPENDUID ")
        assert goodbye.startswith(b"* BYE [UNAVAILABLE]")
        await draining


async def test_who_connects_as_the_service_stops_hears_goodbye(start_imap):
    async with start_imap() as imap:
        with socket.create_connection(("127.0.0.1", imap.service.ports["imap"])) as late:
            await imap.service.drain()  # it has not been taken from the kernel yet
            late.settimeout(20)
            assert b"* BYE [UNAVAILABLE]" in late.recv(65536)


async def test_a_command_that_runs_is_finished_first(start_imap, monkeypatch):
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def slow(session, _command):
        begun.set()
        await let_go.wait()
        return await HANDLERS[c.Noop][1](session, c.Noop())

    monkeypatch.setitem(HANDLERS, c.Namespace, (HANDLERS[c.Namespace][0], slow))
    async with start_imap() as imap:
        client = await imap.sign_in()
        client.send(b"a NAMESPACE\r\n")
        await begun.wait()
        draining = asyncio.create_task(imap.service.drain())
        await asyncio.sleep(0)
        let_go.set()
        assert await client.rest() == (
            b"a OK NAMESPACE completed\r\n"
            b"* BYE [UNAVAILABLE] The service is restarting, please come back\r\n"
        )
        await draining


async def test_a_changed_password_ends_what_was_signed_in_before(start_imap, store, bus):
    revoked = b"* BYE The account has changed, please sign in again\r\n"
    async with start_imap() as imap:
        waiting = await imap.sign_in()
        idling = await imap.sign_in()
        idling.send(b"i IDLE\r\n")
        assert await idling.line() == b"+ idling\r\n"
        account = await store.accounts.find(ADDRESS)
        await store.accounts.set_password(ADDRESS, "x", "y")
        bus.publish(
            IdentityRevoked(
                account_id=account.id, credential_version=account.credential_version + 1
            )
        )
        assert await waiting.rest() == revoked
        assert await idling.rest() == revoked


async def test_a_disabled_account_is_found_out_without_an_event(start_imap, store, monkeypatch):
    async with start_imap(poll_seconds=0.05) as imap:
        monkeypatch.setattr(imap.platform.authenticator, "_unchanged", {})
        client, idling = await imap.sign_in(), await imap.sign_in()
        idling.send(b"i IDLE\r\n")
        assert await idling.line() == b"+ idling\r\n"
        imap.platform.authenticator._unchanged.clear()
        await store.accounts.set_state(ADDRESS, "disabled")
        revoked = b"* BYE The account has changed, please sign in again\r\n"
        assert await client.say(b"NOOP") == [revoked, b""]
        assert await idling.rest() == revoked


async def test_too_many_connections_are_told_so(start_imap, monkeypatch):
    async with start_imap() as imap:
        limit = imap.platform.settings.net.max_connections_per_address
        clients = [await imap.connect() for _ in range(limit)]
        assert (await clients[-1].line()).startswith(b"* OK")
        one_more = await imap.connect()
        assert await one_more.rest() == (
            b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n"
        )


async def test_a_policys_quota_is_shown_and_held(start_imap):
    async with start_imap() as imap:
        client = await imap.sign_in()
        assert await client.say(b'GETQUOTA ""') == [
            b"t NO [NONEXISTENT] there is no such quota root\r\n"
        ]
        async with imap.platform.store.declarations.write() as writer:
            policy = Policy(default_quota=2048)
            await writer.put(DeclaredDomain("example.org", policy=policy), is_new=False)
        assert (await client.say(b'GETQUOTA ""'))[0] == b'* QUOTA "" (STORAGE 0 2)\r\n'
        text = b"Subject: x\r\n\r\n" + b"line\r\n" * 400
        lines = await client.say(b"APPEND INBOX {%d+}\r\n%b\r\n" % (len(text), text))
        assert lines[-1].startswith(b"t NO [OVERQUOTA]")
