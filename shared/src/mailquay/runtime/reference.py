"""Renders docs/configuration.md from the settings tree, so that neither can say more or less.

``python -m mailquay.runtime.reference docs/configuration.md`` writes it; no I/O otherwise.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mailquay.runtime.settings import FROM_FILES, Settings

__all__ = ["render"]

_HEAD: Final = """\
# Configuration

<!-- Rendered from shared/src/mailquay/runtime/settings by `make docs`; change it there. -->

All services read the same settings; each uses those that concern it, so that one environment
serves them all. They are read when a process starts. What is wrong is told all at once, and the
process ends with 78; the certificate's files alone are read again while it runs.

- A variable of the environment: `MAILQUAY_IMAP__PORT=143`, with two underscores between group and
  name. An empty one counts as not given; `none` takes a value away: `MAILQUAY_POP3__PORT=none`
  does not serve that port.
- A TOML file that `MAILQUAY_CONFIG` names, where the same is `port = 143` below `[imap]`. The
  environment wins.
- A secret may stand in a file instead, as Kubernetes mounts it: with the variable named
  `…_FILE`, its value is the file's first line. These can: {files}.

Lists are JSON: `MAILQUAY_DNS__SERVERS='["192.0.2.53"]'`. Sizes are in bytes and times in seconds,
as the names say. `mailquay doctor` tells whether what is configured is reachable and right.

`mailquay standalone` sets what connects its parts by itself; a `MAILQUAY_*` that it is started
with wins.
"""
_BOUNDS: Final = (("ge", "≥ {}"), ("gt", "> {}"), ("le", "≤ {}"), ("lt", "< {}"))


def render() -> str:
    """The page."""
    files = ", ".join(f"`{_variable(group, name)}`" for group, name in FROM_FILES)
    top = {k: f for k, f in Settings.model_fields.items() if not _is_group(f)}
    parts = [_HEAD.format(files=files), _section("For every service", "", top, None)]
    for name, field in Settings.model_fields.items():
        if _is_group(field):
            group = field.annotation
            assert isinstance(group, type), "asked above"
            parts.append(
                _section(f"`[{name}]`", (group.__doc__ or "").strip(), group.model_fields, name)
            )
    return "\n".join(parts)


def _is_group(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _variable(group: str | None, name: str) -> str:
    return "MAILQUAY_" + "__".join(part for part in (group, name) if part).upper()


def _section(title: str, text: str, fields: dict[str, FieldInfo], group: str | None) -> str:
    lines = [f"## {title}", "", *([text, ""] if text else [])]
    lines += ["| Variable | Default | Value | |", "| --- | --- | --- | --- |"]
    for name, field in fields.items():
        cells = (f"`{_variable(group, name)}`", _default(field), _value(field), _text(field))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _text(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "the machine's"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    match value:
        case None:
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case ():
            return "`[]`"
        case tuple():
            return f"`{list(value)}`"
        case _:
            return f"`{value}`"


def _value(field: FieldInfo) -> str:
    kinds = list(dict.fromkeys(_kinds(field.annotation)))
    bounds = [
        text.format(getattr(constraint, name))
        for constraint in field.metadata
        for name, text in _BOUNDS
        if getattr(constraint, name, None) is not None
    ]
    return ", ".join([" or ".join(kinds), *bounds])


def _kinds(annotation: Any) -> Iterator[str]:
    """What may be written, in words; bounds that a type itself carries are among them."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        for argument in arguments:
            yield from _kinds(argument)
    elif hasattr(annotation, "__metadata__"):  # Annotated: a port
        yield "port"
    elif origin is Literal:
        yield from (f"`{argument}`" for argument in arguments)
    elif origin is tuple:
        yield f"list of {'/'.join(_kinds(arguments[0]))}"
    elif annotation is NoneType:
        yield "`none`"
    else:
        yield _NAMES.get(annotation) or _NAMES[annotation.__name__]


_NAMES: Final[dict[Any, str]] = {
    bool: "`true` or `false`",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "secret",
    "IPvAnyNetwork": "network",
}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render())
