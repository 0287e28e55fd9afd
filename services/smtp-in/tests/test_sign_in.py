"""STARTTLS and AUTH on the submission ports (RFC 3207, RFC 4954, RFC 8314)."""

import base64
import hashlib
import hmac
import time

import pytest

from mailquay.testing.deployment import PASSWORD

NAME = b"alice@example.org"


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


def plain(username: bytes = NAME, password: bytes = PASSWORD.encode()) -> bytes:
    return b64(b"\0" + username + b"\0" + password)


@pytest.fixture(scope="module")
def site_settings():
    """TLS before AUTH, as in production; errors that the tests make are not counted."""
    return {"SMTP_IN__ALLOW_PLAINTEXT_AUTH": "false", "SMTP_IN__MAX_ERRORS": "100",
            "IDENTITY__FAILURES_PER_ADDRESS": "1000", "IDENTITY__RECHECK_SECONDS": "0"}  # fmt: skip


@pytest.fixture
def client(site):
    with site.client("submissions") as client:
        yield client


def test_in_the_clear_there_is_starttls_and_no_auth(site):
    with site.client("submission", hello=None) as client:
        offered = client.ask(b"EHLO client.example")
        assert b"STARTTLS" in offered
        assert b"AUTH" not in offered
        assert client.ask(b"AUTH PLAIN " + plain()) == (
            b"538 5.7.11 Encryption required, send STARTTLS first"
        )
        assert client.ask(b"MAIL FROM:<alice@example.org>") == (
            b"530 5.7.0 Must issue a STARTTLS command first"
        )
        assert client.ask(b"STARTTLS") == b"220 2.0.0 Ready to start TLS"
        client.start_tls(site.tls)
        assert client.ask(b"AUTH PLAIN " + plain()).startswith(b"503 5.5.1 "), "EHLO is void"
        offered = client.ask(b"EHLO client.example")
        assert b"AUTH SCRAM-SHA-256 PLAIN LOGIN" in offered
        assert b"STARTTLS" not in offered
        assert client.ask(b"STARTTLS").startswith(b"503 5.5.1 ")
        assert client.ask(b"MAIL FROM:<alice@example.org>") == (
            b"530 5.7.0 Authentication required"
        )
        assert client.ask(b"AUTH PLAIN " + plain()) == b"235 2.7.0 Authentication successful"
        assert client.ask(b"MAIL FROM:<alice@example.org>").startswith(b"250 ")


def test_the_implicit_port_speaks_tls_at_once(client):
    assert b"STARTTLS" not in client.ask(b"EHLO client.example")
    assert client.ask(b"AUTH PLAIN " + plain()).startswith(b"235 ")


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"plain"])
def test_plain_without_an_initial_response_is_asked_for_it(client, mechanism):
    assert client.ask(b"AUTH " + mechanism) == b"334 "
    assert client.ask(plain()).startswith(b"235 ")


def test_login_asks_twice(client):
    assert client.ask(b"AUTH LOGIN") == b"334 " + b64(b"Username:")
    assert client.ask(b64(NAME)) == b"334 " + b64(b"Password:")
    assert client.ask(b64(PASSWORD.encode())).startswith(b"235 ")


def test_login_with_an_initial_response_asks_once(client):
    assert client.ask(b"AUTH LOGIN " + b64(NAME)) == b"334 " + b64(b"Password:")
    assert client.ask(b64(PASSWORD.encode())).startswith(b"235 ")


def scram(client, password: bytes) -> bytes:
    """Run an exchange (RFC 5802 §3); the last reply."""
    bare = b"n=" + NAME + b",r=rOprNGfwEbeRWgbNEkqO"
    reply = client.ask(b"AUTH SCRAM-SHA-256 " + b64(b"n,," + bare))
    assert reply.startswith(b"334 ")
    first = base64.b64decode(reply[4:])
    fields = dict(pair.split(b"=", 1) for pair in first.split(b","))
    salted = hashlib.pbkdf2_hmac(
        "sha256", password, base64.b64decode(fields[b"s"]), int(fields[b"i"])
    )
    final = b"c=biws,r=" + fields[b"r"]
    message = b",".join((bare, first, final))
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    reply = client.ask(b64(final + b",p=" + b64(proof)))
    if reply.startswith(b"334 "):
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        expected = b"v=" + b64(hmac.digest(server_key, message, "sha256"))
        assert base64.b64decode(reply[4:]) == expected
        reply = client.ask(b"")
    return reply


def test_scram_signs_in(client):
    assert scram(client, PASSWORD.encode()) == b"235 2.7.0 Authentication successful"


def test_scram_with_a_wrong_password_is_refused(client):
    assert scram(client, b"wrong") == b"535 5.7.8 Name or password are wrong"
    assert scram(client, PASSWORD.encode()).startswith(b"235 "), "another try is allowed"


REFUSED = [
    (b"AUTH", b"504 5.5.4"),
    (b"AUTH CRAM-MD5", b"504 5.5.4"),
    (b"AUTH PLAIN !!!", b"501 5.5.2"),
    (b"AUTH PLAIN =", b"535 5.7.8"),
    (b"AUTH PLAIN " + b64(b"x"), b"535 5.7.8"),
    (b"AUTH PLAIN " + plain(password=b"wrong"), b"535 5.7.8"),
    (b"AUTH PLAIN " + plain(username=b"nobody@example.org"), b"535 5.7.8"),
    (b"AUTH PLAIN " + plain(password=b"\xff\xfe"), b"535 5.7.8"),
    (b"AUTH PLAIN " + b64(b"bob@example.org" + b"\0" + NAME + b"\0" + PASSWORD.encode()),
     b"535 5.7.8"),
    (b"AUTH SCRAM-SHA-256 " + b64(b"p=tls-unique,,n=a,r=b"), b"535 5.7.8"),
    (b"AUTH PLAIN " + b64(b"\0a\0" + b"x" * 9500), b"500 5.5.2"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "reply"), REFUSED)
def test_what_is_no_sign_in_is_refused(client, command, reply):
    assert client.ask(command).startswith(reply + b" ")
    assert client.ask(b"AUTH PLAIN " + plain()).startswith(b"235 "), "another try is allowed"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"*\r\n", b"501 5.7.0 Authentication cancelled"),
        (b"=\r\n", b"501 5.5.2 Malformed authentication"),
        (b"?\r\n", b"501 5.5.2 Malformed authentication"),
        (plain() + b"\n", b"501 5.5.2 Malformed authentication"),
        (b"x" * 13_000 + b"\r\n", b"500 5.5.6 Authentication line too long"),
    ],
)
def test_an_exchange_may_end_before_its_end(client, line, reply):
    assert client.ask(b"AUTH PLAIN") == b"334 "
    client.send(line)
    assert client.reply() == reply
    assert client.ask(b"AUTH PLAIN " + plain()).startswith(b"235 ")


def test_a_long_response_is_taken(client):
    assert client.ask(b"AUTH PLAIN") == b"334 "
    assert client.ask(b64(b"\0" + NAME + b"\0" + b"x" * 9000)).startswith(b"535 ")


def test_one_signs_in_once_and_not_during_mail(client):
    assert client.ask(b"AUTH PLAIN " + plain()).startswith(b"235 ")
    assert client.ask(b"AUTH PLAIN " + plain()).startswith(b"503 5.5.1 Already")
    assert client.ask(b"MAIL FROM:<alice@example.org> AUTH=<>").startswith(b"250 ")
    assert client.ask(b"AUTH PLAIN " + plain()).startswith(b"503 5.5.1 ")


def test_hello_again_keeps_who_one_is(client):
    client.ask(b"AUTH PLAIN " + plain())
    client.ask(b"EHLO again.example")
    assert client.ask(b"MAIL FROM:<alice@example.org>").startswith(b"250 ")


def test_a_disabled_account_signs_in_no_more_and_sends_no_more(site, client):
    site.deployment.add_account("leaver@example.org")
    assert client.ask(b"AUTH PLAIN " + plain(b"leaver@example.org")).startswith(b"235 ")
    assert client.ask(b"MAIL FROM:<leaver@example.org>").startswith(b"250 ")
    client.ask(b"RSET")
    site.store(lambda store: store.accounts.set_state("leaver@example.org", "disabled"))
    assert client.ask(b"MAIL FROM:<leaver@example.org>").startswith(b"530 5.7.0 ")
    assert client.reply() == b"421 4.7.0 The account was changed, please sign in again"
    assert client.line() == b""
    with site.client("submissions") as other:
        assert other.ask(b"AUTH PLAIN " + plain(b"leaver@example.org")).startswith(b"535 ")


def test_too_many_failures_to_an_account_close_the_connection(site):
    site.deployment.add_account("target@example.org")
    guess = b"AUTH PLAIN " + plain(b"target@example.org", b"wrong")
    with site.client("submissions") as client:
        for _ in range(20):
            assert client.ask(guess).startswith(b"535 ")
        assert client.ask(guess) == b"421 4.7.0 Too many failed sign-ins, try again later"
        assert client.line() == b""


def test_no_password_reaches_the_log(site, client):
    client.ask(b"AUTH PLAIN " + plain(password=b"hunter2-wrong"))
    client.ask(b"AUTH PLAIN " + plain())
    deadline = time.monotonic() + 10
    while "signed in" not in site.log() and time.monotonic() < deadline:
        time.sleep(0.02)
    log = site.log()
    assert "sign-in failed" in log
    for secret in (b"hunter2-wrong", PASSWORD.encode(), plain(), plain(password=b"hunter2-wrong")):
        assert secret.decode() not in log
