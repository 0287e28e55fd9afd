"""The benchmark: ``python -m bench``, which is what ``make bench`` runs."""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.cases import (
    ALL_ACCOUNTS,
    GROUPS,
    POP3,
    POP3_BYTES,
    POP3_MESSAGES,
    READER_BYTES,
    READERS,
    Case,
    Measurement,
    Plan,
    all_cases,
)
from bench.mailboxes import append, fill
from bench.peers import aiosmtpd_sink, missing, postfix_and_dovecot, pymap
from bench.platform import mailquay
from bench.report import Outcome, Report, print_report, write_report
from bench.targets import Target

#: Into a file or a pipe, lines are as long as the tables are wide.
_CONSOLE = Console(width=None if sys.stdout.isatty() else 130)


def main() -> None:
    """The command line."""
    options = _options()
    plan = Plan(
        messages=options.messages,
        seconds=options.seconds,
        repeats=options.repeats,
        volume=options.volume,
    )
    groups = options.only.split(",") if options.only else list(GROUPS)
    cases = [
        case
        for case in all_cases(plan)
        if case.group in groups and (not options.case or options.case.lower() in case.name.lower())
    ]
    if options.list:
        for case in cases:
            print(f"{case.group:<10}{case.name} ({case.unit})")
        return
    if unknown := set(groups) - set(GROUPS):
        sys.exit(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    begun = time.perf_counter()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(_scratch(options.keep)))
        targets = list(_targets(stack, folder, options, groups))
        with _CONSOLE.status("filling mailboxes"):
            uvloop.run(_prepare(targets, plan, groups))
        outcomes = _measure(cases, targets, plan)
        report = Report.of(sys.argv[1:], targets, outcomes, time.perf_counter() - begun)
    print_report(_CONSOLE, report)
    _CONSOLE.print(f"\nwritten to {write_report(report, options.output)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…", description="Measure Mailquay beside other mail servers."
    )
    parser.add_argument("--only", default="", help=f"groups, of {','.join(GROUPS)}")
    parser.add_argument("--case", default="", help="only cases with this in their name")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("--no-peers", action="store_true", help="measure Mailquay alone")
    parser.add_argument("--pymap", type=Path, help="the `pymap` command, to measure it too (slow)")
    parser.add_argument("--messages", type=int, default=10_000, help="in a mailbox that is read")
    parser.add_argument("--seconds", type=float, default=0.8, help="for each run of an operation")
    parser.add_argument("--repeats", type=int, default=3, help="runs; medians are shown")
    parser.add_argument("--volume", type=float, default=1.0, help="times the messages delivered")
    parser.add_argument("--workers", type=int, default=1, help="processes of each service of ours")
    parser.add_argument("--output", type=Path, default=Path("bench/results"), help="for the JSON")
    parser.add_argument("--keep", action="store_true", help="leave the scratch folder for a look")
    return parser.parse_args()


@contextlib.contextmanager
def _scratch(keep: bool) -> Iterator[str]:
    """A folder that the servers' own users can walk into."""
    folder = tempfile.mkdtemp(prefix="mailquay-bench-")
    Path(folder).chmod(0o755)
    try:
        yield folder
    finally:
        if keep:
            _CONSOLE.print(f"left in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _targets(
    stack: contextlib.ExitStack,
    folder: Path,
    options: argparse.Namespace,
    groups: Sequence[str],
) -> Iterator[Target]:
    """Start what is there; ours comes first."""
    with _CONSOLE.status("starting the servers"):
        yield stack.enter_context(
            mailquay(folder / "mailquay", ALL_ACCOUNTS, workers=options.workers)
        )
        if options.no_peers:
            return
        if reason := missing():
            _CONSOLE.print(f"[yellow]without Postfix and Dovecot:[/yellow] {reason}")
        else:
            yield stack.enter_context(postfix_and_dovecot(folder / "peers"))
        if "delivery" in groups:
            yield stack.enter_context(aiosmtpd_sink())
        if options.pymap is not None:
            yield stack.enter_context(pymap(options.pymap, READERS.logins[0]))


async def _prepare(targets: Sequence[Target], plan: Plan, groups: Sequence[str]) -> None:
    """Fill the mailboxes that are read, of all servers at once."""

    async def prepare(target: Target) -> None:
        if "imap" in groups and target.has("imap"):
            if target.has("lmtp"):
                await fill(target, READERS.addresses, plan.messages, READER_BYTES)
            else:
                await append(target, READERS.logins[0], plan.messages, READER_BYTES)
        if "pop3" in groups and target.has("pop3", "lmtp"):
            await fill(target, POP3.addresses, POP3_MESSAGES, POP3_BYTES)

    await asyncio.gather(*map(prepare, targets))


def _measure(cases: Sequence[Case], targets: Sequence[Target], plan: Plan) -> list[Outcome]:
    """Run each case on one target after the other, as often as the plan says."""
    outcomes: list[Outcome] = []
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_CONSOLE, transient=True) as progress:
        task = progress.add_task("", total=len(cases))
        for case in cases:
            runs: dict[str, list[Measurement]] = {}
            for _ in range(case.repeats or plan.repeats):
                for target in targets:
                    if target.has(*case.needs):
                        progress.update(task, description=f"{case.name}: {target.name}")
                        runs.setdefault(target.name, []).append(uvloop.run(case.run(target)))
            outcomes.append(Outcome(case, runs))
            progress.advance(task)
    return outcomes


if __name__ == "__main__":
    main()
