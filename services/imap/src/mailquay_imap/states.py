"""Where a connection is (RFC 9051 §3), what may be asked for there, and how it ends."""

from collections.abc import Collection
from enum import IntEnum

from mailquay_imap.protocol import commands as c
from mailquay_imap.replies import Bad

__all__ = ["ConnectionEnd", "State", "require_legal"]


class State(IntEnum):
    """RFC 9051 §3."""

    NOT_AUTHENTICATED = 1
    AUTHENTICATED = 2
    SELECTED = 3
    LOGOUT = 4


class ConnectionEnd(Exception):
    """The connection ends; what was written is still sent."""


def require_legal(
    command: c.Command, state: State, needed: State, enabled: Collection[str]
) -> None:
    """Refuse a command that makes no sense where the connection is.

    Args:
        command: what is asked for.
        state: where the connection is.
        needed: where it has to be, or further.
        enabled: what the client has enabled.

    Raises:
        Bad: it makes none.
    """
    if state < needed:
        if state is State.NOT_AUTHENTICATED:
            raise Bad("sign in first", code="CLIENTBUG")
        raise Bad("no mailbox is selected", code="CLIENTBUG")
    if (
        isinstance(command, c.Login | c.Authenticate | c.StartTls)
        and state is not State.NOT_AUTHENTICATED
    ):
        raise Bad("that is for before signing in", code="CLIENTBUG")
    if "UIDONLY" in enabled and isinstance(command, c.BY_NUMBER) and not command.by_uid:
        raise Bad("message numbers are not used any more", code="UIDREQUIRED")  # RFC 9586 §3.1
