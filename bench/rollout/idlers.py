"""Mail clients in IDLE that come back whenever they are sent away, as good clients do."""

import asyncio
import random
import re
from dataclasses import dataclass, field
from typing import Final

from bench.rollout.lines import Endpoint, LineConnection, Lost, Refused

__all__ = ["Account", "Gap", "Idler", "Learned", "message_ids"]

_EXISTS: Final = re.compile(rb"\* (\d+) EXISTS")
_MESSAGE_ID: Final = re.compile(rb"(?i)message-id: *<([^>]+)>")
#: Before a first try; it is doubled with each that fails, up to the second. A share is random.
_BACK_OFF_SECONDS: Final = (0.1, 5.0)


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in."""

    address: str
    password: str


@dataclass(frozen=True, slots=True)
class Learned:
    """A client has learned how many messages there are."""

    at: float
    exists: int
    #: While it idled; else by SELECT.
    by_idle: bool


@dataclass(slots=True)
class Gap:
    """From losing a connection until it is in IDLE again."""

    lost_at: float
    #: Whether the server said goodbye.
    had_bye: bool
    back_at: float | None = None
    #: Tries that found no connection, and that were sent away.
    refused: list[str] = field(default_factory=list)
    turned_away: list[str] = field(default_factory=list)


class _SentAway(Exception):
    """The server said no, or goodbye, before the client was in IDLE."""


class Idler:
    """One client; ``live`` until it is cancelled."""

    def __init__(self, endpoint: Endpoint, account: Account) -> None:
        self.account = account
        self.learned: list[Learned] = []
        self.gaps: list[Gap] = []
        self.is_idling = asyncio.Event()
        self._endpoint = endpoint
        self._connection: LineConnection | None = None

    @property
    def known(self) -> int:
        """How many messages it knows of."""
        return self.learned[-1].exists if self.learned else 0

    async def live(self) -> None:
        """Be in IDLE, whatever the server does."""
        try:
            while True:
                await self._come()
                await self._idle()
        finally:
            if self._connection is not None:
                self._connection.close()

    async def _come(self) -> None:
        """Get into IDLE, by as many tries as it takes."""
        pause, longest = _BACK_OFF_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            if self.gaps:
                await asyncio.sleep(pause * random.random())
            try:
                await self._enter()
            except Refused as error:
                self._current_gap().refused.append(str(error))
            except (Lost, _SentAway, TimeoutError) as error:
                self._current_gap().turned_away.append(str(error) or type(error).__name__)
            else:
                if self.gaps and self.gaps[-1].back_at is None:
                    self.gaps[-1].back_at = loop.time()
                self.is_idling.set()
                return
            pause = min(pause * 2, longest)

    def _current_gap(self) -> Gap:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if not self.gaps or self.gaps[-1].back_at is not None:
            self.gaps.append(Gap(asyncio.get_running_loop().time(), had_bye=False))
        return self.gaps[-1]

    async def _enter(self) -> None:
        """Connect, sign in, select, idle."""
        self._connection = connection = await LineConnection.open(self._endpoint)
        greeting = await connection.line()
        if not greeting.startswith(b"* OK"):
            raise _SentAway(greeting.decode(errors="replace"))
        address, password = self.account.address, self.account.password
        await self._ask(connection, f'a LOGIN "{address}" "{password}"'.encode())
        exists = 0
        for line in await self._ask(connection, b"b SELECT INBOX"):
            if match := _EXISTS.fullmatch(line):
                exists = int(match[1])
        self._learn(exists, by_idle=False)
        connection.write(b"c IDLE\r\n")
        while not (line := await connection.line()).startswith(b"+"):
            self._heard(line)
            if line.startswith((b"c ", b"* BYE")):
                raise _SentAway(line.decode(errors="replace"))

    @staticmethod
    async def _ask(connection: LineConnection, command: bytes) -> list[bytes]:
        connection.write(command + b"\r\n")
        tag = command.partition(b" ")[0] + b" "
        lines: list[bytes] = []
        while not (line := await connection.line()).startswith(tag):
            if line.startswith(b"* BYE"):
                raise _SentAway(line.decode(errors="replace"))
            lines.append(line)
        if not line.startswith(tag + b"OK"):
            raise _SentAway(line.decode(errors="replace"))
        return lines

    async def _idle(self) -> None:
        """Listen until the connection ends."""
        connection = self._connection
        assert connection is not None, "it has just come"
        had_bye = False
        try:
            while True:
                line = await connection.line(None)
                had_bye = had_bye or line.startswith(b"* BYE")
                self._heard(line)
        except Lost:
            self.is_idling.clear()
            self.gaps.append(Gap(connection.lost_at, had_bye))

    def _heard(self, line: bytes) -> None:
        if match := _EXISTS.fullmatch(line):
            self._learn(int(match[1]), by_idle=True)

    def _learn(self, exists: int, *, by_idle: bool) -> None:
        self.learned.append(Learned(asyncio.get_running_loop().time(), exists, by_idle))


async def message_ids(endpoint: Endpoint, account: Account) -> list[str]:
    """The Message-IDs of an account's INBOX, in its order.

    Raises:
        Refused, Lost, TimeoutError: it could not be read.
    """
    connection = await LineConnection.open(endpoint)
    try:
        await connection.line()
        commands = (
            f'a LOGIN "{account.address}" "{account.password}"',
            "b EXAMINE INBOX",
            "c FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])",
        )
        found: list[str] = []
        for command in commands:
            connection.write(f"{command}\r\n".encode())
            tag = f"{command[0]} ".encode()
            while not (line := await connection.line()).startswith(tag):
                if match := _MESSAGE_ID.match(line):
                    found.append(match[1].decode())
        return found
    finally:
        connection.close()
