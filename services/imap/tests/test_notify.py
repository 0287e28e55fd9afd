"""NOTIFY, told of what other services do; and without NATS, by looking."""

import smtplib

import pytest

from mailquay.store.types import Mailbox
from mailquay.testing.ports import free_port
from mailquay_imap.changed_names import changed_names

#: So long that no test waits for it: what is told was heard of.
NEVER = "600"


def read_until(connection, wanted: bytes) -> None:
    """Lines up to one."""
    while (line := connection.read_line()) != wanted:
        assert line is not None


def test_mail_by_smtp_is_told_of_whatever_is_selected(deployment, imap):
    address = imap.add_account()
    smtp_in = deployment.start("smtp-in")
    asking = b"NOTIFY SET (selected (MessageNew (UID) MessageExpunge)) (inboxes (MessageNew MessageExpunge))"
    settings = {"IMAP__POLL_SECONDS": NEVER}
    inside = imap.sign_in(address, b"SELECT INBOX", asking, **settings)
    outside = imap.sign_in(address, asking, **settings)
    with smtplib.SMTP("127.0.0.1", smtp_in.ports["smtp"]) as sender:
        for number in (1, 2):
            sender.sendmail("a@example.net", [address], b"Subject: x\r\n\r\nx\r\n")
            read_until(inside, b"* %d FETCH (UID %d)" % (number, number))
            status = b"* STATUS INBOX (UIDNEXT %d MESSAGES %d)" % (number + 1, number)
            read_until(outside, status)
    inside.close()
    outside.close()


def test_without_nats_a_session_looks_by_itself(imap):
    address = imap.add_account()
    alone = imap.sign_in(
        address,
        b"SELECT INBOX",
        b"NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MailboxName))",
        IMAP__POLL_SECONDS="0.1",
        NATS__URL=f"nats://127.0.0.1:{free_port()}",
    )
    actor = imap.sign_in(address)
    actor.send(b"a CREATE Somewhere\r\nb APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n")
    read_until(alone, b'* LIST (\\HasNoChildren) "/" "Somewhere"')
    read_until(alone, b"* 1 EXISTS")
    alone.close()
    actor.close()


def box(number: int, name: str, *, is_selectable: bool = True) -> Mailbox:
    return Mailbox(1, number, name, None, 1, 1, 1, 0, 0, 0, 0, 1, is_selectable, False, 0, 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "affected"),
    [
        ([], [], {}),
        ([box(1, "a")], [box(1, "a")], {}),
        ([], [box(1, "a/b")], {"a/b": "", "a": ""}),
        ([box(1, "a")], [], {"a": ""}),
        ([box(1, "a"), box(2, "a/b")], [box(1, "x"), box(2, "x/b")], {"x": "a"}),
        ([box(1, "a"), box(2, "a/b")], [box(1, "x"), box(2, "x/c")], {"x": "a", "x/c": "a/b"}),
        ([box(1, "a")], [box(2, "a")], {"a": ""}),
        ([box(1, "a")], [box(1, "a", is_selectable=False)], {"a": ""}),
        ([box(1, "a")], [box(1, "b"), box(2, "a")], {"b": "a", "a": ""}),
    ],
)
def test_names_that_are_affected(old, new, affected):
    assert changed_names(old, new) == affected
