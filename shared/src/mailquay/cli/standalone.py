"""``mailquay standalone``: the whole platform on this machine."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group
from rich.text import Text

from mailquay.cli.exits import exit_of
from mailquay.cli.output import Result, facts, print_error, print_result
from mailquay.cli.target import DEFAULT_DATA
from mailquay.runtime.logging import configure_logging
from mailquay.runtime.settings import LogSettings
from mailquay.standalone.processes import StandaloneError

if TYPE_CHECKING:
    from mailquay.standalone.ready import Running

__all__ = ["standalone"]


def standalone(
    data: Annotated[Path, typer.Option(help="Folder of all state.")] = DEFAULT_DATA,
    ports: Annotated[
        str, typer.Option(help="auto, standard, or a number added to the standard ports.")
    ] = "auto",
    bind: Annotated[str, typer.Option(help="Address of the mail and web ports.")] = "127.0.0.1",
    ready_file: Annotated[
        Path | None,
        typer.Option(
            help="Written once everything answers: how to connect, in JSON.", show_default=False
        ),
    ] = None,
    demo: Annotated[bool, typer.Option(help="Make a demo domain with a few accounts.")] = True,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes of each service.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: what the ready file says.")
    ] = False,
) -> None:
    """Run the whole platform on this machine, until Ctrl-C."""
    # With Alembic and more in it, which no other command is to wait for.
    from mailquay.standalone.supervisor import Options, Standalone  # noqa: PLC0415

    configure_logging(LogSettings(level="warning", format="console"), "standalone")
    options = Options(
        data=data, ports=ports, bind=bind, ready_file=ready_file, demo=demo, workers=workers
    )

    def tell_ready(running: "Running") -> None:
        print_result(Result(running.as_json(), _how_to_connect(running, data)), as_json=as_json)
        sys.stdout.flush()

    with Console(stderr=True).status("Starting …") as status:

        def tell_ready_and_stop_spinning(running: "Running") -> None:
            status.stop()
            tell_ready(running)

        try:
            platform = Standalone(options, tell=status.update)
            asyncio.run(platform.run(tell_ready_and_stop_spinning))
        except StandaloneError as error:
            status.stop()
            print_error(error, exit_of(error), as_json=as_json)
            raise typer.Exit(exit_of(error)) from error


def _how_to_connect(running: "Running", data: Path) -> Group:
    ports, host = running.ports, f"[{running.host}]" if ":" in running.host else running.host
    width = max((len(user.address) for user in running.users), default=0)
    people = {
        ("Sign in as" if number == 0 else " " * number): f"{user.address:{width}}  {user.password}"
        for number, user in enumerate(running.users)
    }
    if running.admin is not None:
        people["Administrator"] = f"{running.admin.address:{width}}  {running.admin.password}"
    beside = Path(sys.executable).with_name("mailquay")
    command = beside if beside.exists() else f"{sys.executable} -m mailquay.cli"
    table = facts(
        {
            "Webmail": f"http://{host}:{ports['http']}/",
            "IMAP": f"{host}, port {ports['imaps']} with TLS, {ports['imap']} with STARTTLS",
            "POP3": f"{host}, port {ports['pop3s']} with TLS, {ports['pop3']} with STLS",
            "SMTP": f"{host}, port {ports['submissions']} with TLS, "
            f"{ports['submission']} with STARTTLS",
            "MX, LMTP": f"{host}, port {ports['smtp']}, {ports['lmtp']}",
            **people,
            "Trust": f"{running.ca_file}",
            "State": f"{data.resolve()}",
            "Administer": f"{command} --help"
            if data == DEFAULT_DATA
            else f"{command} … --data {data.resolve()}",
        }
    )
    return Group(Text("Mailquay is ready. Ctrl-C stops it.\n", style="bold"), table, Text())
