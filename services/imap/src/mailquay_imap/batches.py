"""A mailbox in batches of messages (RFC 10022). Pure."""

from collections.abc import Sequence

__all__ = ["batches"]


def batches(uids: Sequence[int], size: int, first: int, last: int | None) -> list[tuple[int, int]]:
    """Ranges of uids from the highest to the lowest, each of ``size`` messages.

    Together they leave out no uid: each begins below the one before, and the very last one, which
    may have fewer messages, ends at 1.

    Args:
        uids: ascending.
        size: messages in each.
        first: which one to begin with; the newest messages are batch 1.
        last: which one to end with; None for all.
    """
    count = -(-len(uids) // size)
    found: list[tuple[int, int]] = []
    for number in range(first, min(count if last is None else last, count) + 1):
        end = len(uids) - (number - 1) * size
        high = uids[-1] if number == 1 else uids[end] - 1
        low = uids[end - size] if number < count else 1
        found.append((high, low))
    return found
