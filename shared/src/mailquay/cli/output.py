"""What a command prints: JSON for programs, tables for people; errors to standard error."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from mailquay.cli.exits import CommandFailed, Exit

__all__ = [
    "Result", "facts", "parse_size", "plain", "plain_lines", "print_error", "print_result", "size",
    "table",
]  # fmt: skip

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
#: Wider than any line: what goes into a pipe is not to be wrapped.
_PIPE_WIDTH = 4096


@dataclass(frozen=True, slots=True)
class Result:
    """What a command came to: ``data`` for ``--json``, ``text`` for people."""

    data: Any
    text: RenderableType
    status: Exit = Exit.OK


def plain(value: object) -> Text:
    """A value as one cell. What others wrote may hold no control of the reader's terminal."""
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, datetime):
        return Text(value.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    text = str(value)
    return Text("".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str
) -> RenderableType:
    """A table; columns of numbers end in ``#`` and stand to the right."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        is_number = column.endswith("#")
        made.add_column(
            column.removesuffix("#"), justify="right" if is_number else "left", overflow="fold"
        )
    for row in rows:
        made.add_row(*(value if isinstance(value, Text) else plain(value) for value in row))
    return made if made.row_count else Text(empty, style="dim")


def facts(values: Mapping[str, object]) -> RenderableType:
    """Names and values, a line each."""
    made = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, value in values.items():
        made.add_row(name, plain(value))
    return made


def size(count: int) -> str:
    """Bytes for people: ``1.5 MiB``."""
    value = float(count)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("the last unit takes all")


def parse_size(text: str) -> int:
    """Bytes from ``500M``, ``1.5 GiB``, ``1048576``; units are powers of 1024.

    Raises:
        CommandFailed: it is no size.
    """
    number = text.strip().upper().removesuffix("B").removesuffix("I")
    power = "KMGT".find(number[-1:]) + 1 if number[-1:] else 0
    try:
        value = float(number.rstrip("KMGT")) * 1024**power
    except ValueError:
        value = -1
    if not 0 <= value < 2**63:
        raise CommandFailed(Exit.MALFORMED, f"{text!r} is no size; write 500M, 2G or 1048576")
    return int(value)


def print_result(result: Result, *, as_json: bool) -> None:
    """Print a result to standard output."""
    if as_json:
        json.dump(result.data, sys.stdout, indent=2, ensure_ascii=False, default=_encode)
        sys.stdout.write("\n")
        return
    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
    console.print(result.text)


def print_error(error: Exception, status: Exit, *, as_json: bool) -> None:
    """Print what went wrong to standard error."""
    if as_json:
        told = {"error": status.name.lower(), "message": str(error)}
        sys.stderr.write(json.dumps(told, ensure_ascii=False) + "\n")
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("mailquay: ", "red"), plain_lines(str(error))))


def plain_lines(text: str) -> Text:
    """Several lines of what others may have written."""
    return Text("\n").join(plain(line) for line in text.splitlines())


def _encode(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
