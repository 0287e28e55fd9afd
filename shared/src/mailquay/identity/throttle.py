"""Failed sign-ins, counted in a window by account and by address. Pure: the clock is handed in.

Each process counts for itself.
"""

from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["FailureCounter"]

#: Keys remembered at most; the oldest are forgotten first.
KEYS_MAX = 100_000


@dataclass(slots=True)
class _Window:
    begun: float
    failures: int


class FailureCounter:
    """Counts per key; past the limit the key is to wait until its window ends."""

    def __init__(self, limit: int, window_seconds: float) -> None:
        self._limit = limit
        self._window = window_seconds
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def retry_after(self, key: str, now: float) -> float:
        """Seconds to wait; 0 when the key may try."""
        window = self._windows.get(key)
        if window is None or now - window.begun >= self._window:
            return 0.0
        return self._window - (now - window.begun) if window.failures >= self._limit else 0.0

    def failed(self, key: str, now: float) -> None:
        """Count a failure."""
        window = self._windows.get(key)
        if window is None or now - window.begun >= self._window:
            self._windows.pop(key, None)
            self._windows[key] = _Window(now, 1)
            while len(self._windows) > KEYS_MAX:
                self._windows.popitem(last=False)
        else:
            window.failures += 1

    def succeeded(self, key: str) -> None:
        """Forget a key's failures."""
        self._windows.pop(key, None)
