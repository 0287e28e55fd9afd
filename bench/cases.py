"""What is measured: each case is run against a target and gives a measurement."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final

from bench.load.figures import Figures
from bench.load.idle import Idlers, wake_ups
from bench.load.imap import ImapServer
from bench.load.operations import OPERATIONS, ImapLoad, run_operation
from bench.load.pop3 import Pop3Load, run_sessions
from bench.load.smtp import Mailing, letters, send
from bench.mailboxes import Arrivals
from bench.targets import Accounts, Target
from bench.usage import cpu_seconds, machine_cpu_seconds, pss_kib

__all__ = ["ALL_ACCOUNTS", "GROUPS", "Case", "Measurement", "Plan", "all_cases"]

KIB: Final = 1024
#: Who receives what is delivered.
RECIPIENTS: Final = Accounts("u", 100)
#: Whose mailbox holds `Plan.messages`.
READERS: Final = Accounts("reader", 4)
IDLERS: Final = Accounts("idler", 10)
POP3: Final = Accounts("pop", 10)
ALL_ACCOUNTS: Final = (RECIPIENTS, READERS, IDLERS, POP3)
#: Memory first: what other loads have made a process hold would be taken for nothing later.
GROUPS: Final = ("memory", "delivery", "lmtp", "imap", "idle", "pop3")
POP3_MESSAGES: Final = 100
POP3_BYTES: Final = 6 * KIB
READER_BYTES: Final = 4 * KIB
_SETTLE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done; the standard set takes a few minutes."""

    messages: int = 10_000
    seconds: float = 0.8
    repeats: int = 3
    idle_connections: int = 200
    #: Scales the numbers of messages delivered.
    volume: float = 1.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of a case; CPU in milliseconds an operation, nan where it says nothing."""

    value: float
    figures: Figures | None = None
    server_cpu_ms: float = float("nan")
    machine_cpu_ms: float = float("nan")
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """Something to measure.

    Attributes:
        group: one of `GROUPS`.
        name: within its group.
        unit: of the value.
        needs: the target's ports.
        run: measures it once.
        less_is_better: for milliseconds and bytes.
        aim: what the value, or its ratio to the peer's, is to be; for the table.
        repeats: how often, where that differs from the plan's.
    """

    group: str
    name: str
    unit: str
    needs: tuple[str, ...]
    run: Callable[[Target], Coroutine[Any, Any, Measurement]]
    less_is_better: bool = False
    aim: str = ""
    repeats: int | None = None


def all_cases(plan: Plan) -> list[Case]:
    """Every case, in the order of `GROUPS`."""
    return [
        *_memory(plan),
        *_deliveries(plan),
        *_lmtp(plan),
        *_imap(plan),
        *_idle(plan),
        *_pop3(plan),
    ]


async def _measured(target: Target, run: Callable[[], Awaitable[Figures]]) -> Measurement:
    """Run a load, and see what it cost."""
    roots = target.roots()
    server, machine = cpu_seconds(roots), machine_cpu_seconds()
    figures = await run()
    count = max(1, figures.count)
    return Measurement(
        figures.per_second,
        figures,
        (cpu_seconds(roots) - server) / count * 1e3,
        (machine_cpu_seconds() - machine) / count * 1e3,
        figures.errors,
    )


# delivery


def _deliveries(plan: Plan) -> list[Case]:
    sets = (
        (4 * KIB, 1, 400, "1 x peer"), (4 * KIB, 10, 1500, "5 x peer"),
        (4 * KIB, 50, 2000, "5 x peer"), (100 * KIB, 1, 200, "1 x peer"),
        (100 * KIB, 10, 600, "3 x peer"), (100 * KIB, 50, 600, "3 x peer"),
    )  # fmt: skip
    return [
        Case(
            "delivery", f"{size // KIB} KiB, {_plural(sessions, 'session')}", "delivered/s",
            ("smtp",), _delivery(size, sessions, int(count * plan.volume), lmtp=False), aim=aim,
        )
        for size, sessions, count, aim in sets
    ]  # fmt: skip


def _lmtp(plan: Plan) -> list[Case]:
    sets = ((4 * KIB, 1000), (100 * KIB, 500))
    return [
        Case(
            "lmtp", f"LMTP {size // KIB} KiB, 10 sessions", "delivered/s", ("lmtp", "imap"),
            _delivery(size, 10, int(count * plan.volume), lmtp=True),
        )
        for size, count in sets
    ]  # fmt: skip


def _delivery(
    size: int, sessions: int, count: int, *, lmtp: bool
) -> Callable[[Target], Coroutine[Any, Any, Measurement]]:
    """Messages that were found in their mailboxes a second, from the first MAIL on."""

    async def run(target: Target) -> Measurement:
        mailing = Mailing(target.host, target.ports["lmtp" if lmtp else "smtp"], lmtp, sessions)
        stock = letters(count, size, RECIPIENTS.addresses)
        if not target.has("imap"):  # it keeps nothing: only what it accepts can be told
            return await _measured(target, lambda: send(mailing, stock))
        async with Arrivals(target, RECIPIENTS.logins) as arrivals:
            begun = time.perf_counter()
            found = begun

            async def deliver() -> Figures:
                nonlocal found
                figures = await send(mailing, stock)
                found = await arrivals.wait(figures.count)
                return figures

            measured = await _measured(target, deliver)
            assert measured.figures is not None, "it was just measured"
            return replace(measured, value=measured.figures.count / (found - begun))

    return run


# reading


_IMAP_AIMS: Final = {
    "STORE n FLAGS": "0.5 x peer", "APPEND 4 KiB": "0.5 x peer", "FETCH n BODY.PEEK[]": "0.2 ms",
    "SELECT": "0.2 ms", "FETCH 1:* FLAGS": "5 ms", "FETCH 1:* ENVELOPE": "74 ms",
    "SEARCH SUBJECT": "20 ms", "SEARCH TEXT": "468 ms", "NOOP": "", "LOGIN": "",
    "short session": "", "FETCH n BODY[]": "",
}  # fmt: skip


def _imap(plan: Plan) -> list[Case]:
    def case(name: str, connections: int) -> Case:
        async def run(target: Target) -> Measurement:
            server = ImapServer(target.host, target.ports["imap"])
            load = ImapLoad(server, READERS.logins, connections, plan.seconds)
            return await _measured(target, lambda: run_operation(load, name))

        return Case(
            "imap", f"{name}, {_plural(connections, 'connection')}", "op/s", ("imap",), run,
            aim=_IMAP_AIMS.get(name, "1 x peer"),
            # Ten at once take so long that one run says enough.
            repeats=1 if name == "SEARCH TEXT" and connections > 1 else None,
        )  # fmt: skip

    return [case(name, connections) for connections in (1, 10) for name in OPERATIONS]


def _idle(plan: Plan) -> list[Case]:
    async def run(target: Target) -> Measurement:
        server = ImapServer(target.host, target.ports["imap"])
        mailing = Mailing(target.host, target.ports["smtp"], sessions=1)
        # A server that waits on purpose is not waited for so often.
        deliveries = 40 if target.notes and "half a second" in target.notes[-1] else 400
        async with Idlers(server, IDLERS.logins, 50) as idlers:
            await asyncio.sleep(_SETTLE_SECONDS)
            figures = await wake_ups(
                mailing, idlers, IDLERS.addresses, deliveries=int(deliveries * plan.volume) or 1
            )
        return Measurement(figures.p99_ms, figures, errors=figures.errors)

    return [
        Case(
            "idle", "250 to EXISTS in another process, p99", "ms", ("smtp", "imap"), run,
            less_is_better=True, aim="20 ms", repeats=1,
        )
    ]  # fmt: skip


def _memory(plan: Plan) -> list[Case]:
    def case(name: str, port: str, aim: str) -> Case:
        async def run(target: Target) -> Measurement:
            server = ImapServer(target.host, target.ports[port], tls=port == "imaps")
            # Whatever the first connections make the server load is no cost of the later ones.
            async with Idlers(server, IDLERS.logins, 20):
                await asyncio.sleep(_SETTLE_SECONDS)
                before = pss_kib(target.roots())
                async with Idlers(server, IDLERS.logins, plan.idle_connections):
                    await asyncio.sleep(_SETTLE_SECONDS)
                    after = pss_kib(target.roots())
            return Measurement((after - before) / plan.idle_connections)

        return Case(
            "memory", name, "KiB", (port,), run, less_is_better=True, aim=aim, repeats=1
        )  # fmt: skip

    return [
        case("an idle connection", "imap", "60 KiB"),
        case("an idle connection, TLS", "imaps", "100 KiB"),
    ]


def _pop3(plan: Plan) -> list[Case]:
    def case(connections: int) -> Case:
        async def run(target: Target) -> Measurement:
            load = Pop3Load(
                target.host, target.ports["pop3"], POP3.logins, connections, plan.seconds
            )
            return await _measured(target, lambda: run_sessions(load))

        return Case(
            "pop3", f"100 messages, {_plural(connections, 'connection')}", "sessions/s",
            ("pop3",), run,
        )  # fmt: skip

    return [case(1), case(10)]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
