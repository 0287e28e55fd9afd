"""Which revisions of the schema a release knows, and on which it can run. No database here.

During an upgrade two releases run side by side on one schema. A revision is of one of two kinds, by
its file's name: ``…_post_…`` takes away what older releases use (contract), and every other one
only adds (expand). A release needs its expanding revisions, and runs without the others. Of a
schema newer than itself it cannot judge: the schema says which release is the oldest that it
serves.

Known without Alembic, which only moves the schema: a service asks at each start and probe, and
SQLAlchemy with Alembic are half of what it would load.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from mailquay.store.errors import Refused, SchemaAhead, SchemaBehind

__all__ = ["THIS_RELEASE", "Phase", "Release", "Revision", "SchemaState", "head_revision"]

_VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
#: A revision's id is the time in its file's name: ``202611240001_first_release.py``.
_FILE: Final = re.compile(r"(\d{12})_(post_)?\w+\.py")


class Phase(StrEnum):
    """Which revisions are to be applied."""

    EXPAND = "expand"
    CONTRACT = "contract"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """What a database says of its schema."""

    #: None where there is none.
    revision: str | None
    #: The newest revision that the oldest release knows which can run on it.
    oldest_release: str | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One step of the schema; its id is a time, so that ids are in the order of the steps."""

    id: str
    is_contract: bool


class Release:
    """The revisions that a release knows, oldest first."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read the names of the revisions' files."""
        self.folders = tuple(folders)
        found = [
            Revision(match[1], match[2] is not None)
            for folder in folders
            for path in folder.iterdir()
            if (match := _FILE.fullmatch(path.name))
        ]
        self._revisions = sorted(found, key=lambda revision: revision.id)
        self._known = frozenset(revision.id for revision in found)

    @property
    def head(self) -> str:
        """The newest revision."""
        return self._revisions[-1].id

    def knows(self, revision: str | None) -> bool:
        """Whether it is one of this release's."""
        return revision in self._known

    def pending(self, revision: str | None) -> list[Revision]:
        """What a schema at that revision lacks; of one that is not known, nothing."""
        if revision is None:
            return list(self._revisions)
        if revision not in self._known:
            return []
        return [known for known in self._revisions if known.id > revision]

    def misfit(self, state: SchemaState) -> SchemaBehind | SchemaAhead | None:
        """Why this release cannot run on that schema; None where it can."""
        if state.revision is None:
            return SchemaBehind("the database has no schema")
        if state.revision not in self._known:
            if state.oldest_release in self._known:
                return None
            return SchemaAhead(
                f"the schema is at {state.revision}, which serves releases from "
                f"{state.oldest_release or state.revision} on; this release is {self.head}"
            )
        needed = [step.id for step in self.pending(state.revision) if not step.is_contract]
        if needed:
            return SchemaBehind(
                f"the schema is at {state.revision}, this release needs {needed[-1]}"
            )
        return None

    def target(self, state: SchemaState, phase: Phase) -> str | None:
        """The revision that a phase goes to; None where there is nothing to do.

        Raises:
            Refused: it is not this phase's turn, or the schema is of a release too new.
        """
        pending = self.pending(state.revision)
        if not pending:
            if state.revision != self.head and (why := self.misfit(state)) is not None:
                raise Refused(str(why))
            return None
        # With no schema yet, no older release runs that could miss something.
        if phase is Phase.ALL or state.revision is None:
            return pending[-1].id
        expanding = [step.id for step in pending if not step.is_contract]
        if phase is Phase.CONTRACT:
            if expanding:
                raise Refused(
                    f"the schema is at {state.revision} and lacks {expanding[0]}: "
                    "expand it, and replace the services, before it is contracted"
                )
            return pending[-1].id
        if not expanding:
            return None
        barrier = next((step.id for step in pending if step.is_contract), None)
        if barrier is not None and expanding[-1] > barrier:
            raise Refused(
                f"the schema is at {state.revision} and was not contracted by {barrier}: run "
                "`mailquay db upgrade --phase contract` of the release before this one, or "
                "stop all services and run `mailquay db upgrade`"
            )
        return expanding[-1]


#: What this code knows.
THIS_RELEASE: Final = Release([_VERSIONS])


def head_revision() -> str:
    """The newest revision's id."""
    return THIS_RELEASE.head
