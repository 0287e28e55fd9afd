"""``mailquay doctor``: what is configured, reachable and wrong, with the remedy."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.text import Text

from mailquay.cli.command import subcommand
from mailquay.cli.doctor.certificate import check_certificate
from mailquay.cli.doctor.findings import Check, Finding, State, ok, wrong
from mailquay.cli.doctor.listeners import check_listeners, check_services
from mailquay.cli.doctor.mail import check_domains, check_queue
from mailquay.cli.doctor.names import check_names
from mailquay.cli.doctor.stores import check_bodies, check_bus, check_database, check_disk
from mailquay.cli.exits import Exit
from mailquay.cli.output import Result, table
from mailquay.cli.target import Target

__all__ = ["register"]

#: In the order in which they are told.
_CHECKS: Final[tuple[Check, ...]] = (
    check_database,
    check_bus,
    check_bodies,
    check_disk,
    check_certificate,
    check_domains,
    check_queue,
    check_names,
)
#: What is only to be seen on the machine that the services run on.
_LOCAL_CHECKS: Final[tuple[Check, ...]] = (check_listeners, check_services)
_CHECK_SECONDS: Final = 60
_MARKS: Final = {
    State.OK: Text("ok", style="green"),
    State.WARNING: Text("warning", style="yellow"),
    State.WRONG: Text("WRONG", style="bold red"),
}


async def _run(check: Check, target: Target) -> list[Finding]:
    """Run a check; one that fails itself is a finding too."""
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await check(target)
    except Exception as error:
        name = check.__name__.removeprefix("check_")
        told = f"could not be checked: {error or type(error).__name__}"
        return [wrong(name, told, "mend what is wrong above first")]


async def doctor(
    target: Target,
    local: Annotated[
        bool, typer.Option(help="Look at the ports of the services on this machine too.")
    ] = True,
) -> Result:
    """Say what is configured, reachable and wrong, with the remedy; ends with 1 if it is wrong."""
    settings = target.settings
    where = "MAILQUAY_*" if target.data is None else str(target.data)
    findings = [ok("settings", f"of {where}, as {settings.hostname}")]
    # The database is opened once, and by none of the checks at the same time as another.
    for check in (*_CHECKS, *(_LOCAL_CHECKS if local else ())):
        findings += await _run(check, target)
    counts = {state: sum(found.state is state for found in findings) for state in State}
    rows = [
        (
            _MARKS[found.state],
            found.area,
            f"{found.text}. To do: {found.remedy}" if found.remedy else found.text,
        )
        for found in findings
    ]
    data = {
        "wrong": counts[State.WRONG],
        "warnings": counts[State.WARNING],
        "findings": [asdict(found) for found in findings],
    }
    status = Exit.CHECK_FAILED if counts[State.WRONG] else Exit.OK
    return Result(data, table(["", "What", "Found"], rows, empty=""), status)


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    subcommand(app, "doctor")(doctor)
