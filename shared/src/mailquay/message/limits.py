"""How much of a message is looked into. No I/O here."""

from dataclasses import dataclass

__all__ = ["ScanLimits"]


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """What is beyond these stays an opaque body; nothing is refused, nothing is lost."""

    #: Nesting of multiparts and embedded messages; Dovecot stops at 100 too.
    max_depth: int = 100
    #: Parts in all; more is an attack on whoever lists them.
    max_parts: int = 10_000
    #: Fields of one header.
    max_fields: int = 5_000
