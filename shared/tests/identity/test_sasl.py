"""SASL exchanges (RFC 4422): PLAIN, LOGIN and SCRAM-SHA-256, right, wrong and malformed."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailquay.identity import AuthenticationFailed, Throttled
from mailquay.identity.scram import saslprep
from mailquay.store.accounts import Account

HERE = "192.0.2.1"
NAME = "alice@example.org"


def exchange(authenticator, mechanism):
    begun = authenticator.sasl(mechanism, remote=HERE)
    assert begun is not None
    assert begun.mechanism == mechanism.upper()
    return begun


def plain(username: str, password: str, authzid: str = "") -> bytes:
    return b"\0".join(text.encode() for text in (authzid, username, password))


def test_a_mechanism_that_is_not_offered_is_none(authenticator):
    assert authenticator.sasl("CRAM-MD5", remote=HERE) is None
    assert authenticator.sasl("", remote=HERE) is None


@pytest.mark.parametrize("authzid", ["", NAME, "Alice@Example.org"])
async def test_plain_signs_in(authenticator, alice, password, authzid):
    begun = exchange(authenticator, "plain")
    assert await begun.step(None) == b""
    account = await begun.step(plain(NAME, password, authzid))
    assert isinstance(account, Account)
    assert account.id == alice.id


@pytest.mark.parametrize(
    "response",
    [b"", b"\0", b"\0\0", b"\0alice@example.org\0", b"\0\0secret", b"a\0b\0c\0d", b"\0\xff\0\xff",
     b"bob@example.org\0alice@example.org\0secret", b"alice\0alice@example.org\0secret"],
)  # fmt: skip
async def test_plain_that_is_malformed_or_for_another_is_refused(authenticator, alice, response):
    with pytest.raises(AuthenticationFailed):
        await exchange(authenticator, "PLAIN").step(response)


async def test_malformed_attempts_are_counted(make_authenticator):
    authenticator = make_authenticator(failures_per_address=2)
    for _ in range(2):
        with pytest.raises(AuthenticationFailed):
            await exchange(authenticator, "PLAIN").step(b"x")
    with pytest.raises(Throttled):
        await exchange(authenticator, "PLAIN").step(plain(NAME, "x"))


@pytest.mark.parametrize("is_initial", [False, True])
async def test_login_signs_in(authenticator, alice, password, is_initial):
    begun = exchange(authenticator, "LOGIN")
    if not is_initial:
        assert await begun.step(None) == b"Username:"
    assert await begun.step(NAME.encode()) == b"Password:"
    account = await begun.step(password.encode())
    assert isinstance(account, Account)
    assert account.id == alice.id


async def test_login_with_an_empty_name_asks_for_the_password_and_refuses(authenticator, alice):
    begun = exchange(authenticator, "LOGIN")
    assert await begun.step(b"") == b"Password:"
    with pytest.raises(AuthenticationFailed):
        await begun.step(b"x")


class ScramClient:
    """A client of RFC 5802."""

    def __init__(self, username: str, password: str) -> None:
        name = username.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"n={name},r=fyko+d2lbbFgONRv9qkxdawL".encode()
        self._password = saslprep(password).encode()

    def first(self) -> bytes:
        return b"n,," + self.bare

    def final(self, challenge: bytes) -> bytes:
        fields = dict(pair.split(b"=", 1) for pair in challenge.split(b","))
        self.salt, self.iterations = fields[b"s"], int(fields[b"i"])
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._password, base64.b64decode(self.salt), self.iterations
        )
        unsigned = b"c=biws,r=" + fields[b"r"]
        message = b",".join((self.bare, challenge, unsigned))
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.expected = b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha256"))
        return unsigned + b",p=" + base64.b64encode(proof)


@pytest.mark.parametrize("is_initial", [False, True])
async def test_scram_signs_in_and_proves_the_server(authenticator, alice, password, is_initial):
    begun, client = exchange(authenticator, "SCRAM-SHA-256"), ScramClient(NAME, password)
    if not is_initial:
        assert await begun.step(None) == b""
    challenge = await begun.step(client.first())
    assert await begun.step(client.final(challenge)) == client.expected
    account = await begun.step(b"")
    assert isinstance(account, Account)
    assert account.id == alice.id


async def test_scram_with_a_wrong_password_is_refused_and_counted(make_authenticator, alice):
    authenticator = make_authenticator(failures_per_account=1)
    begun, client = exchange(authenticator, "SCRAM-SHA-256"), ScramClient(NAME, "wrong")
    challenge = await begun.step(client.first())
    with pytest.raises(AuthenticationFailed):
        await begun.step(client.final(challenge))
    with pytest.raises(Throttled):
        await exchange(authenticator, "SCRAM-SHA-256").step(client.first())


async def test_scram_for_a_disabled_account_is_refused(store, authenticator, alice, password):
    await store.accounts.set_state(NAME, "disabled")
    begun, client = exchange(authenticator, "SCRAM-SHA-256"), ScramClient(NAME, password)
    challenge = await begun.step(client.first())
    with pytest.raises(AuthenticationFailed):
        await begun.step(client.final(challenge))


async def test_a_name_that_is_nobodys_looks_like_somebodys(make_authenticator, alice, password):
    seen = set()
    for username in ("bob@example.org", "Bob@EXAMPLE.org.", "bob@example.org"):
        begun = exchange(make_authenticator(), "SCRAM-SHA-256")
        client = ScramClient(username, password)
        with pytest.raises(AuthenticationFailed):
            await begun.step(client.final(await begun.step(client.first())))
        seen.add((client.salt, client.iterations))
    assert len(seen) == 1, "a salt that changes would give it away"
    mine = ScramClient(NAME, password)
    mine.final(await exchange(make_authenticator(), "SCRAM-SHA-256").step(mine.first()))
    assert (len(mine.salt), mine.iterations) == (len(client.salt), client.iterations)


async def test_an_account_whose_secret_is_broken_is_refused(store, authenticator, alice):
    await store.accounts.add("bob@example.org", alice.password_hash, "SCRAM-SHA-256$broken")
    client = ScramClient("bob@example.org", "x")
    with pytest.raises(AuthenticationFailed):
        await exchange(authenticator, "SCRAM-SHA-256").step(client.first())


async def test_an_account_without_keys_looks_like_nobody(store, authenticator, alice, password):
    await store.accounts.add("bob@example.org", alice.password_hash, "")
    begun, client = (
        exchange(authenticator, "SCRAM-SHA-256"),
        ScramClient("bob@example.org", password),
    )
    challenge = await begun.step(client.first())
    with pytest.raises(AuthenticationFailed):
        await begun.step(client.final(challenge))


async def test_scram_acting_for_another_is_refused(authenticator, alice):
    with pytest.raises(AuthenticationFailed):
        await exchange(authenticator, "SCRAM-SHA-256").step(b"n,a=bob,n=alice@example.org,r=x")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    mechanism=st.sampled_from(["PLAIN", "LOGIN", "SCRAM-SHA-256"]),
    responses=st.lists(
        st.one_of(st.none(), st.binary(max_size=60), st.just(b"n,,n=alice@example.org,r=x")),
        min_size=1,
        max_size=4,
    ),
)
async def test_any_responses_end_in_a_challenge_or_the_typed_error(
    make_authenticator, mechanism, responses
):
    begun = exchange(make_authenticator(), mechanism)
    try:
        for response in responses:
            assert isinstance(await begun.step(response), bytes)
    except AuthenticationFailed:
        pass
