"""Writes what follows from elsewhere: the chart's page, and the settings' part of its schema.

``docs/chart-values.md`` is made from the comments in ``charts/mailquay/values.yaml``; which
settings the chart takes, from the services' own tree.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from mailquay.runtime.settings import Settings

__all__ = ["OWN_SETTINGS", "Value", "chart_page", "chart_values", "settings_schema"]

ROOT: Final = Path(__file__).parents[1]
CHART: Final = ROOT / "charts" / "mailquay"
PAGE: Final = ROOT / "docs" / "chart-values.md"
SCHEMA: Final = CHART / "values.schema.json"

#: What the chart sets from values of its own, or what is a secret or makes no sense in a pod.
OWN_SETTINGS: Final = frozenset(
    {
        ("database", "url"),
        ("nats", "url"),
        ("nats", "credentials_file"),
        ("blobs", "url"),
        ("blobs", "collect_interval_seconds"),
        ("tls", "certificate_file"),
        ("tls", "key_file"),
        ("net", "proxy_protocol_from"),
        ("smtp_in", "mx_port"),
        ("smtp_in", "submission_port"),
        ("smtp_in", "submissions_port"),
        ("smtp_in", "lmtp_port"),
        ("smtp_out", "smarthost_password"),
        ("imap", "port"),
        ("imap", "tls_port"),
        ("pop3", "port"),
        ("pop3", "tls_port"),
        ("web", "port"),
        ("web", "public_url"),
        ("web", "trusted_proxies"),
        ("metrics", "port"),
        ("metrics", "bind"),
    }
)

_INTRODUCTION: Final = """\
# Values of the chart

<!-- Rendered from charts/mailquay/values.yaml by `make docs`; change it there. -->

What `charts/mailquay` takes. A value that is not listed is refused, and so are values that
contradict each other, with a sentence that says what to do. `defaults` holds for all five services;
each of `smtpIn`, `smtpOut`, `imap`, `pop3` and `webmailApi` takes the same values below its own
name, where they win. What `settings` takes is in [configuration.md](configuration.md): its groups
and names in lower case.
"""
_KEY: Final = re.compile(r"^( *)([A-Za-z0-9]+):(?: .*)?$")
_TEXT: Final = re.compile(r"^ *# (?:-- )?(.*)$")


@dataclass(frozen=True, slots=True)
class Value:
    """A value that is explained: where it stands, its default and its comment."""

    path: tuple[str, ...]
    default: Any
    text: str


def chart_values(source: str) -> Iterator[Value]:
    """The values that a comment with ``# --`` explains, in their order."""
    tree = yaml.safe_load(source)
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in source.splitlines():
        if line.lstrip().startswith("# -- "):
            comment = [line.lstrip()[5:]]
        elif comment and (match := _TEXT.match(line)):
            comment.append(match[1])
        elif match := _KEY.match(line):
            indent = len(match[1])
            path = [*(each for each in path if each[0] < indent), (indent, match[2])]
            if comment:
                names = tuple(name for _, name in path)
                yield Value(names, _at(tree, names), " ".join(comment))
            comment = []
        else:
            comment = []


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        tree = tree[name]
    return tree


def chart_page(source: str) -> str:
    """The page for the values' file."""
    lines = [_INTRODUCTION]
    group: str | None = None
    for value in chart_values(source):
        head = value.path[0] if len(value.path) > 1 else ""
        if head != group:
            group = head
            title = f"## `{head}`\n" if head else "## On their own\n" if len(lines) < 2 else ""
            lines += ["", title] if title else ["", "## Others\n"]
            lines += ["| Value | Default | |", "| --- | --- | --- |"]
        text = value.text.replace("|", "\\|")
        lines.append(f"| `{'.'.join(value.path)}` | {_shown(value.default)} | {text} |")
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, dict | list) and len(json.dumps(value)) > 60:
        return "see `values.yaml`"
    return f"`{json.dumps(value)}`".replace("|", "\\|")


def settings_schema() -> dict[str, Any]:
    """The schema of ``settings``: the services' tree without what the chart sets by itself."""
    whole = Settings.model_json_schema()
    groups: dict[str, Any] = {}
    for group, reference in whole["properties"].items():
        if "$ref" not in reference:
            continue  # the tree's own: the host name, and a file for those that start services
        model = whole["$defs"][reference["$ref"].rpartition("/")[2]]
        names = {
            name: _plain(schema)
            for name, schema in model["properties"].items()
            if (group, name) not in OWN_SETTINGS
        }
        if names:
            groups[group] = _closed(names)
    return _closed(groups)


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Without what only Python minds."""
    dropped = {"title", "default", "format"}
    return {
        key: [_plain(each) for each in value]
        if key == "anyOf"
        else _plain(value)
        if key == "items" and isinstance(value, dict)
        else value
        for key, value in schema.items()
        if key not in dropped
    }


def main() -> None:
    """Write both."""
    PAGE.write_text(chart_page((CHART / "values.yaml").read_text()))
    schema = json.loads(SCHEMA.read_text())
    schema["$defs"]["settings"] = settings_schema()
    SCHEMA.write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} and {SCHEMA.relative_to(ROOT)} are written\n")


if __name__ == "__main__":
    main()
