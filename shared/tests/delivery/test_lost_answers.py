"""Postgres has committed, or has not, and the connection dies before anybody knows.

RFC 5321 §4.5.3.2.6: a client that hears no answer to its message sends it again.
"""

import asyncio
import contextlib
import hashlib
from urllib.parse import urlsplit

import asyncpg
import pytest

from mailquay.delivery import Deliverer, Incoming, LocalPlacement, RemoteRecipient, Unavailable
from mailquay.runtime.settings import DatabaseSettings, Settings
from mailquay.store import Store
from mailquay.testing.recount import recount

REMOTE = (RemoteRecipient("b@example.net", "example.net"),)
#: What the server says at the end of a statement that committed by itself, and of a COMMIT, with
#: the ReadyForQuery that follows when all of it is done.
WRITTEN, COMMITTED = b"INSERT 0 ", b"COMMIT\0"
READY = b"Z\x00\x00\x00\x05I"


class Line:
    """Between a store and Postgres: cut by what goes over it."""

    def __init__(self, url: str) -> None:
        self._port = urlsplit(url).port
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut_answer: bytes | None = None
        self.cut_question: bytes | None = None
        self.cuts = 0

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader, writer) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        writers = (writer, back)
        for source, sink, is_answer in ((reader, back, False), (there, writer, True)):
            task = asyncio.create_task(self._pass(source, sink, writers, is_answer=is_answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source, sink, writers, *, is_answer: bool) -> None:
        said = b""
        with contextlib.suppress(ConnectionError):
            while data := await source.read(1 << 16):
                if is_answer:
                    said = (said + data)[-4096:]
                    is_over = self.cut_answer is not None and self.cut_answer in said
                    if is_over and said.endswith(READY):
                        break
                    if is_over:
                        continue  # held back until all of it is done
                    said = b"" if said.endswith(READY) else said
                elif self.cut_question is not None and self.cut_question in data:
                    break
                sink.write(data)
                await sink.drain()
            else:
                sink.close()
                return
        self.cuts += 1
        for writer in writers:
            writer.transport.abort()


@pytest.fixture
async def line(postgres_url):
    line = Line(postgres_url)
    yield line
    await line.close()


@pytest.fixture
async def far(postgres_url, line, blobs, bus):
    """A deliverer at the other end of the line."""
    port = await line.open()
    there = urlsplit(postgres_url)
    url = postgres_url.replace(f":{there.port}/", f":{port}/")
    store = await Store.open(DatabaseSettings(url=url))
    deliverer = Deliverer(store, blobs, bus, Settings())
    yield deliverer
    await deliverer.close()
    await store.close()


def incoming(account, number: int, *, remote=(), repeats: bool = True) -> Incoming:
    raw = b"Message-ID: <m%d@x>\r\n\r\nHello, %d.\r\n" % (number, number)
    return Incoming(
        tenant_id=account.tenant_id,
        raw=raw,
        trace_id="t",
        local=(LocalPlacement(account.id, recipient=account.address),),
        remote=remote,
        repeat_key=hashlib.sha256(raw).digest() if repeats else None,
    )


async def messages(store, account) -> int:
    return (await store.mailboxes.find(account.id, "INBOX")).messages


@pytest.mark.parametrize(("remote", "said"), [((), WRITTEN), (REMOTE, COMMITTED)])
async def test_what_was_committed_unheard_is_acknowledged_when_it_comes_again(
    postgres_url, store, account, line, far, remote, said
):
    line.cut_answer = said
    with pytest.raises(Unavailable):
        await far.deliver(incoming(account, 1, remote=remote))
    line.cut_answer = None
    assert line.cuts
    assert await messages(store, account) == 1
    again = await far.deliver(incoming(account, 1, remote=remote))
    assert again.placements[0].is_duplicate
    assert again.queue_id is None
    assert await messages(store, account) == 1
    assert (await store.queue.depth()).queued == len(remote)
    await recount(postgres_url, account.id)


@pytest.mark.parametrize(("remote", "said"), [((), b"mailbox_email"), (REMOTE, b"COMMIT;")])
async def test_what_was_never_committed_is_stored_when_it_comes_again(
    postgres_url, store, account, line, far, remote, said
):
    line.cut_question = said
    with pytest.raises(Unavailable):
        await far.deliver(incoming(account, 1, remote=remote))
    line.cut_question = None
    assert line.cuts
    assert await messages(store, account) == 0
    again = await far.deliver(incoming(account, 1, remote=remote))
    assert not again.placements[0].is_duplicate
    assert (again.queue_id is not None) is bool(remote)
    assert await messages(store, account) == 1
    await recount(postgres_url, account.id)


async def test_a_whole_batch_is_kept_once_however_often_its_answer_is_lost(
    postgres_url, store, account, line, far
):
    letters = [incoming(account, number) for number in range(30)]
    unheard = set(range(30))
    rounds = 0
    while unheard:
        line.cut_answer = WRITTEN if rounds < 4 else None
        rounds += 1
        results = await asyncio.gather(
            *(far.deliver(letters[n]) for n in sorted(unheard)), return_exceptions=True
        )
        heard = [
            n for n, r in zip(sorted(unheard), results, strict=True) if not isinstance(r, Exception)
        ]
        unheard.difference_update(heard)
    assert line.cuts >= 2
    assert await messages(store, account) == 30
    await recount(postgres_url, account.id)


async def test_a_repetition_that_nobody_could_tell_is_stored_again(store, account, line, far):
    """As APPEND has it: what was not acknowledged may be there, and is never thought to be."""
    line.cut_answer = WRITTEN
    with pytest.raises(Unavailable):
        await far.deliver(incoming(account, 1, repeats=False))
    line.cut_answer = None
    (placed,) = (await far.deliver(incoming(account, 1, repeats=False))).placements
    assert (placed.uid, placed.is_duplicate) == (2, False)


async def test_a_connection_that_died_at_rest_costs_one_attempt_at_most(
    postgres_url, store, account, far
):
    await far.deliver(incoming(account, 1))
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
    )
    await admin.close()
    with contextlib.suppress(Unavailable):
        await far.deliver(incoming(account, 2))
    assert (await far.deliver(incoming(account, 3))).placements[0].uid in (2, 3)
    assert (await far.deliver(incoming(account, 2))).placements
    await recount(postgres_url, account.id)
