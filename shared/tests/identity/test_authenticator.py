"""Signing in with a password: what is remembered, what is forgotten, what is counted."""

import asyncio
import threading

import pytest

from mailquay.events import IdentityRevoked
from mailquay.identity import AuthenticationFailed, Throttled, Unavailable

HERE = "192.0.2.1"


async def sign_in(authenticator, password, *, username="alice@example.org", remote=HERE):
    return await authenticator.verify_password(username, password, remote=remote)


class CountedHasher:
    """The hasher, counting what it is asked."""

    def __init__(self, hasher):
        self._hasher = hasher
        self.nobody = hasher.nobody
        self.calls = 0
        self.threads: set[str] = set()

    def hash(self, password):
        return self._hasher.hash(password)

    def verify(self, stored, password):
        self.calls += 1
        self.threads.add(threading.current_thread().name)
        return self._hasher.verify(stored, password)


@pytest.fixture
def hasher(authenticator):
    authenticator._hasher = CountedHasher(authenticator._hasher)
    return authenticator._hasher


@pytest.mark.parametrize(
    "username", ["alice@example.org", "Alice@EXAMPLE.ORG", '"alice"@example.org.']
)
async def test_any_spelling_of_the_address_signs_in(authenticator, alice, password, username):
    assert (await sign_in(authenticator, password, username=username)).id == alice.id


@pytest.mark.parametrize(
    "spelling", ["Fäßchen IX", "Fa\u0308ßchen \u2168", "Fä\u00adßchen\u00a0IX"]
)
async def test_a_password_is_the_same_however_its_letters_are_composed(
    authenticator, alice, spelling
):
    assert (await sign_in(authenticator, spelling)).id == alice.id


@pytest.mark.parametrize("wrong", ["", "fäßchen IX", "Fäßchen", "\udcff", "\0", "x" * 10_000])
async def test_a_wrong_password_is_refused(authenticator, alice, wrong):
    with pytest.raises(AuthenticationFailed):
        await sign_in(authenticator, wrong)


@pytest.mark.parametrize(
    "username", ["bob@example.org", "alice", "", "a\0@example.org", "\udcff@x"]
)
async def test_a_name_that_is_nobodys_is_refused_alike(authenticator, hasher, username):
    with pytest.raises(AuthenticationFailed, match="name or password are wrong"):
        await sign_in(authenticator, "anything", username=username)
    assert hasher.calls == 1, "it takes as long as for somebody"


async def test_hashing_happens_in_threads(authenticator, hasher, alice, password):
    await sign_in(authenticator, password)
    assert all(name.startswith("argon2") for name in hasher.threads)


async def test_a_verified_password_is_not_hashed_again(authenticator, hasher, alice, password):
    for _ in range(5):
        await sign_in(authenticator, password)
    assert hasher.calls == 1


async def test_nothing_is_remembered_when_that_is_turned_off(make_authenticator, alice, password):
    authenticator = make_authenticator(credential_cache_seconds=0)
    authenticator._hasher = CountedHasher(authenticator._hasher)
    for _ in range(3):
        await sign_in(authenticator, password)
    assert authenticator._hasher.calls == 3


async def test_clients_that_come_together_share_one_hash(authenticator, hasher, alice, password):
    await asyncio.gather(*(sign_in(authenticator, password) for _ in range(20)))
    assert hasher.calls == 1


async def test_one_of_them_may_leave(authenticator, alice, password):
    first = asyncio.ensure_future(sign_in(authenticator, password))
    second = asyncio.ensure_future(sign_in(authenticator, password))
    while not authenticator._verifying:
        await asyncio.sleep(0)
    first.cancel()
    assert (await second).id == alice.id


async def test_a_changed_password_counts_at_once_without_any_event(
    store, authenticator, alice, password
):
    await sign_in(authenticator, password)
    made = await authenticator.hash_password("another")
    await store.accounts.set_password(alice.address, made.password_hash, made.scram_sha256)
    with pytest.raises(AuthenticationFailed):
        await sign_in(authenticator, password)
    assert (await sign_in(authenticator, "another")).id == alice.id


async def test_a_disabled_account_is_refused_though_its_password_is_remembered(
    store, authenticator, alice, password
):
    await sign_in(authenticator, password)
    await store.accounts.set_state(alice.address, "disabled")
    with pytest.raises(AuthenticationFailed):
        await sign_in(authenticator, password)
    await store.accounts.set_state(alice.address, "active")
    assert (await sign_in(authenticator, password)).id == alice.id


async def test_a_session_that_has_signed_in_ends_with_what_it_signed_in_with(
    store, authenticator, alice, password
):
    account = await sign_in(authenticator, password)
    changed = await store.accounts.set_state(alice.address, "disabled")
    assert await authenticator.is_unchanged(account), "nobody was told, and it was just asked"
    authenticator.heard(
        IdentityRevoked(account_id=alice.id, credential_version=changed.credential_version)
    )
    assert not await authenticator.is_unchanged(account)


async def test_without_events_a_session_is_asked_of_the_database_in_time(
    store, make_authenticator, alice, password
):
    authenticator = make_authenticator(recheck_seconds=0)
    account = await sign_in(authenticator, password)
    assert await authenticator.is_unchanged(account)
    made = await authenticator.hash_password("another")
    await store.accounts.set_password(alice.address, made.password_hash, made.scram_sha256)
    assert not await authenticator.is_unchanged(account)
    renewed = await sign_in(authenticator, "another")
    assert await authenticator.is_unchanged(renewed)
    await store.accounts.remove(alice.address)
    assert not await authenticator.is_unchanged(renewed)


async def test_an_older_session_is_not_believed_for_a_newer_ones_sake(
    store, authenticator, alice, password
):
    account = await sign_in(authenticator, password)
    made = await authenticator.hash_password("another")
    await store.accounts.set_password(alice.address, made.password_hash, made.scram_sha256)
    await sign_in(authenticator, "another")
    assert not await authenticator.is_unchanged(account)


async def test_too_many_failures_to_one_account_make_it_wait(make_authenticator, alice, password):
    authenticator = make_authenticator(failures_per_account=3)
    spellings = ["alice@example.org", "ALICE@example.org.", '"alice"@EXAMPLE.org']
    for number, username in enumerate(spellings):
        with pytest.raises(AuthenticationFailed):
            await sign_in(authenticator, "wrong", username=username, remote=f"192.0.2.{number}")
    with pytest.raises(Throttled) as caught:
        await sign_in(authenticator, password, remote="198.51.100.1")
    assert 0 < caught.value.retry_after <= 600


async def test_too_many_failures_from_one_network_make_it_wait(make_authenticator, alice, password):
    authenticator = make_authenticator(failures_per_address=3)
    for number in range(3):
        with pytest.raises(AuthenticationFailed):
            await sign_in(
                authenticator, "x", username=f"u{number}@example.org", remote=f"2001:db8::{number}"
            )
    with pytest.raises(Throttled):
        await sign_in(authenticator, password, remote="2001:db8::ffff")
    assert (await sign_in(authenticator, password, remote="2001:db8:0:1::1")).id == alice.id


async def test_signing_in_forgets_the_accounts_failures(make_authenticator, alice, password):
    authenticator = make_authenticator(failures_per_account=2)
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            await sign_in(authenticator, "wrong")
        await sign_in(authenticator, password, username="ALICE@example.org")


async def test_without_a_database_nobody_is_refused_for_good(store, authenticator, alice, password):
    await store.close()
    with pytest.raises(Unavailable):
        await sign_in(authenticator, password)
    with pytest.raises(Unavailable):
        await authenticator.is_unchanged(alice)


async def test_a_password_that_is_hashed_leaves_the_loop_free(make_authenticator, alice):
    authenticator = make_authenticator(argon2_time_cost=30, argon2_memory_kib=19456)
    hashing = asyncio.ensure_future(authenticator.hash_password("long"))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


@pytest.mark.parametrize("password", ["", "anything"])
async def test_an_account_without_a_password_is_signed_in_to_by_none(
    store, authenticator, hasher, alice, password
):
    await store.accounts.set_password("alice@example.org", "", "")
    with pytest.raises(AuthenticationFailed):
        await sign_in(authenticator, password)
    assert hasher.calls == 1  # it takes as long as with one
    account, _secret = await authenticator.find_scram("alice@example.org", remote=HERE)
    assert account is None
