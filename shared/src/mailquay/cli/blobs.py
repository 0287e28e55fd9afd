"""``mailquay blobs``: the bodies in object storage."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mailquay.blobs.check import check_blobs, collect_blobs
from mailquay.cli.command import group, subcommand
from mailquay.cli.exits import Exit
from mailquay.cli.output import Result, facts, size
from mailquay.cli.target import Target

__all__ = ["app"]

app = group("Message bodies in object storage.")

#: Problems that are printed for people; JSON has them all.
_TOLD_MAX = 20


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    """A line on the terminal that counts; nothing where standard error is none."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as p:
        task = p.add_task(what)
        yield lambda done: p.update(task, description=f"{what}: {done} packs", completed=done)


@subcommand(app, "check")
async def check(target: Target) -> Result:
    """Read every body and compare it with its hash; ends with 1 when one cannot be read."""
    store, blobs = await target.store(), await target.blobs()
    with _progress("Checking") as progress:
        report = await check_blobs(store, blobs, progress=progress)
    data = {
        "is_clean": report.is_clean,
        "packs": report.packs,
        "bodies": report.bodies,
        "bytes": report.bytes,
        "dead_packs": report.dead_packs,
        "orphans": report.orphans,
        "problems": report.problems,
    }
    for problem in report.problems[:_TOLD_MAX]:
        sys.stderr.write(f"{problem}\n")
    text = facts(
        {
            "Packs": report.packs,
            "Bodies": f"{report.bodies}, {size(report.bytes)}",
            "Dead packs": f"{report.dead_packs}, to be collected",
            "Orphans": f"{report.orphans}, of deliveries that did not end or are under way",
            "Problems": len(report.problems) or "none: all mail can be read",
        }
    )
    return Result(data, text, Exit.OK if report.is_clean else Exit.CHECK_FAILED)


@subcommand(app, "collect")
async def collect(
    target: Target,
    grace_seconds: Annotated[
        int | None,
        typer.Option(
            min=60,
            help="How long what nothing refers to is kept; without it, as the settings say.",
            show_default=False,
        ),
    ] = None,
) -> Result:
    """Delete packs and orphans that nothing has referred to for the grace period."""
    grace = target.settings.blobs.collect_grace_seconds if grace_seconds is None else grace_seconds
    store, blobs = await target.store(), await target.blobs()
    with _progress("Collecting"):
        collected = await collect_blobs(store, blobs, grace_seconds=grace)
    data = {"packs": collected.packs, "orphans": collected.orphans, "bytes": collected.bytes}
    await store.tasks.finish("collect", data)
    told = f"Deleted {collected.packs} dead packs and {collected.orphans} orphans."
    return Result(data, told)
