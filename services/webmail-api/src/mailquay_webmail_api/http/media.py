"""Media types that somebody else has named (RFC 9110 §8.3.1). No I/O here."""

import re
from typing import Final

__all__ = ["media_type"]

_TYPE: Final = re.compile(r"[!#$&^_.+\-0-9A-Za-z]{1,127}/[!#$&^_.+\-0-9A-Za-z]{1,127}")


def media_type(text: str | None) -> str | None:
    """``type/subtype`` in lower case, its parameters left out; None for anything else."""
    plain = (text or "").partition(";")[0].strip()
    return plain.lower() if _TYPE.fullmatch(plain) else None
