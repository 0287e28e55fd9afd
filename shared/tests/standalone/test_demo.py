"""The demo domain: made once, with passwords that stay known."""

import json
from pathlib import Path

from mailquay.identity import Authenticator
from mailquay.runtime.settings import Settings
from mailquay.standalone.demo import DEMO_DOMAIN, make_demo


async def signs_in(store, user) -> bool:
    authenticator = Authenticator(store, Settings())
    try:
        account = await authenticator.verify_password(
            user.address, user.password, remote="127.0.0.1"
        )
    finally:
        authenticator.close()
    return account.address == user.address


async def test_people_are_made_once_and_sign_in_with_what_is_told(store, tmp_path: Path):
    users, admin = await make_demo(store, tmp_path / "demo.json")
    assert [user.address for user in users] == [f"alice@{DEMO_DOMAIN}", f"bob@{DEMO_DOMAIN}"]
    for user in (*users, admin):
        assert await signs_in(store, user)
    assert (await store.accounts.by_address(admin.address)).role == "admin"
    assert await make_demo(store, tmp_path / "demo.json") == (users, admin)
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0


async def test_passwords_that_were_lost_are_replaced(store, tmp_path: Path):
    users, _ = await make_demo(store, tmp_path / "demo.json")
    (tmp_path / "demo.json").unlink()
    again, _ = await make_demo(store, tmp_path / "demo.json")
    assert [user.address for user in again] == [user.address for user in users]
    assert not {user.password for user in again} & {user.password for user in users}
    assert await signs_in(store, again[0])
    told = json.loads((tmp_path / "demo.json").read_text())
    assert [user["password"] for user in told[:2]] == [user.password for user in again]


async def test_password_that_was_changed_by_its_owner_stays(store, tmp_path: Path):
    """What the file says may then be wrong, but nobody is locked out of their account."""
    users, _ = await make_demo(store, tmp_path / "demo.json")
    before = await store.accounts.by_address(users[0].address)
    await store.accounts.set_password(users[0].address, before.password_hash, before.scram_sha256)
    changed = await store.accounts.by_address(users[0].address)
    await make_demo(store, tmp_path / "demo.json")
    after = await store.accounts.by_address(users[0].address)
    assert after.credential_version == changed.credential_version
