"""Submission (RFC 6409): who may write as whom, what is added, what is taken out, where it goes."""

import asyncio
import base64
import email
import email.policy
import re

import pytest

from mailquay.events import Bus, IdentityRevoked
from mailquay.runtime.settings import NatsSettings
from mailquay.testing.deployment import PASSWORD


@pytest.fixture(scope="module")
def own(site):
    """What alice may write from besides her address."""

    async def make(store):
        await store.accounts.add_alias(
            "sales@example.org", ["alice@example.org", "bob@example.org"]
        )
        await store.accounts.add_alias("hers@example.org", ["bob@example.org"])

    site.store(make)


@pytest.fixture
def client(site, own):
    credentials = b"\0alice@example.org\0" + PASSWORD.encode()
    with site.client("submission") as client:
        reply = client.ask(b"AUTH PLAIN " + base64.b64encode(credentials))
        assert reply.startswith(b"235 ")
        yield client


def submit(client, recipients, message: bytes, *, sender: bytes = b"alice@example.org") -> bytes:
    assert client.ask(b"MAIL FROM:<" + sender + b">").startswith(b"250 ")
    for recipient in recipients:
        assert client.ask(b"RCPT TO:<" + recipient + b">") == b"250 2.1.5 Ok"
    assert client.ask(b"DATA").startswith(b"354 ")
    return client.ask(message.removesuffix(b"\r\n") + b"\r\n.")


def last(site, address="bob@example.org"):
    """The newest message of an INBOX, as the standard library reads it."""
    return email.message_from_bytes(site.inbox(address)[-1], policy=email.policy.default)


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        (b"alice@example.org", b"250 2.1.0"),
        (b"Alice@EXAMPLE.org", b"250 2.1.0"),
        (b"alice+tag@example.org", b"250 2.1.0"),
        (b"sales@example.org", b"250 2.1.0"),
        (b"sales+eu@example.org", b"250 2.1.0"),
        (b"", b"250 2.1.0"),
        (b"hers@example.org", b"553 5.7.1"),
        (b"bob@example.org", b"553 5.7.1"),
        (b"bob+alice@example.org", b"553 5.7.1"),
        (b"alice@example.net", b"553 5.7.1"),
        (b"postmaster@example.org", b"553 5.7.1"),
        (b"alice", b"553 5.1.7"),
    ],
)
def test_the_sender_is_an_address_of_ones_own(client, sender, reply):
    assert client.ask(b"MAIL FROM:<" + sender + b">").startswith(reply + b" ")


OWN = b"Sender: alice@example.org\r\n"
FROMS = [
    (b"From: Alice <alice@example.org>\r\n", True),
    (b"From: sales@example.org\r\n", True),
    (b"From: alice+x@example.org, sales@example.org\r\n", True),
    (b"From: boss@example.org\r\n" + OWN, True),
    (b"From: someone@example.net\r\nResent-From: alice@example.org\r\n", True),
    (b"From: boss@example.org\r\n", False),
    (b"From: alice@example.org, boss@example.org\r\n", False),
    (b"From: alice@example.org\r\nFrom: boss@example.org\r\n", False),
    (b"From: boss@example.org\r\nSender: bob@example.org\r\n", False),
    (b'From: "alice@example.org" <boss@example.org>\r\n', False),
    (b"From: The Boss\r\n", False),
    (b"From: " + b", ".join([b"alice+%d@example.org" % n for n in range(100)]) + b"\r\n", False),
]


@pytest.mark.parametrize(("fields", "is_taken"), FROMS)
def test_the_message_says_so_too(site, client, fields, is_taken):
    before = len(site.inbox("bob@example.org"))
    reply = submit(client, [b"bob@example.org"], fields + b"Subject: x\r\n\r\nx\r\n")
    refusal = b"550 5.7.1 The message's From is not an address of yours"
    assert reply.startswith(b"250 ") if is_taken else reply == refusal
    assert len(site.inbox("bob@example.org")) == before + is_taken


def test_a_from_in_the_body_is_none(site, client):
    message = b"Subject: x\r\n\r\nFrom: boss@example.org\r\n"
    assert submit(client, [b"bob@example.org"], message).startswith(b"250 ")
    assert last(site)["From"] == "alice@example.org"


def test_what_is_missing_is_added(site, client):
    assert submit(client, [b"bob@example.org"], b"Subject: bare\r\n\r\nx\r\n").startswith(b"250 ")
    message = last(site)
    assert message["Subject"] == "bare"
    assert message["From"] == "alice@example.org"
    assert message["Date"].datetime is not None
    assert re.fullmatch(r"<[0-9a-f]+\.\d+@mail\.mailquay\.test>", message["Message-ID"])


def test_what_is_there_is_left_alone(site, client):
    sent = (
        b"date: Mon, 2 Mar 2026 10:00:00 +0100\r\nFROM: alice@example.org\r\n"
        b"message-id: <own@example.org>\r\nX-Odd : kept\r\n\r\nx\r\n"
    )
    assert submit(client, [b"bob@example.org"], sent).startswith(b"250 ")
    assert site.inbox("bob@example.org")[-1].endswith(b"\r\n" + sent)


def test_text_alone_becomes_a_message(site, client):
    assert submit(client, [b"bob@example.org"], b"only text\r\n").startswith(b"250 ")
    message = last(site)
    assert message["From"] == "alice@example.org"
    assert message.get_content().strip() == "only text"


def test_blind_copies_stay_blind(site, client):
    sent = (
        b"From: alice@example.org\r\nTo: bob@example.org\r\nBcc: carol@example.org,\r\n"
        b" secret@example.net\r\nResent-Bcc: other@example.net\r\nSubject: blind\r\n\r\nBcc: x\r\n"
    )
    recipients = [b"bob@example.org", b"carol@example.org", b"secret@example.net"]
    assert submit(client, recipients, sent).startswith(b"250 ")
    for name in ("bob", "carol"):
        stored = site.inbox(f"{name}@example.org")[-1]
        head, _, body = stored.partition(b"\r\n\r\n")
        assert b"Subject: blind" in head
        assert b"bcc" not in head.lower()
        assert b"secret" not in head
        assert body == b"Bcc: x\r\n"
    (queued,) = [m for m, addresses in site.queue() if addresses == ["secret@example.net"]]
    assert b"bcc" not in site.body(queued).partition(b"\r\n\r\n")[0].lower()


def test_where_one_writes_from_stays_private(site, client):
    submit(client, [b"bob@example.org"], b"Subject: private\r\n\r\nx\r\n")
    received = last(site)["Received"]
    assert "127.0.0.1" not in received
    assert "client.example" not in received
    assert "with ESMTPA id" in received


def test_recipients_here_are_delivered_and_the_others_queued_together(site, client):
    before = len(site.inbox("bob@example.org"))
    sent = b"Message-ID: <mixed@example.org>\r\nSubject: mixed\r\n\r\nx\r\n"
    recipients = [b"bob@example.org", b"John.Doe@EXAMPLE.net", b'"a b"@example.com']
    assert submit(client, recipients, sent).startswith(b"250 ")
    assert len(site.inbox("bob@example.org")) == before + 1
    queued = [(m, a) for m, a in site.queue() if "John.Doe@example.net" in a]
    ((message, addresses),) = queued
    assert sorted(addresses) == ['"a b"@example.com', "John.Doe@example.net"]
    assert message.reverse_path == "alice@example.org"
    assert message.account_id is not None
    assert site.body(message) == site.inbox("bob@example.org")[-1], "one body for all"
    for _ in range(2):
        assert submit(client, recipients, sent).startswith(b"250 ")
    assert len(site.inbox("bob@example.org")) == before + 1
    assert [(m, a) for m, a in site.queue() if "John.Doe@example.net" in a] == queued


def test_unknown_recipients_here_are_refused_to_ones_own_users_too(client):
    client.ask(b"MAIL FROM:<alice@example.org>")
    assert client.ask(b"RCPT TO:<nobody@example.org>") == b"550 5.1.1 No such user here"
    assert client.ask(b"RCPT TO:<not an address>").startswith(b"501 5.1.3 ")
    assert client.ask(b"RCPT TO:<x@exa_mple..net>").startswith(b"553 5.1.3 ")


def test_an_internationalised_submission_is_queued_as_one(site, client):
    assert client.ask(b"MAIL FROM:<alice@example.org> SMTPUTF8").startswith(b"250 ")
    assert client.ask("RCPT TO:<jürgen@bücher.example>".encode()) == b"250 2.1.5 Ok"
    client.ask(b"DATA")
    reply = client.ask("From: alice@example.org\r\nSubject: Grüße\r\n\r\nx\r\n.".encode())
    assert reply.startswith(b"250 ")
    (message,) = [m for m, a in site.queue() if a == ["jürgen@xn--bcher-kva.example"]]
    assert message.smtputf8


def test_a_session_ends_when_its_account_is_revoked(site):
    account = site.deployment.add_account("fired@example.org")
    credentials = b"\0fired@example.org\0" + PASSWORD.encode()
    with site.client("submission") as client:
        assert client.ask(b"AUTH PLAIN " + base64.b64encode(credentials)).startswith(b"235 ")

        async def tell() -> None:
            bus = await Bus.open(NatsSettings(url=site.deployment.nats_url))
            await bus.wait_connected(10)
            bus.publish(IdentityRevoked(account_id=account.id, credential_version=2))
            await bus.close()

        asyncio.run(tell())
        assert client.reply() == b"421 4.7.0 The account was changed, please sign in again"
        assert client.line() == b""
