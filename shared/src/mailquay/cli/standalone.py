"""``mailquay standalone``: the whole platform on this machine."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mailquay.standalone.processes import StandaloneError
from mailquay.standalone.supervisor import Options, Running, Standalone

__all__ = ["standalone"]

#: EX_UNAVAILABLE of sysexits.
_CANNOT_START = 69


def standalone(
    data: Annotated[Path, typer.Option(help="Folder of all state.")] = Path(".data"),
    ports: Annotated[
        str, typer.Option(help="auto, standard, or a number added to the standard ports.")
    ] = "auto",
    bind: Annotated[str, typer.Option(help="Address of the mail and web ports.")] = "127.0.0.1",
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once everything answers: how to connect, in JSON.")
    ] = None,
    demo: Annotated[bool, typer.Option(help="Make a demo domain with a few accounts.")] = True,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes of each service.")] = 1,
) -> None:
    """Run the whole platform on this machine, until Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = Options(
        data=data, ports=ports, bind=bind, ready_file=ready_file, demo=demo, workers=workers
    )
    try:
        asyncio.run(Standalone(options).run(_tell))
    except StandaloneError as error:
        Console(stderr=True).print(f"[red]Mailquay cannot start:[/red] {error}")
        raise typer.Exit(_CANNOT_START) from error


def _tell(running: Running) -> None:
    console = Console()
    host = running.host
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("Webmail", f"http://{host}:{running.ports['http']}/")
    for title, names in (
        ("IMAP", ("imap", "imaps")),
        ("POP3", ("pop3", "pop3s")),
        ("SMTP", ("submission", "submissions")),
        ("MX, LMTP", ("smtp", "lmtp")),
    ):
        table.add_row(title, ", ".join(f"{host}:{running.ports[name]} ({name})" for name in names))
    for user in [*running.users, *([running.admin] if running.admin else [])]:
        table.add_row("Sign in", f"{user.address}  {user.password}")
    table.add_row("Certificate", str(running.ca_file))
    console.print("\n[bold]Mailquay is ready.[/bold] Ctrl-C stops it.\n")
    console.print(table)
    console.print()
