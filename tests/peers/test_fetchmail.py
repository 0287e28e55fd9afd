"""fetchmail: everything comes out of POP3 and IMAP as it was delivered."""

import poplib
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from mailquay.testing.deployment import PASSWORD
from mailquay.testing.lines import LineClient

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("fetchmail") is None, reason="fetchmail is not installed"),
]

ADDRESS = "alice@example.org"
SEPARATOR = b"\n=====8<=====\n"


def messages() -> list[bytes]:
    """Mail with all that is hard to carry by lines."""
    chance = random.Random(20231218)
    texts = [
        "plain\r\n",
        ".\r\n..\r\n.dot\r\n...\r\n",
        "From the first word\r\n>From quoted\r\n",
        "ends in blank lines\r\n\r\n\r\n",
        "Grüße, 日本\r\n",
        "x" * 990 + "\r\n",
        "".join(f".{n}\r\n" for n in range(20_000)),
        "",
        *("".join(chance.choice(".\t aé") for _ in range(60)) + "\r\n" for _ in range(20)),
    ]
    return [
        f"From: x@example.net\r\nTo: {ADDRESS}\r\nSubject: {number}\r\n"
        f"Message-ID: <{number}@example.net>\r\n\r\n{text}".encode()
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def ports(deployment):
    deployment.add_account(ADDRESS)
    found = {}
    for service in ("smtp-in", "pop3", "imap"):
        found |= deployment.start(service).ports
    with LineClient(found["smtp"]) as client:
        client.reply()
        client.ask(b"EHLO x")
        for message in messages():
            client.ask(b"MAIL FROM:<x@example.net>")
            client.ask(b"RCPT TO:<" + ADDRESS.encode() + b">")
            client.ask(b"DATA")
            stuffed = message.replace(b"\r\n.", b"\r\n..")
            assert client.ask(stuffed + b".").startswith(b"250 ")
    return found


def fetch(
    folder: Path, ca_file: Path, protocol: str, port: int, tls: str, *, uidl: bool
) -> list[bytes]:
    """What fetchmail hands on, message by message, with the line ends of a pipe."""
    mailbox, control, deliver = (folder / name for name in ("out", "rc", "deliver"))
    deliver.write_text(f"#!/bin/sh\ncat >> {mailbox}\nprintf '{SEPARATOR.decode()}' >> {mailbox}\n")
    deliver.chmod(0o700)
    control.write_text(
        "set invisible\n"
        f"poll localhost with proto {protocol.upper()} service {port} {'uidl' if uidl else ''} "
        f'user "{ADDRESS}" password "{PASSWORD}" keep no rewrite {tls} '
        f'sslcertck sslcertfile "{ca_file}" mda "{deliver}"\n'
    )
    control.chmod(0o600)
    done = subprocess.run(
        ["fetchmail", "-f", str(control), "--nodetach", "--nosyslog", "--pidfile",
         str(folder / "fetchmail.pid"), "--idfile", str(folder / "ids"), "--fetchall"],
        capture_output=True, text=True, timeout=100, check=False, env={"HOME": str(folder),
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return mailbox.read_bytes().split(SEPARATOR)[:-1]


def expected(port: int) -> list[bytes]:
    """The same mail by the standard library's client, trace fields and all."""
    client = poplib.POP3("localhost", port)
    client.user(ADDRESS)
    client.pass_(PASSWORD)
    found = [
        b"".join(line + b"\n" for line in client.retr(number)[1])
        for number in range(1, client.stat()[0] + 1)
    ]
    client.quit()
    return found


ROUTES = [
    ("pop3", "pop3", "sslproto ''", False),
    ("pop3", "pop3", "sslproto 'TLS1.2+'", False),
    ("pop3", "pop3s", "ssl", True),
    ("imap", "imap", "sslproto 'TLS1.2+'", False),
    ("imap", "imaps", "ssl", False),
]


@pytest.mark.parametrize(("protocol", "port", "tls", "uidl"), ROUTES)
def test_every_message_comes_out_as_it_went_in(
    deployment, ports, tmp_path, protocol, port, tls, uidl
):
    fetched = fetch(tmp_path, deployment.ca_file, protocol, ports[port], tls, uidl=uidl)
    assert len(fetched) == len(messages())
    for found, message in zip(fetched, messages(), strict=True):
        assert found.endswith(message.replace(b"\r\n", b"\n"))
        assert found.startswith(b"Return-Path: <x@example.net>\n")
    assert fetched == expected(ports["pop3"])


def test_what_was_fetched_and_not_kept_is_gone(deployment, ports, tmp_path):
    deployment.add_account("emptied@example.org")
    with LineClient(ports["smtp"]) as client:
        client.reply()
        client.ask(b"EHLO x")
        client.ask(b"MAIL FROM:<x@example.net>")
        client.ask(b"RCPT TO:<emptied@example.org>")
        client.ask(b"DATA")
        assert client.ask(b"Subject: once\r\n\r\nx\r\n.").startswith(b"250 ")
    control = tmp_path / "rc"
    control.write_text(
        f'poll localhost with proto POP3 service {ports["pop3"]} user "emptied@example.org" '
        f'password "{PASSWORD}" nokeep sslproto \'\' mda "/bin/cat >> {tmp_path}/out"\n'
    )
    control.chmod(0o600)
    codes = [
        subprocess.run(
            ["fetchmail", "-f", str(control), "--nodetach", "--nosyslog", "--pidfile",
             str(tmp_path / "pid")],
            capture_output=True, timeout=60, check=False, env={"HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin"},
        ).returncode
        for _ in range(2)
    ]  # fmt: skip
    assert codes == [0, 1], "1: there was no mail"
    assert (tmp_path / "out").read_bytes().count(b"Subject: once") == 1
