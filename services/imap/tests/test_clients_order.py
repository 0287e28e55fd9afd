"""imaplib and IMAPClient, with what sorts, threads, appends together and resynchronises."""

import imaplib

import pytest
from imapclient import IMAPClient

from mailquay.testing.deployment import PASSWORD


def letter(number: int, subject: str, answers: str = "") -> bytes:
    references = f"References: {answers}\r\n" if answers else ""
    return (
        f"From: p{9 - number}@example.net\r\nSubject: {subject}\r\nMessage-ID: <{number}@x>\r\n"
        f"{references}Date: {number} Feb 2026 10:00:00 +0000\r\n\r\n{'x' * number}\r\n"
    ).encode()


LETTERS = [
    letter(1, "tea"), letter(2, "milk"), letter(3, "Re: tea", "<1@x>"), letter(4, "Re: milk"),
    letter(5, "Re: tea", "<1@x> <3@x>"),
]  # fmt: skip


@pytest.fixture(scope="module")
def port(deployment):
    return deployment.start("imap").ports["imap"]


def test_imapclient_sorts_threads_and_appends_together(deployment, port):
    deployment.add_account("order@example.org")
    with IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.login("order@example.org", PASSWORD)
        for capability in ("SORT", "THREAD=REFERENCES", "MULTIAPPEND", "QRESYNC"):
            assert client.has_capability(capability)
        client.multiappend("INBOX", LETTERS)
        client.select_folder("INBOX")
        assert client.sort("REVERSE DATE") == [5, 4, 3, 2, 1]
        assert client.sort(["SUBJECT", "REVERSE SIZE"]) == [4, 2, 5, 3, 1]
        assert client.sort("FROM", ["SUBJECT", "tea"]) == [5, 3, 1]
        assert client.thread("REFERENCES") == ((1, 3, 5), (2, 4))
        assert client.thread("ORDEREDSUBJECT", "SUBJECT tea") == ((1, (3,), (5,)),)


def test_imapclient_hears_vanished_once_it_has_enabled_qresync(deployment, port):
    deployment.add_account("resync@example.org")
    with IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.login("resync@example.org", PASSWORD)
        assert client.enable("QRESYNC", "UTF8=ACCEPT") == [b"QRESYNC", b"UTF8=ACCEPT"]
        client.multiappend("INBOX", LETTERS)
        modseq = client.select_folder("INBOX")[b"HIGHESTMODSEQ"]
        client.delete_messages([2, 3])
        client.expunge()
        found = client.fetch("1:*", ["FLAGS"], [f"CHANGEDSINCE {modseq}", "VANISHED"])
        assert found == {}
        assert client.search() == [1, 4, 5]


def test_imaplib_sorts_and_threads(deployment, port):
    deployment.add_account("liborder@example.org")
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login("liborder@example.org", PASSWORD)
        for one in LETTERS:
            client.append("INBOX", None, None, one)
        client.select("INBOX")
        assert client.sort("(SUBJECT)", "UTF-8", "ALL") == ("OK", [b"2 4 1 3 5"])
        assert client.uid("SORT", "(REVERSE ARRIVAL SIZE)", "UTF-8", "1:2")[0] == "OK"
        assert client.thread("REFS", "UTF-8", "ALL") == ("OK", [b"(2)(4)(1 3 5)"])
        assert client.uid("FETCH", "1", "(PREVIEW SAVEDATE)")[0] == "OK"
