"""Sizes in bytes as people write them, both ways without loss. No I/O here."""

import re
from typing import Final

__all__ = ["format_size", "parse_size"]

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:I?B)?|B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes from ``500M``, ``1.5 GiB``, ``1048576``; units are powers of 1024.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    value = -1.0 if match is None else float(match[1])
    if match is not None and match[2]:
        value *= 1024 ** ("KMGT".index(match[2].upper()) + 1)
    if not 0 <= value < 2**63:
        raise ValueError(f"{text!r} is no size; write 500M, 2 GiB or 1048576")
    return int(value)


def format_size(count: int) -> str:
    """The largest unit that leaves no fraction: ``2 GiB``, ``1536 MiB``, ``1000 B``."""
    unit = 0
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return f"{count} {_UNITS[unit]}"
