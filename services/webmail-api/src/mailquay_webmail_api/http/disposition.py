"""Content-Disposition for a file whose name somebody else has chosen (RFC 6266). No I/O here."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

__all__ = ["attachment"]

_NAME_MAX: Final = 150
#: Separators of any file system, and what a quoted string cannot hold.
_UNSAFE: Final = re.compile(r'[/\\:*?"<>|%]')
_INVISIBLE: Final = ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co")


def attachment(name: str) -> str:
    """``attachment`` with the name made harmless, in ASCII and, where that is not all, in UTF-8."""
    visible = "".join(c for c in name if unicodedata.category(c) not in _INVISIBLE)
    safe = _UNSAFE.sub("_", visible).strip(" .")[:_NAME_MAX] or "download"
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    field = f'attachment; filename="{plain}"'
    return field if plain == safe else f"{field}; filename*=UTF-8''{quote(safe, safe='')}"
