"""How a probe waits for mail to arrive: it looks again until the step's time is over."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from mailquay.cli.probe.failures import ProbeFailed
from mailquay.cli.probe.letters import Letter, Way

__all__ = ["Found", "wait_for"]

_LOOK_SECONDS: Final = 0.2

#: What was read of the messages that have come.
Found = dict[Way, bytes]


def wait_for(letters: Sequence[Letter], look: Callable[[], Found], timeout_seconds: float) -> Found:
    """Look until all messages are there; each is checked.

    Raises:
        ProbeFailed: one did not come in time, or not as it was sent.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = look()
        missing = [letter for letter in letters if letter.way not in found]
        if not missing:
            break
        if time.monotonic() >= deadline:
            told = " and ".join(f"{letter.message_id} (by {letter.way})" for letter in missing)
            raise ProbeFailed(f"{told} did not come within {timeout_seconds:g} s")
        time.sleep(_LOOK_SECONDS)
    for letter in letters:
        letter.check(found[letter.way])
    return found
