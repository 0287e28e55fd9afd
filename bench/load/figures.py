"""What a run has measured: a rate, latencies, errors."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Figures", "Watch", "percentile"]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all are not above; nan of none."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass(frozen=True, slots=True)
class Figures:
    """One run of one operation; latencies in milliseconds."""

    count: int
    seconds: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    #: The first on each connection: caches may be cold then.
    first_ms: float
    client_cpu_seconds: float
    errors: tuple[str, ...] = ()

    @property
    def per_second(self) -> float:
        """How many a second."""
        return self.count / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Watch:
    """Gathers a run's latencies from all of its connections."""

    begun: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)
    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def took(self, seconds: float, *, is_first: bool = False) -> None:
        """Note an operation's latency."""
        (self.first if is_first else self.later).append(seconds)

    def failed(self, error: BaseException | str) -> None:
        """Note what went wrong."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.errors.append(text[:200])

    def figures(self) -> Figures:
        """Stop, and sum up."""
        seconds = time.perf_counter() - self.begun
        every = self.later or self.first
        p50, p90, p99, most = (percentile(every, share) * 1e3 for share in (0.5, 0.9, 0.99, 1))
        return Figures(
            count=len(self.first) + len(self.later),
            seconds=seconds,
            p50_ms=p50,
            p90_ms=p90,
            p99_ms=p99,
            max_ms=most,
            first_ms=percentile(self.first, 0.5) * 1e3,
            client_cpu_seconds=time.process_time() - self.cpu,
            errors=tuple(self.errors),
        )
