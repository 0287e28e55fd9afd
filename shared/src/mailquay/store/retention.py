"""The round of all that is forgotten by age: what `mailquay trim` does.

The queue's finished messages and the digests of deliveries are smtp-out's to forget, which does so
while it runs.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Final

from mailquay.runtime.settings import RetentionSettings
from mailquay.store.store import Store
from mailquay.store.trimming import Slice

__all__ = ["TASK", "trim"]

#: Under which name the result is written down.
TASK: Final = "trim"
#: Where somebody is at every account of a slice, it is tried again so often, and after so long.
_TRIES: Final = 5
_PAUSE_SECONDS: Final = 0.2


async def trim(
    store: Store,
    settings: RetentionSettings,
    *,
    slice_rows: int = 2_000,
) -> dict[str, int]:
    """Forget what is older than the settings say, until there is no more of it.

    Args:
        store: where.
        settings: what is how old.
        slice_rows: rows that one transaction takes at most.

    Returns:
        How many rows of each kind went.

    Raises:
        StoreUnavailable: Postgres does not answer; what went before that stays gone.
    """
    trims, history = store.trims, settings.history_seconds
    kinds: dict[str, Callable[[int], Awaitable[Slice]]] = {
        # Those that are over become tombstones, which have their time before them.
        "submissions": functools.partial(trims.submissions, settings.submissions_seconds),
        "removed_submissions": functools.partial(trims.removed_submissions, history),
        "removed_identities": functools.partial(trims.removed_identities, history),
        "removed_mailboxes": functools.partial(trims.removed_mailboxes, history),
        "expunged": functools.partial(trims.expunged, history),
        "uploads": trims.uploads,
        "sessions": trims.sessions,
    }
    done = {kind: await _until_none(take, slice_rows) for kind, take in kinds.items()}
    await store.tasks.finish(TASK, dict(done))
    return done


async def _until_none(take: Callable[[int], Awaitable[Slice]], slice_rows: int) -> int:
    """Take slices until no row is old, or others keep us from the rest; returns how many went."""
    count = tries = 0
    while tries < _TRIES:
        taken = await take(slice_rows)
        count += taken.gone
        if taken.gone:
            tries = 0
        elif taken.found:
            tries += 1
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            break
    return count
