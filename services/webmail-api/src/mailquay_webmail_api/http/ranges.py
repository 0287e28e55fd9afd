"""One byte range of an answer (RFC 9110 §14). No I/O here."""

import re
from typing import Final

__all__ = ["Unsatisfiable", "parse_range"]

_ONE: Final = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.IGNORECASE | re.ASCII)


class Unsatisfiable(Exception):
    """Nothing of the range is there: 416."""


def parse_range(field: str | None, size: int) -> tuple[int, int] | None:
    """First and end offset of the one range asked for; None for the whole.

    Several ranges, other units and what is malformed are answered with the whole, as a server may.

    Raises:
        Unsatisfiable: it begins behind the end.
    """
    match = None if field is None else _ONE.fullmatch(field)
    if match is None or match[0] == "" or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        if length == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - length), size
    first = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, min(last + 1, size)
