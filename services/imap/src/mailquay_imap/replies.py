"""How a command ends: OK, NO or BAD, with its response code (RFC 9051 §7.1)."""

from typing import Final

__all__ = ["Bad", "No", "Ok"]


class Ok:
    """The command succeeded; ``text`` begins with the response code where there is one."""

    __slots__ = ("text",)

    def __init__(self, text: str = "", *, code: str = "") -> None:
        self.text: Final = f"[{code}] {text}".rstrip() if code else text


class No(Exception):
    """The command failed."""

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.text: Final = f"[{code}] {text}" if code else text


class Bad(Exception):
    """The command makes no sense here."""
