"""What a check finds, and what to do about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from mailquay.cli.target import Target

__all__ = ["Check", "Finding", "State", "ok", "warning", "wrong"]


class State(StrEnum):
    """How bad it is: mail flows as it should, may soon not, or does not."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``remedy`` is empty when there is nothing to do."""

    area: str
    state: State
    text: str
    remedy: str = ""


Check = Callable[[Target], Awaitable[list[Finding]]]


def ok(area: str, text: str) -> Finding:
    """All is well."""
    return Finding(area, State.OK, text)


def warning(area: str, text: str, remedy: str) -> Finding:
    """It works, and should be looked after."""
    return Finding(area, State.WARNING, text, remedy)


def wrong(area: str, text: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(area, State.WRONG, text, remedy)
