"""From a recipient's result to what the queue keeps of it. Pure: no clock, no random."""

from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from mailquay.message.dsn import DsnAction, is_wanted
from mailquay.store.queue import Outcome, QueuedMessage, Verdict
from mailquay_smtp_out.jobs import Result
from mailquay_smtp_out.retry import Bounce, Retry, RetryPolicy, next_attempt, wants_delay_notice

__all__ = ["decide"]

#: What is kept of a peer's reply.
REPLY_MAX_CHARACTERS: Final = 1000


def decide(
    message: QueuedMessage, result: Result, *, now: datetime, policy: RetryPolicy, jitter: float
) -> Outcome:
    """Decide what follows; ``jitter`` is `next_attempt`'s.

    The message's own expiry counts, not the policy's: it was promised when the message came.
    """
    lease, reply = result.lease, result.reply
    outcome = Outcome(
        lease,
        Verdict.FAILED,
        str(reply)[:REPLY_MAX_CHARACTERS],
        result.host,
        possible_duplicate=result.possible_duplicate,
    )
    failed = DsnAction.FAILED if _wants(DsnAction.FAILED, message, result) else None
    if reply.is_positive:
        wants_success = _wants(DsnAction.RELAYED, message, result) and not result.passes_dsn
        report = DsnAction.RELAYED if wants_success else None
        return replace(outcome, verdict=Verdict.DELIVERED, report=report)
    if reply.is_permanent:
        return replace(outcome, report=failed)
    queued_for = now - message.created_at
    policy = replace(policy, max_age=message.expires_at - message.created_at)
    decision = next_attempt(lease.attempts + 1, queued_for, policy, jitter=jitter)
    match decision:
        case Bounce():
            return replace(outcome, report=failed)
        case Retry(after):
            is_late = message.reverse_path != "" and wants_delay_notice(
                queued_for, policy, already_sent=lease.delay_notified, notify=lease.notify
            )
            report = DsnAction.DELAYED if is_late else None
            return replace(outcome, verdict=Verdict.RETRY, retry_at=now + after, report=report)
        case _:
            assert_never(decision)


def _wants(action: DsnAction, message: QueuedMessage, result: Result) -> bool:
    return is_wanted(action, result.lease.notify, message.reverse_path)
