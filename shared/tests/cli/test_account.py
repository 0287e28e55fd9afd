"""``mailquay account``, and that running services follow it without a restart."""

import imaplib
import smtplib
import ssl
import time

import pytest

from mailquay.cli.exits import Exit
from mailquay.testing.lines import LineClient

PATIENCE_SECONDS = 20


def signs_in(deployment, port: int, address: str, password: str) -> bool:
    context = ssl.create_default_context(cafile=deployment.ca_file)
    with imaplib.IMAP4_SSL("localhost", port, ssl_context=context) as client:
        try:
            return client.login(address, password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False


def eventually(is_so) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_account_is_added_with_what_was_asked_for(mailquay, domain):
    made = mailquay(
        "account", "add", f"Ada@{domain}", "--name", "Ada", "--role", "admin", "--quota", "1.5G",
        "--password-stdin", "--json", stdin="open sesame\nnot this\n",
    ).data  # fmt: skip
    assert made.pop("id") > 0
    assert made == {
        "address": f"ada@{domain}", "display_name": "Ada", "role": "admin", "state": "active",
        "quota_bytes": 3 << 29, "used_bytes": 0, "used_messages": 0,
    }  # fmt: skip
    shown = mailquay("account", "show", f"ADA@{domain}").output
    assert "1.5 GiB" in shown
    listed = mailquay("account", "list", "--domain", domain, "--json").data
    assert [account["address"] for account in listed] == [f"ada@{domain}"]


def test_password_is_taken_from_standard_input_or_made_and_signs_in(mailquay, deployment, domain):
    port = deployment.start("imap").ports["imaps"]
    address = f"ada@{domain}"
    mailquay("account", "add", address, "--password-stdin", stdin="open sesame\n")
    assert signs_in(deployment, port, address, "open sesame")

    made = mailquay("account", "passwd", address, "--generate", "--json").data["password"]
    eventually(lambda: signs_in(deployment, port, address, made))
    assert not signs_in(deployment, port, address, "open sesame")

    mailquay("account", "disable", address)
    eventually(lambda: not signs_in(deployment, port, address, made))
    mailquay("account", "enable", address)
    eventually(lambda: signs_in(deployment, port, address, made))


def test_running_smtp_in_takes_mail_for_a_new_account_at_once(mailquay, deployment, domain):
    service = deployment.start("smtp-in", SMTP_IN__RECIPIENT_CACHE_SECONDS="3600")
    address = f"new@{domain}"
    with smtplib.SMTP("localhost", service.ports["smtp"]) as client:
        client.ehlo()
        client.mail("someone@example.com")
        assert client.rcpt(address)[0] == 550, "it is nobody's, which is now remembered"
        mailquay("account", "add", address, "--generate")
        eventually(lambda: client.rcpt(address)[0] == 250)
        mailquay("account", "remove", address, "--yes")
        eventually(lambda: client.rcpt(address)[0] == 550)


@pytest.mark.parametrize("command", [("disable",), ("passwd", "--generate"), ("remove", "--yes")])
def test_what_was_signed_in_ends_with_its_account(mailquay, deployment, domain, command):
    service = deployment.start("pop3", IDENTITY__RECHECK_SECONDS="3600")
    address = f"brief@{domain}"
    mailquay("account", "add", address, "--password-stdin", stdin="open sesame\n")
    with LineClient(service.ports["pop3"]) as client:
        client.send(f"USER {address}\r\nPASS open sesame\r\n".encode())
        assert [client.line()[:3] for _ in range(3)] == [b"+OK"] * 3
        mailquay("account", command[0], address, *command[1:])
        assert client.line() == b"-ERR [AUTH] the account was changed, please sign in again"
        assert client.line() == b""


def test_quota_is_a_size_none_or_the_default(mailquay, domain):
    address = f"ada@{domain}"
    mailquay("account", "add", address, "--generate")
    for text, quota_bytes in (("500M", 500 << 20), ("none", 0), ("default", None)):
        set_to = mailquay("account", "quota", address, text, "--json").data
        assert set_to["quota_bytes"] == quota_bytes
    told = mailquay("account", "quota", address, "much", status=Exit.MALFORMED)
    assert "is no size" in told.error


def test_removal_is_asked_about(mailquay, domain):
    address = f"ada@{domain}"
    mailquay("account", "add", address, "--generate")
    kept = mailquay("account", "remove", address, stdin="n\n", status=Exit.REFUSED)
    assert f"Remove {address} with 0 messages" in kept.error
    mailquay("account", "remove", address, stdin="y\n")
    assert mailquay("account", "show", address, status=Exit.NOT_FOUND).output == ""


@pytest.mark.parametrize(
    ("arguments", "stdin", "status"),
    [
        ((), "", Exit.USAGE),
        (("--password-stdin", "--generate"), "x\n", Exit.USAGE),
        (("--password-stdin",), "\n", Exit.MALFORMED),
        (("--password-stdin",), "tab\there\n", Exit.MALFORMED),
        (("--password-stdin",), "x" * 1025 + "\n", Exit.MALFORMED),
        (("--generate", "--role", "king"), "", Exit.USAGE),
        (("--generate", "--quota", "-1"), "", Exit.MALFORMED),
    ],
)
def test_what_cannot_be_is_refused_and_makes_no_account(mailquay, domain, arguments, stdin, status):
    address = f"ada@{domain}"
    mailquay("account", "add", address, *arguments, stdin=stdin, status=status)
    assert mailquay("account", "list", "--domain", domain, "--json").data == []


def test_account_of_a_foreign_domain_is_refused_before_a_password_is_asked_for(mailquay):
    told = mailquay("account", "add", "ada@nowhere.test", status=Exit.NOT_FOUND)
    assert "there is no domain nowhere.test" in told.error
