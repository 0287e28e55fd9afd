"""Where a connection is (RFC 9051 §3), and how it ends."""

from enum import IntEnum

__all__ = ["ConnectionEnd", "State"]


class State(IntEnum):
    """RFC 9051 §3."""

    NOT_AUTHENTICATED = 1
    AUTHENTICATED = 2
    SELECTED = 3
    LOGOUT = 4


class ConnectionEnd(Exception):
    """The connection ends; what was written is still sent."""
