r"""IMAP operations in a loop, each on many connections at once.

A connection has one command in flight; latency is from its writing to its tagged reply. Connections
are spread over the accounts. ``BODY[]`` is read of any message and sets ``\Seen``, as clients do;
``BODY.PEEK[]`` is of the newest few and changes nothing, so that it soon is what memory serves.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.load.figures import Figures, Watch
from bench.load.imap import ImapClient, ImapError, ImapServer
from bench.load.messages import WORDS, lettered

__all__ = ["OPERATIONS", "ImapLoad", "run_operation"]

_APPEND_MAILBOX: Final = b"bench-append"
_APPEND_BYTES: Final = 4096
_TIMEOUT_SECONDS: Final = 60
_NEWEST: Final = 100


@dataclass(frozen=True, slots=True)
class ImapLoad:
    """Who connects where, and for how long an operation is repeated."""

    server: ImapServer
    accounts: Sequence[tuple[str, str]]
    connections: int = 1
    seconds: float = 2
    mailbox: bytes = b"INBOX"
    seed: int = 7


@dataclass(slots=True)
class _Turn:
    """What an operation may use: its connection, chance, and how often it has run before."""

    load: ImapLoad
    client: ImapClient
    account: tuple[str, str]
    rnd: random.Random
    count: int = 0

    def number(self) -> int:
        """Any message's number."""
        return self.rnd.randint(1, max(1, self.client.messages))

    def new_number(self) -> int:
        """One of the newest messages' numbers."""
        return self.rnd.randint(max(1, self.client.messages - _NEWEST), self.client.messages)

    def word(self) -> bytes:
        """Any of the messages' words."""
        return self.rnd.choice(WORDS).encode()


Operation = Callable[[_Turn], Awaitable[object]]


async def _login(turn: _Turn) -> None:
    client = await turn.load.server.sign_in(*turn.account)
    await client.command(b"LOGOUT")
    client.close()


async def _short_session(turn: _Turn) -> None:
    client = await turn.load.server.sign_in(*turn.account)
    await client.command(b"SELECT " + turn.load.mailbox)
    count = turn.client.messages
    first = max(1, count - 49)
    await client.command(b"FETCH %d:%d (UID FLAGS ENVELOPE)" % (first, max(1, count)))
    await client.command(b"FETCH %d BODY.PEEK[]" % turn.rnd.randint(first, max(1, count)))
    await client.command(b"LOGOUT")
    client.close()


async def _append(turn: _Turn) -> None:
    message = lettered(turn.count, _APPEND_BYTES, turn.rnd)
    await turn.client.append(_APPEND_MAILBOX, message)


def _simple(text: Callable[[_Turn], bytes]) -> Operation:
    async def run(turn: _Turn) -> None:
        await turn.client.command(text(turn))

    return run


def _store(turn: _Turn) -> bytes:
    return b"STORE %d %cFLAGS (\\Flagged)" % (turn.number(), b"-+"[turn.count % 2 == 0])


OPERATIONS: Final[dict[str, Operation]] = {
    "NOOP": _simple(lambda turn: b"NOOP"),
    "LOGIN": _login,
    "SELECT": _simple(lambda turn: b"SELECT " + turn.load.mailbox),
    "FETCH 1:* FLAGS": _simple(lambda turn: b"FETCH 1:* (FLAGS)"),
    "FETCH 1:* ENVELOPE": _simple(lambda turn: b"FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE)"),
    "FETCH n BODY.PEEK[]": _simple(lambda turn: b"FETCH %d BODY.PEEK[]" % turn.new_number()),
    "FETCH n BODY[]": _simple(lambda turn: b"FETCH %d BODY[]" % turn.number()),
    "STORE n FLAGS": _simple(_store),
    "SEARCH FLAGGED": _simple(lambda turn: b"SEARCH FLAGGED"),
    "SEARCH SUBJECT": _simple(lambda turn: b'SEARCH SUBJECT "%b"' % turn.word()),
    "SEARCH TEXT": _simple(lambda turn: b'SEARCH TEXT "%b %b"' % (turn.word(), turn.word())),
    "APPEND 4 KiB": _append,
    "short session": _short_session,
}


async def run_operation(load: ImapLoad, name: str) -> Figures:
    """Repeat an operation on each connection until the time is over."""
    operation = OPERATIONS[name]
    turns = [await _open(load, number) for number in range(load.connections)]
    if name.startswith("APPEND"):
        for turn in turns:
            await _make_mailbox(turn.client)
    watch = Watch()
    end = watch.begun + load.seconds

    async def repeat(turn: _Turn) -> None:
        while time.perf_counter() < end or not turn.count:
            begun = time.perf_counter()
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    await operation(turn)
            except (ImapError, OSError, TimeoutError) as error:
                watch.failed(error)
                return
            watch.took(time.perf_counter() - begun, is_first=not turn.count)
            turn.count += 1

    await asyncio.gather(*(repeat(turn) for turn in turns))
    figures = watch.figures()
    for turn in turns:
        turn.client.close()
    return figures


async def _open(load: ImapLoad, number: int) -> _Turn:
    account = load.accounts[number % len(load.accounts)]
    client = await load.server.sign_in(*account)
    await client.select(load.mailbox)
    return _Turn(load, client, account, random.Random(load.seed + number))


async def _make_mailbox(client: ImapClient) -> None:
    try:
        await client.command(b"CREATE " + _APPEND_MAILBOX)
    except ImapError:
        return  # it is there
