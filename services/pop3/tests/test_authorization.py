"""The AUTHORIZATION state: CAPA, STLS, USER and PASS, AUTH (RFC 2449, RFC 2595, RFC 5034).

A refusal tells whose fault it is by its response code (RFC 3206).
"""

import base64
import hashlib
import hmac
import poplib

import pytest

from mailquay.testing.deployment import PASSWORD


@pytest.fixture(scope="module")
def site_settings():
    """TLS before passwords, as in production."""
    return {"POP3__ALLOW_PLAINTEXT_AUTH": "false", "IDENTITY__FAILURES_PER_ADDRESS": "1000"}


@pytest.fixture(scope="module")
def account(site):
    return site.account(b"Subject: one\r\n\r\nx\r\n")


@pytest.fixture
def client(site):
    with site.connect("pop3s") as client:
        yield client


def ask(client, command: bytes) -> bytes:
    client.send(command + b"\r\n")
    return client.line()


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


def plain(name: str, password: str = PASSWORD) -> bytes:
    return b64(b"\0" + name.encode() + b"\0" + password.encode())


ALWAYS = {
    b"TOP", b"UIDL", b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE", b"LOGIN-DELAY 0",
    b"EXPIRE NEVER", b"IMPLEMENTATION Mailquay",
}  # fmt: skip


def capabilities(client) -> set[bytes]:
    assert ask(client, b"CAPA").startswith(b"+OK")
    return set(client.multiline())


def test_capa_tells_what_there_is_in_each_state(site, account):
    with site.connect() as client:
        assert capabilities(client) == ALWAYS | {b"STLS"}
        assert ask(client, b"STLS").startswith(b"+OK")
        client.start_tls(site.tls)
        secure = ALWAYS | {b"USER", b"SASL SCRAM-SHA-256 PLAIN LOGIN"}
        assert capabilities(client) == secure
        assert ask(client, b"AUTH PLAIN " + plain(account.address)) == b"+OK 1 message"
        assert capabilities(client) == secure


def test_the_greeting_offers_no_apop(client):
    assert ask(client, b"APOP x 0123").startswith(b"-ERR ")


@pytest.mark.parametrize("command", [b"USER alice", b"PASS x", b"AUTH PLAIN", b"AUTH"])
def test_in_the_clear_no_password_is_taken(site, command):
    with site.connect() as client:
        assert ask(client, command) == b"-ERR [AUTH] sign in over TLS"


@pytest.mark.parametrize("command", [b"STAT", b"LIST", b"UIDL", b"RETR 1", b"TOP 1 0", b"DELE 1",
                                     b"RSET", b"NOOP"])  # fmt: skip
def test_before_signing_in_there_is_no_maildrop(client, command):
    assert ask(client, command) == b"-ERR sign in first"


def test_quit_needs_no_sign_in(client):
    assert ask(client, b"QUIT now").startswith(b"-ERR ")
    assert ask(client, b"QUIT") == b"+OK see you"
    assert client.line() == b""


def test_commands_injected_before_stls_are_not_run_inside_it(site, account):
    with site.connect() as client:
        client.send(b"STLS\r\nCAPA\r\nQUIT\r\n")
        assert client.line().startswith(b"+OK begin")
        client.start_tls(site.tls)
        assert ask(client, b"PASS x") == b"-ERR send USER first"
        assert ask(client, b"STLS") == b"-ERR TLS is active already"


def test_user_and_pass_sign_in(client, account):
    assert ask(client, b"USER  " + account.address.upper().encode() + b" ") == b"+OK send PASS"
    assert ask(client, b"PASS " + PASSWORD.encode()) == b"+OK 1 message"


def test_whether_a_user_is_known_is_not_told(client):
    for name in (b"nobody@example.org", b"no address", b"\xff"):
        assert ask(client, b"USER " + name) == b"+OK send PASS"
        assert ask(client, b"PASS x") == b"-ERR [AUTH] name or password are wrong"
        assert ask(client, b"PASS x") == b"-ERR send USER first", "each PASS has its USER"


@pytest.mark.parametrize("password", ["two  words ", " leading", "Fäßchen \u2168", "x" * 200])
def test_a_password_is_taken_as_it_is(site, client, password):
    account = site.account(password=password)
    ask(client, b"USER " + account.address.encode())
    assert ask(client, b"PASS " + password.encode()) == b"+OK 0 messages"


@pytest.mark.parametrize("is_initial", [False, True])
def test_plain_signs_in(client, account, is_initial):
    if is_initial:
        reply = ask(client, b"auth plain " + plain(account.address))
    else:
        assert ask(client, b"AUTH PLAIN") == b"+ "
        reply = ask(client, plain(account.address))
    assert reply == b"+OK 1 message"


def test_login_signs_in(client, account):
    assert ask(client, b"AUTH LOGIN") == b"+ " + b64(b"Username:")
    assert ask(client, b64(account.address.encode())) == b"+ " + b64(b"Password:")
    assert ask(client, b64(PASSWORD.encode())) == b"+OK 1 message"


def scram(client, name: bytes, password: bytes) -> bytes:
    """Run an exchange (RFC 5802 §3); the last reply."""
    bare = b"n=" + name + b",r=rOprNGfwEbeRWgbNEkqO"
    assert ask(client, b"AUTH SCRAM-SHA-256") == b"+ "
    first = base64.b64decode(ask(client, b64(b"n,," + bare))[2:])
    fields = dict(pair.split(b"=", 1) for pair in first.split(b","))
    salted = hashlib.pbkdf2_hmac(
        "sha256", password, base64.b64decode(fields[b"s"]), int(fields[b"i"])
    )
    final = b"c=biws,r=" + fields[b"r"]
    message = b",".join((bare, first, final))
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    reply = ask(client, b64(final + b",p=" + b64(proof)))
    if reply.startswith(b"+ "):
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        assert base64.b64decode(reply[2:]) == b"v=" + b64(
            hmac.digest(server_key, message, "sha256")
        )
        reply = ask(client, b"")
    return reply


def test_scram_signs_in(client, account):
    name = account.address.encode()
    assert scram(client, name, b"wrong") == b"-ERR [AUTH] name or password are wrong"
    assert scram(client, name, PASSWORD.encode()) == b"+OK 1 message"


def test_auth_alone_lists_the_mechanisms(client):
    assert ask(client, b"AUTH") == b"+OK mechanisms follow"
    assert client.multiline() == [b"SCRAM-SHA-256", b"PLAIN", b"LOGIN"]


REFUSED = [
    (b"AUTH CRAM-MD5", b"-ERR that mechanism is not supported"),
    (b"AUTH PLAIN !", b"-ERR that is not base64"),
    (b"AUTH PLAIN \xff", b"-ERR that is not base64"),
    (b"AUTH PLAIN =", b"-ERR [AUTH] name or password are wrong"),
    (b"AUTH PLAIN " + plain("nobody@example.org"), b"-ERR [AUTH] name or password are wrong"),
]


@pytest.mark.parametrize(("command", "reply"), REFUSED)
def test_what_is_no_sign_in_is_refused(client, account, command, reply):
    assert ask(client, command) == reply
    assert ask(client, b"AUTH PLAIN " + plain(account.address)) == b"+OK 1 message"


@pytest.mark.parametrize(
    ("line", "reply"),
    [(b"*", b"-ERR authentication was cancelled"), (b"=", b"-ERR that is not base64"),
     (b"??", b"-ERR that is not base64")],
)  # fmt: skip
def test_an_exchange_may_end_before_its_end(client, account, line, reply):
    assert ask(client, b"AUTH PLAIN") == b"+ "
    assert ask(client, line) == reply
    assert ask(client, b"AUTH PLAIN " + plain(account.address)) == b"+OK 1 message"


def test_a_disabled_account_is_refused(site, client):
    account = site.account()
    site.store(lambda store: store.accounts.set_state(account.address, "disabled"))
    reply = ask(client, b"AUTH PLAIN " + plain(account.address))
    assert reply == b"-ERR [AUTH] name or password are wrong"


def test_too_many_failures_close_the_connection(site, client):
    account = site.account()
    for _ in range(20):
        if ask(client, b"AUTH PLAIN " + plain(account.address, "wrong")) == b"":
            pytest.fail("cut off too soon")
    assert ask(client, b"AUTH PLAIN " + plain(account.address)) == (
        b"-ERR [SYS/TEMP] too many failed sign-ins, try again later"
    )
    assert client.line() == b""


@pytest.mark.parametrize("mode", ["stls", "implicit"])
def test_poplib_signs_in(site, account, mode):
    if mode == "stls":
        client = poplib.POP3("localhost", site.port())
        assert "STLS" in client.capa()
        client.stls(site.tls)
    else:
        client = poplib.POP3_SSL("localhost", site.port("pop3s"), context=site.tls)
    client.user(account.address)
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
        client.pass_("wrong")
    client.user(account.address)
    assert client.pass_(PASSWORD) == b"+OK 1 message"
    assert client.capa()["SASL"] == ["SCRAM-SHA-256", "PLAIN", "LOGIN"]
    client.quit()


def test_no_password_reaches_the_log(site, client, account):
    ask(client, b"USER " + account.address.encode())
    ask(client, b"PASS hunter2-wrong")
    ask(client, b"AUTH PLAIN " + plain(account.address))
    log = (site.deployment.folder / "pop3-0.log").read_text()
    assert "sign-in failed" in log
    for secret in ("hunter2-wrong", PASSWORD, plain(account.address).decode()):
        assert secret not in log
