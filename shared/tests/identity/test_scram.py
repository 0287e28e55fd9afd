"""SCRAM-SHA-256: RFC 7677's own exchange, a client's, and anything else; secrets by RFC 5803."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.identity.scram import (
    ScramError,
    ScramSecret,
    client_first,
    make_secret,
    saslprep,
    server_final,
    server_first,
)

# RFC 7677 §3
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SERVER_FIRST = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.fixture
def secret() -> ScramSecret:
    return make_secret("pencil", SALT, 4096)


def test_the_rfcs_own_exchange(secret):
    client = client_first(CLIENT_FIRST)
    assert (client.username, client.nonce, client.authzid) == ("user", "rOprNGfwEbeRWgbNEkqO", "")
    first = server_first(client, secret, SERVER_NONCE)
    assert first == SERVER_FIRST
    assert server_final(client, secret, first, CLIENT_FINAL) == SERVER_FINAL


@pytest.mark.parametrize(
    ("first", "binding", "is_able"),
    [
        (b"n,,n=user,r=abc", "", False),
        (b"y,,n=user,r=abc", "", True),
        (b"p=tls-unique,,n=user,r=abc", "tls-unique", False),
    ],
)
def test_the_first_message_says_what_the_client_binds_to(first, binding, is_able):
    client = client_first(first)
    assert (client.binding, client.is_able_to_bind) == (binding, is_able)


def prove(password: str, first: bytes, sent: bytes, *, gs2: bytes = b"n,,", more: bytes = b""):
    """A client's final message (RFC 5802 §3), written down here once more."""
    fields = dict(pair.split(b"=", 1) for pair in sent.split(b","))
    salted = hashlib.pbkdf2_hmac(
        "sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"])
    )
    key = hmac.digest(salted, b"Client Key", "sha256")
    unsigned = b"c=" + base64.b64encode(gs2) + b",r=" + fields[b"r"] + more
    message = first.removeprefix(gs2) + b"," + sent + b"," + unsigned
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    return unsigned + b",p=" + base64.b64encode(proof)


@pytest.mark.parametrize("gs2", [b"n,,", b"y,,", b"n,a=user,"])
def test_a_right_proof_is_taken(secret, gs2):
    client = client_first(gs2 + b"n=user,r=abc")
    sent = server_first(client, secret, "def")
    proof = prove("pencil", gs2 + b"n=user,r=abc", sent, gs2=gs2)
    assert server_final(client, secret, sent, proof).startswith(b"v=")


def test_an_extension_that_is_not_mandatory_is_passed_over(secret):
    whole = b"n,,n=user,r=abc,x=more"
    client = client_first(whole)
    sent = server_first(client, secret, "def")
    proof = prove("pencil", whole, sent, more=b",y=still more")
    assert server_final(client, secret, sent, proof).startswith(b"v=")


def test_a_wrong_password_is_refused(secret):
    client = client_first(CLIENT_FIRST)
    sent = server_first(client, secret, "x")
    with pytest.raises(ScramError, match="the proof is wrong"):
        server_final(client, secret, sent, prove("pen", CLIENT_FIRST, sent))


FINALS = [
    b"",
    b"c=biws",
    CLIENT_FINAL.replace(b"biws", b"eSws"),
    CLIENT_FINAL.replace(b"rOpr", b"sOpr"),
    CLIENT_FINAL.replace(b",p=", b",q="),
    CLIENT_FINAL[:-4],
    CLIENT_FINAL + b"=",
    CLIENT_FINAL[: CLIENT_FINAL.index(b",p=")] + b",p=AAAA",
    CLIENT_FINAL[: CLIENT_FINAL.index(b",p=")] + b",p=" + base64.b64encode(bytes(32)),
    b"r=rOprNGfwEbeRWgbNEkqO" + CLIENT_FINAL,
    CLIENT_FINAL + b"\x00",
    CLIENT_FINAL + b"\n",
]


@pytest.mark.parametrize("final", FINALS)
def test_a_final_message_that_does_not_fit_is_refused(secret, final):
    client = client_first(CLIENT_FIRST)
    with pytest.raises(ScramError):
        server_final(client, secret, SERVER_FIRST, final)


FIRSTS = [
    b"",
    b"n,,",
    b"n,,n=,r=abc",
    b"n,,n=user",
    b"n,,n=user,r=",
    b"n,,r=abc,n=user",
    b"n,,m=ext,n=user,r=abc",
    b"n,n=user,r=abc",
    b"x,,n=user,r=abc",
    b"p=,,n=user,r=abc",
    b"n,b=other,n=user,r=abc",
    b"n,,n=us=er,r=abc",
    b"n,,n=user=2c,r=abc",
    b"n,,n=user=,r=abc",
    b"n,,n=\xff,r=abc",
    b"n,,n=user,r=a\x7fc",
    b"n,,n=user,r=a c",
    b"n,,n=us\x00er,r=abc",
    b"n,,n=user,r=abc\n",
]


@pytest.mark.parametrize("first", FIRSTS)
def test_a_first_message_that_is_none_is_refused(first):
    with pytest.raises(ScramError):
        client_first(first)


def test_names_are_unescaped_and_prepared():
    assert client_first(b"n,,n=a=2Cb=3Dc=3D2C,r=x").username == "a,b=c=2C"
    assert client_first("n,a=\u2168,n=I\u00adX,r=x".encode()).username == "IX"
    assert client_first("n,a=\u2168,n=I\u00adX,r=x".encode()).authzid == "IX"


@given(st.one_of(st.binary(max_size=100), st.binary(max_size=60).map(lambda b: b"n,,n=" + b)))
def test_any_first_message_is_read_or_refused(message):
    try:
        client = client_first(message)
    except ScramError:
        return
    assert client.gs2_header + client.bare == message


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=90).map(lambda b: CLIENT_FINAL + b)))
def test_any_final_message_is_checked_or_refused(message):
    secret = ScramSecret(4096, SALT, bytes(32), bytes(32))
    with pytest.raises(ScramError):
        server_final(client_first(CLIENT_FIRST), secret, SERVER_FIRST, message)


def test_a_secret_is_stored_and_read_back(secret):
    assert ScramSecret.parse(secret.render()) == secret
    assert "server_key" not in repr(secret)


@given(st.text(max_size=80))
def test_a_stored_secret_is_read_or_refused(text):
    with pytest.raises(ScramError):
        ScramSecret.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$" + "A" * 43 + "=:" + "A" * 43 + "=",
        "SCRAM-SHA-256$many:QSXCR+Q6sek8bf92$" + "A" * 43 + "=:" + "A" * 43 + "=",
        "SCRAM-SHA-256$4096:QSXCR+Q6sek8bf92$AAAA:AAAA",
        "SCRAM-SHA-256$4096:!$AAAA:AAAA",
    ],
)
def test_a_broken_secret_is_refused(text):
    with pytest.raises(ScramError):
        ScramSecret.parse(text)


# RFC 4013 §3, but for what it prohibits: that is left as it is.
PREPARED = [
    ("I\u00adX", "IX"),
    ("user", "user"),
    ("USER", "USER"),
    ("\u00aa", "a"),
    ("\u2168", "IX"),
    ("a\u00a0b", "a b"),
    ("p\u0061\u0308ss", "p\u00e4ss"),
    ("\u0007", "\u0007"),
]


@pytest.mark.parametrize(("given_text", "prepared"), PREPARED)
def test_passwords_are_prepared(given_text, prepared):
    assert saslprep(given_text) == prepared


@given(st.text())
def test_preparing_twice_is_preparing_once(text):
    assert saslprep(saslprep(text)) == saslprep(text)
