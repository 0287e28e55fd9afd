"""LMTP (RFC 2033): as SMTP, but each recipient has a reply of its own."""

import pytest


@pytest.fixture
def client(site):
    with site.client("lmtp", hello=b"LHLO front.example") as client:
        yield client


def test_lmtp_is_no_smtp(site):
    with site.client("lmtp", hello=None) as client:
        assert client.ask(b"EHLO x") == b"500 5.5.1 This is LMTP, send LHLO"
        assert client.ask(b"HELO x") == b"500 5.5.1 This is LMTP, send LHLO"
        lines = client.ask(b"LHLO front.example").split(b"\n")
        assert {b"250-PIPELINING", b"250 ENHANCEDSTATUSCODES"} <= set(lines)
        assert client.ask(b"AUTH PLAIN").startswith(b"502 ")


def test_each_recipient_that_was_taken_has_a_reply_in_order(site, client):
    site.deployment.add_account("narrow@example.org", quota_bytes=1000)
    before = len(site.inbox("alice@example.org"))
    client.send(
        b"MAIL FROM:<a@example.net>\r\nRCPT TO:<alice@example.org>\r\n"
        b"RCPT TO:<nobody@example.org>\r\nRCPT TO:<narrow@example.org>\r\n"
        b"RCPT TO:<bob@example.org>\r\nDATA\r\n"
    )
    codes = [client.reply()[:9] for _ in range(6)]
    assert codes == [b"250 2.1.0", b"250 2.1.5", b"550 5.1.1", b"250 2.1.5", b"250 2.1.5",
                     b"354 End d"]  # fmt: skip
    client.send(b"Subject: each\r\n\r\n" + b"x" * 2000 + b"\r\n.\r\n")
    assert client.reply().startswith(b"250 2.6.0 ")
    assert client.reply() == b"452 4.2.2 The mailbox is full"
    assert client.reply().startswith(b"250 2.6.0 ")
    assert client.ask(b"NOOP") == b"250 2.0.0 Ok"
    stored = site.inbox("alice@example.org")
    assert len(stored) == before + 1
    assert b"with LMTP id" in stored[-1]
    assert site.inbox("narrow@example.org") == []


def test_a_refused_message_is_refused_to_each(client):
    client.ask(b"MAIL FROM:<a@example.net>")
    for name in (b"alice", b"bob"):
        client.ask(b"RCPT TO:<" + name + b"@example.org>")
    client.ask(b"DATA")
    client.send(b"bare\nline\r\n.\r\n")
    assert [client.reply()[:9] for _ in range(2)] == [b"550 5.6.0"] * 2
    assert client.ask(b"NOOP") == b"250 2.0.0 Ok"


def test_without_recipients_there_is_no_data(client):
    client.ask(b"MAIL FROM:<a@example.net>")
    assert client.ask(b"DATA") == b"503 5.5.1 Need RCPT first"


def test_two_recipients_that_are_one_account_have_two_replies_and_one_message(site, client):
    before = len(site.inbox("carol@example.org"))
    client.ask(b"MAIL FROM:<a@example.net>")
    for name in (b"carol", b"carol+x"):
        client.ask(b"RCPT TO:<" + name + b"@example.org>")
    client.ask(b"DATA")
    client.send(b"Subject: two\r\n\r\nx\r\n.\r\n")
    assert [client.reply()[:9] for _ in range(2)] == [b"250 2.6.0"] * 2
    assert len(site.inbox("carol@example.org")) == before + 1
