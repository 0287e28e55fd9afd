"""How a subcommand is run: what all of them share is here once.

A subcommand is ``async def name(target, …) -> Result``. Registered, it also takes ``--data`` and
``--json``; its errors become exit statuses here and nowhere else.
"""

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from mailquay.cli.exits import Exit, exit_of
from mailquay.cli.output import Result, print_error, print_result
from mailquay.cli.target import Target, open_target
from mailquay.runtime.logging import configure_logging
from mailquay.runtime.settings import LogSettings

__all__ = ["group", "run_command", "subcommand"]

P = ParamSpec("P")
Work = Callable[Concatenate[Target, P], Awaitable[Result]]

_Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data folder of a `mailquay standalone`. Without it: MAILQUAY_* say which "
        "Mailquay is meant, else the one in .data.",
        show_default=False,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SHARED = [
    inspect.Parameter("data", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Data),
    inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json),
]


def group(text: str) -> typer.Typer:
    """A group of subcommands."""
    return typer.Typer(no_args_is_help=True, help=text)


def subcommand(app: typer.Typer, name: str) -> Callable[[Work[P]], Work[P]]:
    """Register a subcommand."""

    def register(work: Work[P]) -> Work[P]:
        signature = inspect.signature(work, eval_str=True)
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in list(signature.parameters.values())[1:]
        ]

        def run(*, data: Path | None, as_json: bool, **arguments: Any) -> None:
            raise typer.Exit(run_command(work, data, as_json, arguments))

        parameters = [*own, *_SHARED]
        vars(run)["__signature__"] = inspect.Signature(parameters)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__doc__ = work.__doc__
        app.command(name)(run)
        return work

    return register


def run_command(
    work: Callable[..., Awaitable[Result]],
    data: Path | None,
    as_json: bool,
    arguments: dict[str, Any],
) -> Exit:
    """Run a subcommand, print what it came to, and return the exit status."""
    # Standard output is the result's alone; what fails is told as the error that it leads to.
    configure_logging(LogSettings(level="error", format="console"), "mailquay")

    async def on_target() -> Result:
        async with open_target(data) as target:
            return await work(target, **arguments)

    try:
        result = asyncio.run(on_target())
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        status = exit_of(error)
        if status is Exit.BUG:
            traceback.print_exc()
        print_error(error, status, as_json=as_json)
        return status
    print_result(result, as_json=as_json)
    return result.status
