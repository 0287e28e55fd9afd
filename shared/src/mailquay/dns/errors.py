"""What a question to DNS may end with.

::

    DnsError
        NxDomain              the name does not exist (RFC 8020), or is none
        NoData                it does, without a record of that type (RFC 2308 §2.2)
        DnsTemporaryError     nobody could say; the same may succeed later
"""

__all__ = ["DnsError", "DnsTemporaryError", "NoData", "NxDomain"]


class DnsError(Exception):
    """A question without an answer."""


class NxDomain(DnsError):
    """The name does not exist."""


class NoData(DnsError):
    """The name has no record of that type."""


class DnsTemporaryError(DnsError):
    """Nobody could say; try again later."""
