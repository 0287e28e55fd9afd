"""How a command ends other than well: errors that carry their reply."""

__all__ = ["ConnectionEnd", "Refused"]


class ConnectionEnd(Exception):
    """The connection ends; what was written is still sent. The message says how, for a metric."""


class Refused(Exception):
    """``-ERR`` with that text, which may begin with a response code (RFC 2449 §8, RFC 3206)."""
