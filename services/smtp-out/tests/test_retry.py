"""RFC 5321 §4.5.4.1: when to try again, and when to give up."""

from datetime import timedelta

import pytest

from mailquay_smtp_out.retry import Bounce, Retry, RetryPolicy, next_attempt, wants_delay_notice

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
POLICY = RetryPolicy(steps=(MINUTE, 5 * MINUTE, HOUR), max_age=5 * DAY, delay_notice_after=4 * HOUR)


@pytest.mark.parametrize(
    ("attempts", "queued_for", "jitter", "decision"),
    [
        (1, MINUTE, 0.5, Retry(MINUTE)),
        (2, MINUTE, 0.5, Retry(5 * MINUTE)),
        (3, HOUR, 0.5, Retry(HOUR)),
        (99, DAY, 0.5, Retry(HOUR)),
        (3, HOUR, 0.0, Retry(54 * MINUTE)),
        (3, HOUR, 1.0, Retry(66 * MINUTE)),
        (99, 5 * DAY - MINUTE, 0.5, Retry(MINUTE)),
        (1, 5 * DAY, 0.5, Bounce()),
    ],
)
def test_the_table(
    attempts: int, queued_for: timedelta, jitter: float, decision: Retry | Bounce
) -> None:
    assert next_attempt(attempts, queued_for, POLICY, jitter=jitter) == decision


@pytest.mark.parametrize(
    ("queued_for", "already", "notify", "due"),
    [
        (HOUR, False, None, False),
        (5 * HOUR, False, None, True),
        (5 * HOUR, True, None, False),
        (5 * HOUR, False, "FAILURE", False),
        (5 * HOUR, False, "failure,delay", True),
        (5 * HOUR, False, "NEVER", False),
    ],
)
def test_a_delay_is_told_once_and_only_to_who_wants_it(
    queued_for: timedelta, already: bool, notify: str | None, due: bool
) -> None:
    assert wants_delay_notice(queued_for, POLICY, already_sent=already, notify=notify) is due
