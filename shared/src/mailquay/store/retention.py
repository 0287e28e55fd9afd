"""The round of all that is forgotten by age: what `mailquay trim` does.

The queue's finished messages and the digests of deliveries are smtp-out's to forget, which does so
while it runs.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Final

from mailquay.runtime.settings import RetentionSettings
from mailquay.store.store import Store

__all__ = ["TASK", "trim"]

#: Under which name the result is written down.
TASK: Final = "trim"


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
    kinds: dict[str, Callable[[int], Awaitable[int]]] = {
        # Those that are over become tombstones, which have their time before them.
        "submissions": functools.partial(trims.submissions, settings.submissions_seconds),
        "removed_submissions": functools.partial(trims.removed_submissions, history),
        "removed_identities": functools.partial(trims.removed_identities, history),
        "removed_mailboxes": functools.partial(trims.removed_mailboxes, history),
        "expunged": functools.partial(trims.expunged, history),
        "uploads": trims.uploads,
        "sessions": trims.sessions,
    }
    done = dict.fromkeys(kinds, 0)
    for kind, take in kinds.items():
        # Where less than a slice went, there is no more, or others are at the rest.
        while count := await take(slice_rows):
            done[kind] += count
    await store.tasks.finish(TASK, dict(done))
    return done
