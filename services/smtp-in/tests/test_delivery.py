"""What becomes of a message: trace fields, recipients, quota, loops, repetitions, sizes.

RFC 5321 §4.4 (trace fields, in the words of RFC 3848), §4.5.1 (postmaster), §6.3 (loops).
"""

import json
import re

import pytest


def send(client, recipients, message: bytes, *, sender: bytes = b"sender@example.net", size=None):
    """A transaction up to its last reply; every recipient is expected to be taken."""
    suffix = b"" if size is None else b" SIZE=%d" % size
    assert client.ask(b"MAIL FROM:<" + sender + b">" + suffix).startswith(b"250 ")
    for recipient in recipients:
        reply = client.ask(b"RCPT TO:<" + recipient.encode() + b">")
        assert reply == b"250 2.1.5 Ok", (recipient, reply)
    assert client.ask(b"DATA").startswith(b"354 ")
    return client.ask(message.removesuffix(b"\r\n") + b"\r\n.")


@pytest.fixture
def client(site):
    with site.client() as client:
        yield client


_NUMBERS = iter(range(1, 1_000_000))


def message(text: str = "Hello.", **fields: str) -> bytes:
    """A message of its own Message-ID."""
    head = {"From": "sender@example.net", "Message-ID": f"<{next(_NUMBERS)}@example.net>"}
    head |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{name}: {value}" for name, value in head.items()]
    return "\r\n".join([*lines, "", text, ""]).encode()


def test_a_message_is_there_when_250_is_said(site, client):
    sent = message(Subject="there")
    reply = send(client, ["alice@example.org"], sent)
    match = re.fullmatch(rb"250 2\.6\.0 Ok, ([0-9a-f]{16})", reply)
    assert match is not None
    stored = site.inbox("alice@example.org")[-1]
    trace, rest = stored[: -len(sent)], stored[-len(sent) :]
    assert rest == sent
    assert re.fullmatch(
        rb"Return-Path: <sender@example\.net>\r\n"
        rb"Received: from client\.example \(\[127\.0\.0\.1\]\)\r\n"
        rb"\tby mail\.mailquay\.test\r\n"
        rb"\twith ESMTP id " + match[1] + rb"\r\n"
        rb"\tfor <alice@example\.org>; \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n",
        trace,
    )


def test_recipients_are_not_told_of_one_another(site, client):
    assert send(client, ["alice@example.org", "bob@example.org"], message()).startswith(b"250 ")
    for name in ("alice", "bob"):
        assert b"for <" not in site.inbox(f"{name}@example.org")[-1]


def test_a_bounce_is_taken(site, client):
    assert send(client, ["alice@example.org"], message(), sender=b"").startswith(b"250 ")
    assert site.inbox("alice@example.org")[-1].startswith(b"Return-Path: <>\r\n")


def test_there_is_one_return_path_and_it_is_the_envelopes(site, client):
    forged = message(Return_Path="<forged@example.com>")
    assert send(client, ["alice@example.org"], forged).startswith(b"250 ")
    stored = site.inbox("alice@example.org")[-1]
    assert stored.lower().count(b"return-path:") == 1
    assert b"forged" not in stored


def test_how_it_came_is_told(site):
    for hello, keyword in ((b"HELO c.example", b"with SMTP id"), (b"EHLO c", b"with ESMTP id")):
        with site.client(hello=hello) as client:
            send(client, ["alice@example.org"], message())
            assert keyword in site.inbox("alice@example.org")[-1]
    with site.client() as client:
        client.ask(b"STARTTLS")
        client.start_tls(site.tls)
        client.ask(b"EHLO secure.example")
        send(client, ["alice@example.org"], message())
        stored = site.inbox("alice@example.org")[-1]
        assert b"by mail.mailquay.test (TLSv1.3 cipher TLS_" in stored
        assert b"with ESMTPS id" in stored
        assert client.ask("MAIL FROM:<ä@example.net> SMTPUTF8".encode()).startswith(b"250 ")
        client.ask(b"RCPT TO:<alice@example.org>")
        client.ask(b"DATA")
        assert client.ask(message("Grüße") + b".").startswith(b"250 ")
        stored = site.inbox("alice@example.org")[-1]
        assert b"with UTF8SMTPS id" in stored
        assert stored.startswith("Return-Path: <ä@example.net>\r\n".encode())


def test_a_name_that_would_break_the_field_does_not(site):
    with site.client(hello=b"EHLO (evil;") as client:
        send(client, ["alice@example.org"], message())
    received = site.inbox("alice@example.org")[-1].split(b"\r\n")[1]
    assert received.count(b"(") == received.count(b")") == 1
    assert b";" not in received


def test_text_without_a_header_is_a_body(site, client):
    assert send(client, ["alice@example.org"], b"just text\r\nof two lines\r\n").startswith(b"250 ")
    head, _, body = site.inbox("alice@example.org")[-1].partition(b"\r\n\r\n")
    assert head.startswith(b"Return-Path: ")
    assert body == b"just text\r\nof two lines\r\n"


def test_an_empty_message_is_one(site, client):
    for empty in (b"", b"\r\n"):
        client.ask(b"MAIL FROM:<sender@example.net>")
        client.ask(b"RCPT TO:<alice@example.org>")
        client.ask(b"DATA")
        assert client.ask(empty + b".").startswith(b"250 ")
        assert site.inbox("alice@example.org")[-1].endswith(b"+0000\r\n" + empty)


def test_an_address_in_any_script_is_somebodys(site, client):
    site.deployment.add_account("jürgen@xn--bcher-kva.example")
    reply = client.ask("MAIL FROM:<ä@example.net> SMTPUTF8".encode())
    assert reply == b"250 2.1.0 Ok"
    for address in ("jürgen@bücher.example", "JÜRGEN@xn--bcher-kva.example"):
        assert client.ask(f"RCPT TO:<{address}>".encode()) == b"250 2.1.5 Ok"
    client.ask(b"DATA")
    assert client.ask(message() + b".").startswith(b"250 ")
    assert len(site.inbox("jürgen@xn--bcher-kva.example")) == 1


# recipients


@pytest.fixture(scope="module")
def names(site):
    """Aliases, a catch-all, a disabled account, full ones."""
    add = site.deployment.add_account
    add("gone@example.org")
    add("full@example.org", quota_bytes=1)
    add("small@example.org", quota_bytes=2000)
    add("root@example.com", role="admin")
    add("box@example.com")

    async def make(store):
        accounts = store.accounts
        await accounts.set_state("gone@example.org", "disabled")
        await accounts.add_alias("team@example.org", ["alice@example.org", "bob+t@example.org"])
        await accounts.add_alias("all@example.org", ["team@example.org", "carol@example.org"])
        await accounts.add_alias("away@example.org", ["Someone.Else@example.net"])
        await accounts.add_alias("both@example.org", ["alice@example.org", "x@example.net"])
        await accounts.add_alias("mixed@example.org", ["alice@example.org", "full@example.org"])
        await accounts.add_alias("round@example.org", ["about@example.org"])
        await accounts.add_alias("about@example.org", ["round@example.org"])
        await accounts.add_alias("old@example.org", ["gone@example.org"])
        await accounts.set_catch_all("example.com", "box@example.com")

    site.store(make)


def new_in(site, *addresses):
    """How many messages each of them has."""
    return {address: len(site.inbox(address)) for address in addresses}


EVERYONE = tuple(f"{name}@example.org" for name in ("alice", "bob", "carol"))


@pytest.mark.parametrize(
    ("recipients", "who"),
    [
        (["alice+tag@example.org"], ["alice"]),
        (["team@example.org"], ["alice", "bob"]),
        (["all@example.org"], ["alice", "bob", "carol"]),
        (["all@example.org", "team@example.org", "alice@example.org"], ["alice", "bob", "carol"]),
        (["alice@example.org", "ALICE@EXAMPLE.ORG", "alice@example.org"], ["alice"]),
        (["team+sub@example.org"], ["alice", "bob"]),
    ],
)
def test_a_recipient_is_whom_it_means_and_gets_it_once(site, names, client, recipients, who):
    before = new_in(site, *EVERYONE)
    assert send(client, recipients, message()).startswith(b"250 ")
    after = new_in(site, *EVERYONE)
    assert {a for a in EVERYONE if after[a] > before[a]} == {f"{n}@example.org" for n in who}
    assert all(after[a] - before[a] <= 1 for a in EVERYONE)


def test_the_catch_all_gets_what_nobody_is(site, names, client):
    before = new_in(site, "box@example.com")
    assert send(client, ["whoever@example.com"], message()).startswith(b"250 ")
    assert new_in(site, "box@example.com") == {"box@example.com": before["box@example.com"] + 1}


@pytest.mark.parametrize("address", [b"postmaster", b"Postmaster", b"postmaster@example.com"])
def test_the_postmaster_is_never_refused(site, names, client, address):
    client.ask(b"MAIL FROM:<>")
    assert client.ask(b"RCPT TO:<" + address + b">") == b"250 2.1.5 Ok"


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        (b"gone@example.org", b"550 5.2.1"),
        (b"old@example.org", b"550 5.2.1"),
        (b"full@example.org", b"452 4.2.2"),
        (b"round@example.org", b"550 5.1.1"),
        (b"nobody+tag@example.org", b"550 5.1.1"),
    ],
)
def test_who_cannot_receive_is_refused_at_once(site, names, client, address, reply):
    client.ask(b"MAIL FROM:<a@example.net> SIZE=100")
    assert client.ask(b"RCPT TO:<" + address + b">").startswith(reply + b" ")


def test_an_alias_to_elsewhere_is_queued_beside_who_is_here(site, names, client):
    before = len(site.inbox("alice@example.org"))
    queued = {m.id for m, _ in site.queue()}
    assert send(client, ["both@example.org", "away@example.org"], message()).startswith(b"250 ")
    assert len(site.inbox("alice@example.org")) == before + 1
    (addresses,) = [sorted(a) for m, a in site.queue() if m.id not in queued]
    assert addresses == ["Someone.Else@example.net", "x@example.net"]


def test_a_size_that_does_not_fit_is_refused_at_rcpt(site, names, client):
    client.ask(b"MAIL FROM:<a@example.net> SIZE=3000")
    assert client.ask(b"RCPT TO:<small@example.org>").startswith(b"452 4.2.2 ")
    assert client.ask(b"RCPT TO:<alice@example.org>").startswith(b"250 ")


def test_an_undeclared_size_that_does_not_fit_is_refused_after_data(site, names, client):
    site.deployment.add_account("tight@example.org", quota_bytes=2000)
    reply = send(client, ["tight@example.org"], message("x" * 3000))
    assert reply == b"452 4.2.2 The mailbox is full"
    assert site.inbox("tight@example.org") == []


def test_a_full_mailbox_among_others_loses_nothing(site, names, client):
    """One reply is for all of them: it goes in above the quota, or it would be lost unheard."""
    assert send(client, ["mixed@example.org"], message()).startswith(b"250 ")
    assert len(site.inbox("full@example.org")) == 1
    big = message("x" * 3000)
    assert send(client, ["small@example.org", "bob@example.org"], big).startswith(b"250 ")
    assert len(site.inbox("small@example.org")) == 1


def test_who_goes_between_rcpt_and_data_makes_the_sender_try_again(site, names, client):
    site.deployment.add_account("brief@example.org")
    sent = message()
    before = len(site.inbox("carol@example.org"))
    client.ask(b"MAIL FROM:<sender@example.net>")
    for name in (b"brief", b"carol"):
        assert client.ask(b"RCPT TO:<" + name + b"@example.org>") == b"250 2.1.5 Ok"
    site.store(lambda store: store.accounts.remove("brief@example.org"))
    client.ask(b"DATA")
    assert client.ask(sent + b".").startswith(b"451 4.3.0 ")
    assert send(client, ["carol@example.org"], sent).startswith(b"250 ")
    assert len(site.inbox("carol@example.org")) == before + 1, "not a second time"


def test_a_thousand_recipients_are_taken_and_one_more_is_told_to_wait(site, client):
    client.send(b"MAIL FROM:<sender@example.net>\r\n")
    client.send(b"".join(b"RCPT TO:<carol+%d@example.org>\r\n" % n for n in range(1001)))
    replies = [client.reply() for _ in range(1002)]
    assert replies[:1001] == [b"250 2.1.0 Ok"] + [b"250 2.1.5 Ok"] * 1000
    assert replies[1001] == b"452 4.5.3 Too many recipients"
    before = len(site.inbox("carol@example.org"))
    client.ask(b"DATA")
    assert client.ask(message() + b".").startswith(b"250 ")
    assert len(site.inbox("carol@example.org")) == before + 1


# loops, repetitions, sizes


def test_a_message_with_too_many_hops_is_refused(site, client):
    before = site.inbox("alice@example.org")
    hops = b"Received: from a by b; x\r\n" * 51
    reply = send(client, ["alice@example.org"], hops + message())
    assert reply == b"554 5.4.6 Too many hops, the message is in a loop"
    assert site.inbox("alice@example.org") == before
    assert send(client, ["alice@example.org"], hops[26:] + message()).startswith(b"250 ")


def test_a_header_that_is_too_large_is_refused_and_a_large_one_leaves_others_their_turn(site):
    before = len(site.inbox("carol@example.org"))
    with site.client() as client, site.client() as other:
        large = b"X:\r\n" * 200_000 + message()
        assert send(client, ["carol@example.org"], large).startswith(b"250 ")
        assert other.ask(b"NOOP") == b"250 2.0.0 Ok"
        reply = send(client, ["carol@example.org"], b"X:\r\n" * 300_000 + message())
        assert reply == b"552 5.3.4 The message's header is too large"
    assert len(site.inbox("carol@example.org")) == before + 1


def test_hops_in_the_body_are_no_hops(site, client):
    body = "\r\n".join(["Received: from a by b; x"] * 100)
    assert send(client, ["alice@example.org"], message(body)).startswith(b"250 ")


def test_a_message_that_is_repeated_is_acknowledged_and_not_stored_again(site):
    sent = message()
    before = len(site.inbox("alice@example.org"))
    for _ in range(3):
        with site.client() as client:
            assert send(client, ["alice@example.org"], sent).startswith(b"250 2.6.0 ")
    assert len(site.inbox("alice@example.org")) == before + 1
    with site.client() as client:
        assert send(client, ["alice@example.org"], sent, sender=b"o@example.net").startswith(b"250")
        assert send(client, ["bob@example.org"], sent).startswith(b"250 ")
    assert len(site.inbox("alice@example.org")) == before + 2, "another sender is another message"
    assert sent in site.inbox("bob@example.org")[-1]


def test_what_is_too_large_is_refused_after_its_end_and_the_dialogue_goes_on(site, client):
    client.ask(b"MAIL FROM:<sender@example.net>")
    client.ask(b"RCPT TO:<alice@example.org>")
    client.ask(b"DATA")
    line = b"x" * 998 + b"\r\n"
    for _ in range(53):
        client.send(line * 1049)
    assert client.ask(b".") == b"552 5.3.4 The message is too large"
    assert client.ask(b"NOOP") == b"250 2.0.0 Ok"


def test_a_large_message_and_long_lines_come_through(site, client):
    sent = message("y" * 5000 + "\r\n" + "z" * 3_000_000)
    assert send(client, ["bob@example.org"], sent, size=len(sent)).startswith(b"250 ")
    assert site.inbox("bob@example.org")[-1].endswith(sent)


def test_the_trace_id_of_the_reply_is_in_the_log(site, client):
    trace_id = send(client, ["alice@example.org"], message()).rpartition(b" ")[2].decode()
    entries = [json.loads(line) for line in site.log().splitlines() if trace_id in line]
    (accepted,) = [entry for entry in entries if entry["event"] == "accepted"]
    assert (accepted["trace_id"], accepted["client"]) == (trace_id, "127.0.0.1")


def test_nothing_of_what_a_message_says_is_logged(site, client):
    send(client, ["alice@example.org"], message("the secret text", Subject="secret subject"))
    assert "secret" not in site.log()
