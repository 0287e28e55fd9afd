"""``mailquay apply`` and ``mailquay export``: mail settings as code."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from mailquay.cli.command import subcommand
from mailquay.cli.exits import CommandFailed, Exit
from mailquay.cli.output import Result
from mailquay.cli.target import Target
from mailquay.declared.applying import Applied, Applying
from mailquay.declared.document import Document
from mailquay.declared.exporting import export_data, export_yaml
from mailquay.declared.plan import Plan, Prune
from mailquay.declared.printing import plan_data, plan_text, summary
from mailquay.declared.reading import read_documents
from mailquay.declared.schema import json_schema
from mailquay.declared.wanted import Order, make_order

__all__ = ["register"]

#: Others who apply at the same time are given way to so often.
_ROUNDS_MAX = 10

_Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        help="A YAML file, a folder of them, or `-` for standard input; may be given again.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    subcommand(app, "apply")(apply)
    subcommand(app, "export")(export)


async def apply(
    target: Target,
    files: _Files = None,
    diff: Annotated[
        bool,
        typer.Option(
            "--diff",
            "--dry-run",
            help="Show the changes and make none; ends with 1 when there are any.",
        ),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove what files have declared before and do no more. Accounts are disabled, "
            "and keep their mail.",
        ),
    ] = False,
    delete_accounts: Annotated[
        bool,
        typer.Option(
            "--delete-accounts", help="With --prune: delete such accounts with all their mail."
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask; nobody is asked without a terminal.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the files, for editors.")
    ] = False,
) -> Result:
    """Bring tenants, domains, accounts, aliases and relays to what YAML files say."""
    if schema:
        made = json_schema()
        return Result(made, Text(json.dumps(made, indent=2)))
    order = _read(files or [])
    if delete_accounts and not prune:
        raise CommandFailed(Exit.USAGE, "--delete-accounts goes with --prune")
    if prune and not order.wanted.items:
        raise CommandFailed(Exit.REFUSED, "the files name nothing: --prune would remove everything")
    applying = Applying(
        await target.store(),
        order,
        target.settings.identity,
        prune=Prune.MAIL if delete_accounts else Prune.ITEMS if prune else Prune.NOTHING,
    )
    plan = await applying.plan()
    if diff:
        status = Exit.CHECK_FAILED if plan.changes else Exit.OK
        return _result(plan, is_done=False, status=status)
    for _ in range(_ROUNDS_MAX):
        if plan.is_empty:
            return _result(plan, is_done=True)
        is_told = _confirm(plan, is_sure=yes)
        outcome = await applying.carry_out(plan)
        if isinstance(outcome, Applied):
            await target.announce(*outcome.events)
            return _result(plan, is_done=True, is_told=is_told)
        plan = outcome
    raise CommandFailed(Exit.TRY_LATER, "others change the settings all the time; nothing is done")


async def export(target: Target) -> Result:
    """Print what is there as a file for `mailquay apply`; no passwords are in it."""
    settings = await (await target.store()).declarations.read()
    return Result(export_data(settings), Text(export_yaml(settings).rstrip("\n")))


def _read(files: list[Path]) -> Order:
    """What all files ask for together.

    Raises:
        CommandFailed: there is no such file.
        DocumentError: one is no document.
    """
    if not files:
        raise CommandFailed(Exit.USAGE, "give -f FILE; `-` is standard input")
    documents: list[tuple[str, Document]] = []
    for path in files:
        for source, text in _texts(path):
            documents += ((source, document) for document in read_documents(text, source))
    return make_order(documents)


def _texts(path: Path) -> list[tuple[str, str]]:
    """A file's name and text; of a folder, those of its YAML files by name."""
    if str(path) == "-":
        return [("standard input", sys.stdin.read())]
    try:
        if path.is_dir():
            # Kubernetes keeps what it has mounted in folders whose names begin with dots.
            found = sorted(p for p in path.iterdir() if p.suffix in (".yaml", ".yml"))
            if not found:
                raise CommandFailed(Exit.NOT_FOUND, f"no YAML file is in {path}")
            return [(str(p), p.read_text()) for p in found]
        return [(str(path), path.read_text())]
    except FileNotFoundError:
        raise CommandFailed(Exit.NOT_FOUND, f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise CommandFailed(Exit.MALFORMED, f"{path} is not UTF-8") from None


def _confirm(plan: Plan, *, is_sure: bool) -> bool:
    """Show a plan on a terminal and ask; returns whether it was shown.

    Raises:
        CommandFailed: the answer was no.
    """
    if is_sure or not plan.changes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    Console(stderr=True, highlight=False).print(plan_text(plan))
    if not typer.confirm("Make these changes?", err=True):
        raise CommandFailed(Exit.REFUSED, "nothing is changed")
    return True


def _result(plan: Plan, *, is_done: bool, status: Exit = Exit.OK, is_told: bool = False) -> Result:
    said = summary(plan, is_done=is_done)
    lines = Text() if is_told else plan_text(plan)
    text = Text("\n").join([*([lines] if lines else []), Text(said)])
    return Result({**plan_data(plan), "applied": is_done and not plan.is_empty}, text, status)
