"""Reads PromQL as far as it takes to know which series an expression asks for, and by what labels.

So a dashboard's or an alert's metrics can be compared with those that there are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Expression", "Matcher", "PromqlError", "Selector", "read_promql"]

_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    | (?P<number>(?:\d+(?:ms|[smhdwy]))+|0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<operator>=~|!~|!=|==|>=|<=|[-+*/%^=<>(){}\[\],:@])
    """,
    re.VERBOSE,
)
#: What is followed by labels in brackets.
_LABELS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_KEYWORDS: Final = _LABELS | {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}


class PromqlError(Exception):
    """It is no PromQL; the message says where."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """``label operator value``."""

    label: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric, and which of its series."""

    metric: str
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """What an expression asks for."""

    selectors: tuple[Selector, ...]
    #: Labels that it groups or joins by.
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def read_promql(text: str) -> Expression:
    """Read an expression.

    Raises:
        PromqlError: it cannot be cut into words, or a bracket has no other.
    """
    tokens = [*_tokens(text), *[_Token("end", "")] * 4]  # as many as are looked at ahead
    selectors: list[Selector] = []
    labels: set[str] = set()
    depth: list[str] = []
    at = 0
    while tokens[at].kind != "end":
        token, following = tokens[at], tokens[at + 1].text
        at += 1
        if token.kind == "word" and token.text in _LABELS:
            if following == "(":
                at = _read_labels(tokens, at + 1, labels)
        elif token.kind == "word" and token.text.lower() not in _KEYWORDS and following != "(":
            matchers: list[Matcher] = []
            # After an aggregation's name its labels may stand first.
            if following not in _LABELS:
                if following == "{":
                    at = _read_matchers(tokens, at + 1, matchers)
                selectors.append(Selector(token.text, tuple(matchers)))
        elif token.text in ("(", "["):
            depth.append(")" if token.text == "(" else "]")
        elif token.text in (")", "]") and (not depth or depth.pop() != token.text):
            raise PromqlError(f"{token.text} too many in {text!r}")
    if depth:
        raise PromqlError(f"{depth[-1]} is missing in {text!r}")
    return Expression(tuple(selectors), frozenset(labels))


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise PromqlError(f"{text[at : at + 20]!r} is no PromQL")
        at = found.end()
        kind = str(found.lastgroup)
        if kind != "space":
            yield _Token(kind, found.group())


def _read_labels(tokens: list[_Token], at: int, labels: set[str]) -> int:
    """Read ``label, label)``; returns where it goes on."""
    while tokens[at].text != ")":
        if tokens[at].kind != "word":
            raise PromqlError(f"{tokens[at].text!r} is no label")
        labels.add(tokens[at].text)
        at += 2 if tokens[at + 1].text == "," else 1
    return at + 1


def _read_matchers(tokens: list[_Token], at: int, matchers: list[Matcher]) -> int:
    """Read ``label="value", …}``; returns where it goes on."""
    while tokens[at].text != "}":
        label, operator, value = tokens[at : at + 3]
        if (label.kind, value.kind) != ("word", "string") or operator.text not in (
            "=", "!=", "=~", "!~",
        ):  # fmt: skip
            raise PromqlError(f"{label.text}{operator.text}{value.text} is no matcher")
        matchers.append(Matcher(label.text, operator.text, value.text[1:-1]))
        at += 4 if tokens[at + 3].text == "," else 3
    return at + 1
