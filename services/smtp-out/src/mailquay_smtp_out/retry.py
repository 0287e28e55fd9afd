"""What follows an attempt that did not deliver (RFC 5321 §4.5.4.1). Pure: no clock, no random."""

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Bounce", "Retry", "RetryPolicy", "next_attempt", "wants_delay_notice"]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The waits between attempts; the last one repeats until ``max_age``."""

    steps: tuple[timedelta, ...]
    max_age: timedelta
    delay_notice_after: timedelta | None


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after this long."""

    after: timedelta


@dataclass(frozen=True, slots=True)
class Bounce:
    """Give up; the message expired (status 4.4.7)."""


def next_attempt(
    attempts: int, queued_for: timedelta, policy: RetryPolicy, *, jitter: float
) -> Retry | Bounce:
    """Decide what follows failed attempt number ``attempts``.

    Args:
        attempts: how many have been made, from 1.
        queued_for: how long ago the message was accepted.
        policy: the waits, and the age at which to give up.
        jitter: from 0 to 1; spreads the wait by 10 % to either side, so that what failed
            together does not come back together.
    """
    if queued_for >= policy.max_age:
        return Bounce()
    step = policy.steps[min(max(attempts, 1), len(policy.steps)) - 1]
    after = step * (0.9 + 0.2 * jitter)
    # One last attempt at the very end of its life, rather than a wait beyond it.
    return Retry(min(after, policy.max_age - queued_for))


def wants_delay_notice(
    queued_for: timedelta, policy: RetryPolicy, *, already_sent: bool, notify: str | None
) -> bool:
    """Whether the sender is now told of the delay (RFC 3461 §4.1: NOTIFY without DELAY: never)."""
    if already_sent or policy.delay_notice_after is None or queued_for < policy.delay_notice_after:
        return False
    return notify is None or "DELAY" in notify.upper().split(",")
