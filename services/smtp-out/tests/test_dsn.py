"""Delivery status notifications as bytes (RFC 3464, RFC 6522)."""

import email
import email.policy
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message import scan
from mailquay.message.dsn import RETURN_MAX_BYTES, DsnAction, DsnMessage, DsnRecipient, build_dsn
from mailquay.store.reports import Report
from mailquay_smtp_out.reporter import describe

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def queued(raw=b"Subject: x\r\n\r\nbody\r\n", **more):
    end = raw.find(b"\r\n\r\n")
    message = {
        "reverse_path": "s@example.org", "envelope_id": None, "ret": None, "arrived_at": NOW,
        "expires_at": NOW + timedelta(days=5), "raw": raw,
        "header_length": len(raw) if end < 0 else end + 4,
    }  # fmt: skip
    return DsnMessage(**(message | more))


def build(message, *recipients):
    return build_dsn(
        message, list(recipients), reporting_mta="mail.example.org", message_id="id@example.org",
        boundary="b0undary", now=NOW,
    )  # fmt: skip


def failed(**more):
    recipient = {
        "address": "r@example.net", "action": DsnAction.FAILED, "status": "5.1.1",
        "diagnostic": "550 5.1.1 no",
    }  # fmt: skip
    return DsnRecipient(**(recipient | more))


def test_a_large_message_comes_back_as_its_header():
    raw = b"Subject: x\r\n\r\n" + b"line\r\n" * RETURN_MAX_BYTES
    report = build(queued(raw), failed())
    assert len(report) < RETURN_MAX_BYTES
    assert email.message_from_bytes(report).get_payload()[2].get_content_type() == (
        "text/rfc822-headers"
    )


def test_eight_bit_is_declared_all_the_way_up():
    report = email.message_from_bytes(build(queued("Subject: ü\r\n\r\nü".encode()), failed()))
    assert report["content-transfer-encoding"] == "8bit"
    assert report.get_payload()[2]["content-transfer-encoding"] == "8bit"


@pytest.mark.parametrize(
    ("address", "ret", "kind"),
    [
        ("dörte@example.net", None, "message/global"),
        ("dörte@example.net", "HDRS", "message/global-headers"),
        ("r@example.net", None, "message/rfc822"),
    ],
)
def test_an_internationalised_header_comes_back_as_one(address, ret, kind):
    report = build(queued("Subject: ü\r\n\r\nx".encode(), ret=ret), failed(address=address))
    assert scan(report).root.children[2].content_type == kind


@given(
    diagnostic=st.text(max_size=300),
    envelope_id=st.text(st.characters(codec="ascii"), max_size=50),
    raw=st.binary(max_size=300),
)
def test_whatever_a_peer_said_the_report_keeps_its_form(diagnostic, envelope_id, raw):
    report = build(
        queued(b"Subject: x\r\n\r\n" + raw.replace(b"b0undary", b""), envelope_id=envelope_id),
        failed(diagnostic=diagnostic),
        failed(address="second@example.net"),
    )
    parts = scan(report).root.children
    assert [part.content_type for part in parts] == [
        "text/plain",
        "message/delivery-status",
        "message/rfc822",
    ]
    whole = email.message_from_bytes(report)
    assert whole["content-transfer-encoding"] == "8bit" or report.isascii()
    status = whole.get_payload()[1]
    assert len(status.get_payload()) == 3
    assert status.as_bytes().isascii()


@pytest.mark.parametrize(
    ("kind", "reply", "status", "is_local"),
    [
        ("failed", "550 5.1.1 no", "5.1.1", False),
        ("failed", "550 no", "5.0.0", False),
        ("failed", "5.1.10 null MX", "5.1.10", True),
        ("failed", "451 4.2.0 later", "4.4.7", False),
        ("failed", "4.4.1 cannot connect", "4.4.7", True),
        ("failed", "421 busy", "4.4.7", False),
        ("delayed", "451 4.2.0 later", "4.2.0", False),
        ("delayed", "4.4.1 cannot connect", "4.4.1", True),
        ("relayed", "250 2.6.0 ok", "2.6.0", False),
        ("relayed", "250 ok", "2.0.0", False),
        ("failed", "", "5.0.0", True),
    ],
)
def test_a_reply_gives_the_status(kind, reply, status, is_local):
    report = Report(1, 1, "r@example.net", kind, reply, "mx", 1, None, NOW)
    described = describe(report)
    assert (described.status, described.is_local) == (status, is_local)
