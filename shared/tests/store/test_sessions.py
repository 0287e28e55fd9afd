"""Browsers' sessions: found by a hash, void with the password."""

import pytest

from mailquay.store.sessions import SESSIONS_MAX


@pytest.fixture
async def account(store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("anna@example.org", "hash", "scram", display_name="Anna")


async def add(store, account, token: bytes, *, ttl_seconds: float = 60) -> None:
    await store.sessions.add(
        token, account.id, "csrf", credential_version=account.credential_version,
        user_agent="Browser\0" * 200, remote_address="192.0.2.1", ttl_seconds=ttl_seconds,
    )  # fmt: skip


async def find(store, token: bytes):
    return await store.sessions.find(token, ttl_seconds=60)


async def test_a_session_tells_whose_it_is(store, account):
    await add(store, account, b"t")
    session = await find(store, b"t")
    assert (session.account_id, session.tenant_id) == (account.id, account.tenant_id)
    assert (session.address, session.display_name) == ("anna@example.org", "Anna")
    assert session.csrf_token == "csrf"
    assert await find(store, b"other") is None


async def test_it_ends_with_sign_out_and_with_time(store, account):
    await add(store, account, b"t")
    await store.sessions.remove(b"t")
    assert await find(store, b"t") is None
    await add(store, account, b"u", ttl_seconds=-1)
    assert await find(store, b"u") is None


@pytest.mark.parametrize("change", ["password", "state"])
async def test_it_is_void_when_the_account_changes(store, account, change):
    await add(store, account, b"t")
    if change == "password":
        await store.accounts.set_password(account.address, "new", "new")
    else:
        await store.accounts.set_state(account.address, "disabled")
    assert await find(store, b"t") is None


async def test_an_account_keeps_its_latest_sessions(store, account):
    other = await store.accounts.add("bert@example.org", "hash", "scram")
    await add(store, other, b"other")
    for number in range(SESSIONS_MAX + 3):
        await add(store, account, b"%d" % number)
    kept = [n for n in range(SESSIONS_MAX + 3) if await find(store, b"%d" % n)]
    assert kept == list(range(3, SESSIONS_MAX + 3))
    assert await find(store, b"other") is not None
