"""``mailquay probe``: mail is sent and read as clients do it, over the network and by nothing else.

For `helm test`, after an upgrade, and now and then by whoever watches the platform.
"""

import asyncio
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Group
from rich.text import Text

from mailquay.cli.command import run_command
from mailquay.cli.exits import CommandFailed, Exit
from mailquay.cli.output import Result, table
from mailquay.cli.passwords import read_password
from mailquay.cli.probe.login import Login
from mailquay.cli.probe.servers import Trust, find_servers
from mailquay.cli.probe.steps import Outcome, Probe
from mailquay.cli.target import Target
from mailquay.identity import normalise_address

__all__ = ["register"]

_MARKS: Final = {
    Outcome.OK: Text("ok", style="green"),
    Outcome.FAILED: Text("FAILED", style="bold red"),
    Outcome.SKIPPED: Text("skipped", style="dim"),
}


class Output(StrEnum):
    """What is printed."""

    TABLE = "table"
    JSON = "json"


async def _probe(
    target: Target,
    *,
    account: str,
    password_file: Path | None,
    host: str | None,
    given: dict[str, str | None],
    without: set[str],
    sender: str | None,
    ca_file: Path | None,
    tls_name: str | None,
    insecure: bool,
    timeout_seconds: float,
) -> Result:
    address = normalise_address(account)
    servers = find_servers(target, host, given, without)
    is_own = host is None and not any(given.values())
    if ca_file is None and is_own and target.data is not None:
        ca_file = target.data / "tls" / "ca.pem"
    probe = Probe(
        servers,
        Login(address, _password(password_file)),
        Trust.of(ca_file, tls_name, is_insecure=insecure),
        sender=normalise_address(sender) if sender else address,
        timeout_seconds=timeout_seconds,
    )
    steps = await asyncio.to_thread(probe.run)
    failed = [step.name for step in steps if step.outcome is Outcome.FAILED]
    seconds = sum(step.seconds for step in steps)
    data = {
        "ok": not failed,
        "failed": failed,
        "account": address,
        "seconds": round(seconds, 4),
        "steps": [asdict(step) for step in steps],
    }
    rows = [
        (_MARKS[step.outcome], step.name, step.server, f"{step.seconds * 1000:.0f} ms", step.said)
        for step in steps
    ]
    told = (
        Text(f"Failed: {', '.join(failed)}.", style="bold red")
        if failed
        else Text(f"Mail flows: all was as it should be, in {seconds * 1000:.0f} ms.")
    )
    text = Group(table(["", "Step", "Server", "Time#", "What it said"], rows, empty=""), told)
    return Result(data, text, Exit.CHECK_FAILED if failed else Exit.OK)


def _password(path: Path | None) -> str:
    if path is None:
        if not sys.stdin.isatty():
            raise CommandFailed(Exit.USAGE, "give --password-file: nobody is to ask")
        return read_password("Password", from_stdin=False)
    if path == Path("-"):
        return read_password("Password", from_stdin=True)
    try:
        return path.read_text().rstrip("\r\n")
    except FileNotFoundError as error:
        raise CommandFailed(Exit.NOT_FOUND, f"there is no {path}") from error


def probe(
    account: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Who writes to itself; best one for this alone.")
    ],
    password_file: Annotated[
        Path | None,
        typer.Option(help="Its password is in there; - reads it. Without it: it is asked for."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            help="All servers, at their standard ports; by default this Mailquay's.",
        ),
    ] = None,
    smtp: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The MX; STARTTLS is taken where it is offered."),
    ] = None,
    submission: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where mail is handed in: with TLS at port 465 or as submissions://HOST:PORT, "
            "else with STARTTLS.",
        ),
    ] = None,
    imap: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="With TLS at port 993 or as imaps://HOST:PORT, else with STARTTLS.",
        ),
    ] = None,
    pop3: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="With TLS at port 995 or as pop3s://HOST:PORT, else with STLS.",
        ),
    ] = None,
    jmap: Annotated[
        str | None,
        typer.Option(metavar="URL", help="http or https; its /.well-known/jmap is asked."),
    ] = None,
    no_pop3: Annotated[bool, typer.Option("--no-pop3", help="Leave POP3 out.")] = False,
    no_jmap: Annotated[bool, typer.Option("--no-jmap", help="Leave JMAP out.")] = False,
    sender: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ADDRESS", help="Of the message to the MX; by default --account."
        ),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(help="PEM of the authority that the servers' names are signed by."),
    ] = None,
    tls_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="What the certificates say, where servers have another name here."
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            help="Trust any certificate, and sign in without TLS where none is offered.",
        ),
    ] = False,
    timeout: Annotated[
        float,
        typer.Option(min=1, max=3600, help="Seconds for an answer, and for mail to arrive."),
    ] = 30,
    output: Annotated[Output, typer.Option(help="What is printed.")] = Output.TABLE,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Data folder of a `mailquay standalone`.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: --output json.")] = False,
) -> None:
    """Send mail to the MX and by submission, read it by IMAP, POP3 and JMAP, and delete it.

    Ends with 1 when a step fails, and says which, and what the server said.
    """
    arguments = {
        "account": account,
        "password_file": password_file,
        "host": host,
        "given": {
            "smtp": smtp, "submission": submission, "imap": imap, "pop3": pop3, "jmap": jmap,
        },
        "without": {name for name, no in (("pop3", no_pop3), ("jmap", no_jmap)) if no},
        "sender": sender,
        "ca_file": ca_file,
        "tls_name": tls_name,
        "insecure": insecure,
        "timeout_seconds": timeout,
    }  # fmt: skip
    as_json = as_json or output is Output.JSON
    raise typer.Exit(run_command(_probe, data, as_json, arguments))


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("probe")(probe)
