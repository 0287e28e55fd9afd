"""DSN (RFC 3461): the parameters, what is handed on, and who is told what."""

import base64
import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.dsn import decode_xtext, encode_xtext
from mailquay.testing.deployment import PASSWORD
from mailquay_smtp_in.dsn import (
    read_envelope_id,
    read_notify,
    read_original_recipient,
    read_ret,
)
from mailquay_smtp_in.syntax import ParameterFault

READ = [
    (read_ret, "full", "FULL"),
    (read_ret, "HDRS", "HDRS"),
    (read_notify, "never", "NEVER"),
    (read_notify, "SUCCESS", "SUCCESS"),
    (read_notify, "delay,Failure,success", "SUCCESS,FAILURE,DELAY"),
    (read_notify, "SUCCESS,SUCCESS", "SUCCESS"),
    (read_envelope_id, "QQ314159", "QQ314159"),
    (read_envelope_id, "a+2Bb+20c", "a+2Bb+20c"),
    (read_original_recipient, "rfc822;Bob@example.com", "rfc822;Bob@example.com"),
    (read_original_recipient, "X-Y;a+3Db", "X-Y;a+3Db"),
    (read_original_recipient, "utf-8;jürgen@example.com", "utf-8;jürgen@example.com"),
]


@pytest.mark.parametrize(("read", "value", "expected"), READ)
def test_a_parameter_is_read(read, value, expected):
    assert read(value) == expected


REFUSED = [
    (read_ret, ""), (read_ret, "BODY"), (read_notify, ""), (read_notify, "NEVER,SUCCESS"),
    (read_notify, "SUCCESS,"), (read_notify, "ALWAYS"), (read_envelope_id, ""),
    (read_envelope_id, "x" * 101), (read_envelope_id, "a+b"), (read_envelope_id, "a+0D"),
    (read_envelope_id, "a+2b"), (read_envelope_id, "ä"), (read_original_recipient, "bob@x"),
    (read_original_recipient, ";bob@x"), (read_original_recipient, "rfc822;a+x"),
    (read_original_recipient, "rfc822;ä@x"), (read_original_recipient, "rfc822;" + "x" * 500),
]  # fmt: skip


@pytest.mark.parametrize(("read", "value"), REFUSED)
def test_a_parameter_that_is_malformed_is_refused(read, value):
    with pytest.raises(ParameterFault):
        read(value)


@given(
    read=st.sampled_from([read_ret, read_notify, read_envelope_id, read_original_recipient]),
    value=st.text(max_size=60),
)
def test_any_value_is_read_or_the_typed_error(read, value):
    try:
        found = read(value)
    except ParameterFault:
        return
    assert found
    assert read(found) == found


@given(st.text(st.characters(max_codepoint=127), min_size=1, max_size=40))
def test_text_comes_through_xtext(text):
    encoded = encode_xtext(text)
    assert decode_xtext(encoded) == text
    assert read_original_recipient(f"rfc822;{encoded}") == f"rfc822;{encoded}"


# over a socket


@pytest.fixture(scope="module")
def lists(site):
    async def make(store):
        accounts = store.accounts
        await accounts.add_alias("one@example.org", ["bob@example.org"])
        await accounts.add_alias("away@example.org", ["Else@example.net"])
        await accounts.add_alias("many@example.org", ["bob@example.org", "x@example.com"])

    site.store(make)


@pytest.fixture
def client(site, lists):
    credentials = b"\0alice@example.org\0" + PASSWORD.encode()
    with site.client("submission") as client:
        reply = client.ask(b"AUTH PLAIN " + base64.b64encode(credentials))
        assert reply.startswith(b"235 ")
        yield client


def test_dsn_is_offered_to_those_whom_we_know(site):
    for port, is_offered in (("smtp", False), ("submission", True), ("submissions", True)):
        with site.client(port, hello=None) as client:
            assert (b"250-DSN" in client.ask(b"EHLO x").split(b"\n")) is is_offered
    with site.client("smtp") as client:
        assert client.ask(b"MAIL FROM:<a@example.net> RET=HDRS").startswith(b"555 5.5.4 ")


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"MAIL FROM:<alice@example.org> RET=HDRS ENVID=QQ314159", b"250 2.1.0"),
        (b"MAIL FROM:<alice@example.org> RET=ALL", b"501 5.5.4"),
        (b"MAIL FROM:<alice@example.org> ENVID=a+b", b"501 5.5.4"),
        (b"MAIL FROM:<alice@example.org> NOTIFY=NEVER", b"555 5.5.4"),
    ],
)
def test_what_mail_asks_is_judged(client, command, reply):
    assert client.ask(command).startswith(reply + b" ")


@pytest.mark.parametrize(
    ("parameters", "reply"),
    [
        (b"NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob@example.com", b"250 2.1.5"),
        (b"NOTIFY=NEVER", b"250 2.1.5"),
        (b"NOTIFY=NEVER,DELAY", b"501 5.5.4"),
        (b"ORCPT=bob", b"501 5.5.4"),
        (b"RET=HDRS", b"555 5.5.4"),
    ],
)
def test_what_rcpt_asks_is_judged(client, parameters, reply):
    client.ask(b"MAIL FROM:<alice@example.org>")
    assert client.ask(b"RCPT TO:<bob@example.org> " + parameters).startswith(reply + b" ")


def submit(client, number: int, *recipients: bytes, sender: bytes = b"<alice@example.org>"):
    assert client.ask(b"MAIL FROM:" + sender + b" RET=FULL ENVID=id+2B1").startswith(b"250 ")
    for recipient in recipients:
        assert client.ask(b"RCPT TO:" + recipient) == b"250 2.1.5 Ok"
    client.ask(b"DATA")
    return client.ask(
        b"From: alice@example.org\r\nBcc: secret@example.net\r\nSubject: told\r\n"
        b"Message-ID: <told%d@example.org>\r\n\r\nbody\r\n." % number
    )


def reports(site) -> list[email.message.EmailMessage]:
    found = [
        email.message_from_bytes(raw, policy=email.policy.default)
        for raw in site.inbox("alice@example.org")
    ]
    return [message for message in found if message.get_content_type() == "multipart/report"]


def fields(report) -> list[email.message.Message]:
    return report.get_payload()[1].get_payload()


def test_a_delivery_here_is_confirmed_to_who_asks_and_once(site, client):
    before = len(reports(site))
    asked = b"<bob+x@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bobby@example.com"
    for _ in range(2):  # the client had lost the first reply
        assert submit(client, 1, asked, b"<carol@example.org>").startswith(b"250 2.6.0 ")
    (report,) = reports(site)[before:]
    assert report["Return-Path"] == "<>"
    assert report["To"] == "alice@example.org"
    message, recipient = fields(report)
    assert message["Original-Envelope-Id"] == "id+1"
    assert message["Reporting-MTA"] == "dns; mail.mailquay.test"
    assert recipient["Original-Recipient"] == "rfc822;Bobby@example.com"
    assert recipient["Final-Recipient"] == "rfc822; bob+x@example.org"
    assert (recipient["Action"], recipient["Status"]) == ("delivered", "2.1.5")
    returned = report.get_payload()[2]
    assert returned.get_content_type() == "text/rfc822-headers", "whatever RET says"
    assert "Subject: told" in returned.get_content()
    assert "secret" not in report.as_string()


def test_an_alias_is_its_account_and_a_list_is_expanded(site, client):
    before = len(reports(site))
    assert submit(
        client, 2, b"<one@example.org> NOTIFY=SUCCESS", b"<many@example.org> NOTIFY=SUCCESS"
    ).startswith(b"250 ")
    told = {}
    for report in reports(site)[before:]:
        _, recipient = fields(report)
        told[recipient["Final-Recipient"]] = recipient["Action"]
    assert told == {"rfc822; one@example.org": "delivered", "rfc822; many@example.org": "expanded"}


def test_nobody_is_told_who_has_not_asked(site, client):
    before = len(reports(site))
    recipients = (b"<bob@example.org>", b"<carol@example.org> NOTIFY=NEVER",
                  b"<one@example.org> NOTIFY=FAILURE,DELAY")  # fmt: skip
    assert submit(client, 3, *recipients).startswith(b"250 ")
    assert submit(client, 4, b"<bob@example.org> NOTIFY=SUCCESS", sender=b"<>").startswith(b"250 ")
    assert len(reports(site)) == before


def test_what_is_asked_of_elsewhere_is_queued_with_it(site, client):
    before = len(reports(site))
    assert submit(
        client,
        5,
        b"<far@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;far@example.com",
        b"<away@example.org> NOTIFY=SUCCESS",
        b"<many@example.org> NOTIFY=SUCCESS,FAILURE",
        b"<plain@example.net>",
    ).startswith(b"250 ")

    async def look(store):
        leases = await store.queue.lease("test", 1000, 60)
        messages = await store.queue.messages([lease.message_id for lease in leases])
        await store.queue.hand_back("test", leases)
        return leases, messages

    leases, messages = site.store(look)
    newest = max(lease.message_id for lease in leases)
    asked = {
        lease.address: (lease.notify, lease.original_recipient)
        for lease in leases
        if lease.message_id == newest
    }
    assert asked == {
        "far@example.net": ("SUCCESS,DELAY", "rfc822;far@example.com"),
        "Else@example.net": ("SUCCESS", "rfc822;away@example.org"),
        "x@example.com": ("FAILURE", "rfc822;many@example.org"),
        "plain@example.net": (None, None),
    }
    assert (messages[newest].ret, messages[newest].envelope_id) == ("FULL", "id+2B1")
    assert len(reports(site)) == before + 1, "of the list alone"
