"""Renders docs/cli.md from the command itself, so that neither can say more or less.

``python -m mailquay.cli.reference docs/cli.md`` writes it.
"""

import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

import typer.main

from mailquay.cli.app import app
from mailquay.cli.exits import MEANINGS

__all__ = ["render"]

_HEAD: Final = """\
# The `mailquay` command

<!-- Rendered from shared/src/mailquay/cli/ by `make docs`; change it there. -->

`mailquay` works on the Mailquay that `MAILQUAY_*` name ([configuration.md](configuration.md)).
Without any it works on the one that `mailquay standalone` runs in `.data`, or in the folder that
`--data` names. What it changes is followed by running services at once.

Every command takes `--json` and `--data`, and explains itself by `-h`. With `--json` standard
output is one JSON value, and an error is one JSON object on standard error:
`{"error": "not_found", "message": "…"}`, where `error` is the exit status' name. Passwords are
asked for, read from standard input or made; they are no arguments, which everybody on the machine
could read.

## Exit statuses

| Status | Name | Meaning |
| ---: | --- | --- |
"""


def render() -> str:
    """The page."""
    root: Any = typer.main.get_command(app)
    statuses = [f"| {int(s)} | `{s.name.lower()}` | {text} |" for s, text in MEANINGS.items()]
    parts = [_HEAD + "\n".join(statuses)]
    for name, command in root.commands.items():
        parts += _command(f"mailquay {name}", command, 2)
    return "\n\n".join(parts) + "\n"


def _command(path: str, command: Any, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} `{path}`"
    yield " ".join((command.help or "").split()).replace("``", "`")
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _command(f"{path} {name}", child, depth + 1)
        return
    words = [_word(parameter) for parameter in command.params if _is_argument(parameter)]
    yield "```\n" + " ".join([path, *words, "[OPTIONS]"]) + "\n```"
    lines = [_line(p) for p in command.params if p.name not in ("data", "as_json", "help")]
    if path == "mailquay standalone":  # its --data is another: where it keeps what it makes
        lines = [_line(p) for p in command.params if p.name != "help"]
    if lines:
        yield "\n".join(lines)


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _word(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name.upper())
    is_optional = not parameter.required and not name.startswith("[")
    return f"[{name}]" if is_optional else name


def _line(parameter: Any) -> str:
    if _is_argument(parameter):
        return f"- `{_word(parameter)}`: {' '.join((parameter.help or '').split())}"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    value = "" if parameter.is_flag else f" {_kind(parameter)}"
    return f"- {names}{value}: {' '.join((parameter.help or '').split())}{_default(parameter)}"


def _kind(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{choice.value}`" for choice in kind)
    return str(parameter.metavar or _KINDS.get(kind, "TEXT"))


_KINDS: Final[dict[Any, str]] = {int: "NUMBER", float: "NUMBER", Path: "PATH"}


def _default(parameter: Any) -> str:
    value = parameter.default
    if not parameter.show_default or value in (None, False, "", ()) or callable(value):
        return ""
    told = parameter.opts[0] if value is True else getattr(value, "value", value)
    return f" Default: `{told}`."


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
