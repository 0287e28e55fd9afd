"""Which revision of the schema this release wants; known without Alembic, which only moves it.

A service asks at each start and probe, and SQLAlchemy with Alembic are half of what it would load.
"""

import re
from pathlib import Path
from typing import Final

__all__ = ["head_revision"]

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
#: A revision's id is the time in its file's name: ``202611240001_first_release.py``.
_FILE: Final = re.compile(r"(\d{12})_\w+\.py")


def head_revision() -> str:
    """The newest revision's id."""
    return max(match[1] for path in _VERSIONS.iterdir() if (match := _FILE.fullmatch(path.name)))
