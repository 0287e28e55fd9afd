"""``mailquay report``: true to the database, delivered once a day, and readable by IMAP."""

import email
import email.policy
import imaplib
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from mailquay.cli.exits import Exit
from mailquay.cli.report.figures import Figures
from mailquay.cli.report.letter import render_text, write_letter
from mailquay.cli.report.sections import attention, sections
from mailquay.store.queue import QueueDepth
from mailquay.store.summary import Destination, FullAccount, QueueDay, Usage
from mailquay.store.tasks import TaskResult
from mailquay.testing.deployment import PASSWORD

_NUMBERS = itertools.count(1)
AT = datetime(2026, 11, 25, 6, tzinfo=UTC)
#: What is written down of the report before.
YESTERDAY = {"day": "2000-01-01", "delivered": [], "storage": {}}
GOOD = Figures(
    at=AT,
    hostname="mail.example.com",
    release="1.2.3",
    revision="202611250400",
    pending=(),
    deliveries=18_324,
    queue_day=QueueDay(2_310, 2_811, 17),
    depth=QueueDepth(0, 0, 0, 0.0, 0.0),
    waiting=[],
    failed=[],
    usage=Usage(3, 100, 5_000),
    database_bytes=9_000_000,
    certificate_until=AT + timedelta(days=60),
)


@pytest.fixture(scope="module")
def imap(deployment):
    return deployment.start("imap").ports["imap"]


@pytest.fixture
def reader(deployment) -> str:
    """An account that gets the report, of the test's own."""
    address = f"reader{next(_NUMBERS)}@report.test"
    deployment.add_account(address)
    return address


def inbox(port: int, address: str) -> list[EmailMessage]:
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(address, PASSWORD)
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        raws = [client.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in numbers]
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in raws]


async def test_report_lies_in_the_inbox_once_a_day(mailquay, imap, reader, deployed_store):
    await deployed_store.tasks.finish("report", YESTERDAY)
    first = mailquay("report", "--to", reader, "--json").data
    assert first["recipients"] == {reader: "has got it"}
    assert mailquay("report", "--to", reader, "--json").data["recipients"] == {
        reader: "has it already"
    }
    [message] = inbox(imap, reader)
    assert message["To"] == reader
    assert message["From"] == "Mailquay <postmaster@report.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",)).get_content()
    assert "The last 24 hours" in text
    html = message.get_body(("html",)).get_content()
    assert "The last 24 hours</h2>" in html
    assert (await deployed_store.tasks.last())["report"].result["storage"] == first["storage"]


async def test_two_at_once_and_one_that_died_before_it_said_so_deliver_once(
    mailquay, imap, reader, deployed_store
):
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: mailquay("report", "--to", reader), range(2)))
    await deployed_store.tasks.finish("report", YESTERDAY)
    mailquay("report", "--to", reader)
    assert len(inbox(imap, reader)) == 1


def test_administrators_get_it_and_nobody_else(mailquay, deployment, imap):
    told = mailquay("report", status=Exit.NOT_FOUND)
    assert "--role admin" in told.error
    deployment.add_account("root@report.test", role="admin")
    answer = mailquay("report", "--json").data
    assert answer["recipients"] == {"root@report.test": "has got it"}
    assert len(inbox(imap, "root@report.test")) == 1


def test_full_mailbox_is_told(mailquay, deployment):
    deployment.add_account("full@report.test", quota_bytes=10)
    told = mailquay("report", "--to", "full@report.test", status=Exit.CHECK_FAILED).output
    assert "full@report.test is full." in told


def test_unknown_account_is_told(mailquay):
    told = mailquay("report", "--to", "nobody@report.test", status=Exit.NOT_FOUND)
    assert "nobody@report.test" in told.error


def test_printed_report_is_delivered_to_nobody(mailquay, imap, reader):
    told = mailquay("report", "--print", "--to", reader)
    assert "The platform" in told.output
    assert inbox(imap, reader) == []


def test_what_the_database_does_not_know_is_left_out(mailquay, deployment):
    env = deployment.settings() | {
        "MAILQUAY_SMTP_IN__DUPLICATE_WINDOW_SECONDS": "60",
        "MAILQUAY_SMTP_OUT__KEEP_FINISHED_SECONDS": "60",
    }
    told = mailquay("report", "--print", env=env).output
    assert "Delivered into mailboxes here" not in told
    assert "Recipients elsewhere" not in told
    assert mailquay("report", "--print", "--json", env=env).data["deliveries"] is None


def text_of(figures: Figures) -> str:
    return render_text("Title", attention(figures), sections(figures))


def test_good_day_asks_for_nothing():
    assert attention(GOOD) == []
    told = text_of(GOOD)
    assert "All is well." in told
    assert "18,324" in told
    assert "Bodies collected  not yet" in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"certificate_until": AT + timedelta(days=9)}, "expires in 9 days, on 4 December 2026"),
        ({"certificate_until": AT - timedelta(days=1)}, "expired on 24 November 2026"),
        ({"depth": QueueDepth(1, 0, 0, 9 * 3600, 0)}, "has waited for 9 hours"),
        ({"depth": QueueDepth(0, 1, 0, 0, 0)}, "1 recipient is held"),
        ({"usage": Usage(1, 1, 95, 2, [FullAccount("a@b", 95, 100)])}, "2 accounts are over 90%"),
        ({"pending": ("202611250400",)}, "--phase contract"),
        (
            {"tasks": {"trim": TaskResult("trim", AT - timedelta(days=3), {})}},
            "does `mailquay trim` run?",
        ),
    ],
)
def test_what_wants_attention_is_said_first(changes, told):
    [point] = attention(replace(GOOD, **changes))
    assert told in point
    assert text_of(replace(GOOD, **changes)).index("To look at") < 20


def test_growth_is_what_came_since_the_last_report():
    before = {
        "at": "2026-11-24T06:00:00+00:00", "accounts": 4, "messages": 90, "bytes": 3976,
        "database_bytes": 9_000_000,
    }  # fmt: skip
    last = TaskResult("report", AT, {"day": "2026-11-24", "delivered": [], "storage": before})
    told = text_of(replace(GOOD, tasks={"report": last}))
    assert "100 (+10)" in told
    assert "3 (\N{MINUS SIGN}1)" in told
    assert "4.9 KiB (+1.0 KiB)" in told
    assert "since the report of 24 November 2026, 06:00 UTC" in told


def test_what_servers_say_is_no_markup_and_cannot_leave_its_cell():
    reply = '550 <b onclick="x">no</b>\r\nBcc: all@example.org `code`'
    figures = replace(GOOD, failed=[Destination("x.test", 1, AT, reply)])
    raw = write_letter(
        title="Title", points=[], found=sections(figures), recipient="root@example.org",
        message_id="<m@example.org>", at=AT,
    )  # fmt: skip
    message = email.message_from_bytes(raw, policy=email.policy.default)
    html = message.get_body(("html",)).get_content()
    assert "<b " not in html
    assert "&lt;b onclick=&quot;x&quot;&gt;" in html
    assert message["Bcc"] is None
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
