"""What the queue keeps of a result."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from mailquay.store.queue import Lease, QueuedMessage, Verdict
from mailquay_smtp_out.jobs import Findings, Result
from mailquay_smtp_out.outcomes import REPLY_MAX_CHARACTERS, decide
from mailquay_smtp_out.protocol.replies import Reply, local_reply
from mailquay_smtp_out.retry import RetryPolicy

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = RetryPolicy(steps=(HOUR,), max_age=timedelta(days=99), delay_notice_after=4 * HOUR)
OK, LATER, NEVER = Reply(250, ("ok",)), Reply(451, ("4.2.0 later",)), Reply(550, ("5.1.1 no",))


def message(*, age=timedelta(0), reverse_path="s@example.org"):
    created_at = NOW - age
    return QueuedMessage(
        id=1, tenant_id=1, account_id=None, reverse_path=reverse_path, pack_id=uuid.UUID(int=0),
        pack_offset=0, stored_length=1, size=1, sha256=b"", codec=0, smtputf8=False, is_8bit=False,
        envelope_id=None, ret=None, trace_id="t", expires_at=created_at + timedelta(days=5),
        created_at=created_at,
    )  # fmt: skip


def lease(recipient_id=1, *, notify=None, delay_notified=False):
    return Lease(
        recipient_id=recipient_id, epoch=1, message_id=1, address="r@example.net",
        domain="example.net", attempts=0, possible_duplicate=False, delay_notified=delay_notified,
        notify=notify, original_recipient=None,
    )  # fmt: skip


def outcome(reply, *, queued=None, passes_dsn=False, **of_lease):
    result = Result(lease(**of_lease), reply, "mx.example", passes_dsn)
    return decide(queued or message(), result, now=NOW, policy=POLICY, jitter=0.5)


@pytest.mark.parametrize(
    ("reply", "age", "verdict", "retry_at"),
    [
        (OK, timedelta(0), Verdict.DELIVERED, None),
        (OK, timedelta(days=9), Verdict.DELIVERED, None),
        (NEVER, timedelta(0), Verdict.FAILED, None),
        (LATER, timedelta(0), Verdict.RETRY, NOW + HOUR),
        (LATER, timedelta(days=5) - HOUR / 2, Verdict.RETRY, NOW + HOUR / 2),
        (LATER, timedelta(days=5), Verdict.FAILED, None),
    ],
)
def test_a_reply_and_the_messages_age_decide(reply, age, verdict, retry_at):
    found = outcome(reply, queued=message(age=age))
    assert (found.verdict, found.retry_at) == (verdict, retry_at)
    assert (found.reply, found.host) == (str(reply), "mx.example")


@pytest.mark.parametrize(
    ("reply", "age", "notify", "report"),
    [
        (NEVER, 0, None, "failed"),
        (NEVER, 0, "FAILURE", "failed"),
        (NEVER, 0, "SUCCESS,DELAY", None),
        (NEVER, 0, "NEVER", None),
        (LATER, 0, None, None),
        (LATER, 5, None, "delayed"),
        (LATER, 5, "FAILURE", None),
        (LATER, 5, "delay", "delayed"),
        (LATER, 200, None, "failed"),
        (LATER, 200, "NEVER", None),
        (OK, 0, None, None),
        (OK, 5, "SUCCESS", "relayed"),
    ],
)
def test_a_report_is_due_by_notify(reply, age, notify, report):
    assert outcome(reply, queued=message(age=age * HOUR), notify=notify).report == report


@pytest.mark.parametrize(("reply", "age"), [(NEVER, 0), (LATER, 5), (LATER, 200), (OK, 0)])
def test_nobody_stands_behind_the_null_reverse_path(reply, age):
    queued = message(age=age * HOUR, reverse_path="")
    assert outcome(reply, queued=queued, notify="SUCCESS,FAILURE,DELAY").report is None


def test_success_is_the_next_hosts_to_report_where_it_can():
    assert outcome(OK, notify="SUCCESS", passes_dsn=True).report is None


def test_a_delay_is_told_of_once():
    assert outcome(LATER, queued=message(age=5 * HOUR), delay_notified=True).report is None


def test_a_long_reply_is_cut():
    assert len(outcome(Reply(550, ("x" * 9999,))).reply) == REPLY_MAX_CHARACTERS


def test_a_recipients_own_refusal_counts_before_what_befell_the_connection():
    findings = Findings()
    findings.by_recipient[1] = (LATER, "mx0")
    findings.general.append((local_reply(451, "4.4.2", "gone"), "mx1"))
    assert findings.result(lease(1)).reply is LATER
    assert findings.result(lease(2)).host == "mx1"


def test_hope_on_one_host_is_hope():
    findings = Findings(general=[(LATER, "mx0"), (NEVER, "mx1")])
    assert findings.result(lease()).reply is LATER
    assert not findings.is_final
    findings = Findings(general=[(NEVER, "mx0"), (NEVER, "mx1")])
    assert findings.result(lease()).host == "mx1"
    assert findings.is_final
