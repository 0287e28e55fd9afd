"""The demo domain: a few people who may write to each other, made once."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mailquay.identity.passwords import PasswordHasher, generate_password
from mailquay.runtime.settings import IdentitySettings
from mailquay.standalone.files import write_whole
from mailquay.store import AlreadyExists, Store

__all__ = ["DEMO_DOMAIN", "DemoUser", "make_demo"]

#: RFC 2606 §2: it is nobody's, and never will be.
DEMO_DOMAIN: Final = "mailquay.test"
_PEOPLE: Final = (
    ("alice", "Alice Archer", "user"),
    ("bob", "Bob Baker", "user"),
    ("admin", "Ada Admin", "admin"),
)


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Someone to sign in as."""

    address: str
    password: str


async def make_demo(store: Store, secrets_file: Path) -> tuple[list[DemoUser], DemoUser]:
    """Make the domain and its accounts where they are missing; returns users and administrator."""
    known = _known(secrets_file)
    hasher = PasswordHasher(IdentitySettings())
    with contextlib.suppress(AlreadyExists):
        await store.accounts.add_domain(DEMO_DOMAIN)
    users = []
    for name, display_name, role in _PEOPLE:
        address = f"{name}@{DEMO_DOMAIN}"
        password = known.get(address) or generate_password()
        users.append(DemoUser(address, password))
        credentials = hasher.hash(password)
        account = await store.accounts.find(address)
        if account is None:
            await store.accounts.add(
                address,
                credentials.password_hash,
                credentials.scram_sha256,
                display_name=display_name,
                role=role,
            )
        elif address not in known:  # the file was lost: the password is not to be known any more
            await store.accounts.set_password(
                address, credentials.password_hash, credentials.scram_sha256
            )
    with contextlib.suppress(AlreadyExists):
        await store.accounts.add_alias(f"team@{DEMO_DOMAIN}", [u.address for u in users[:2]])
        await store.accounts.add_alias(f"postmaster@{DEMO_DOMAIN}", [users[-1].address])
    write_whole(secrets_file, json.dumps([asdict(user) for user in users], indent=2) + "\n")
    return users[:-1], users[-1]


def _known(secrets_file: Path) -> dict[str, str]:
    """The passwords that were made before, by address."""
    if not secrets_file.exists():
        return {}
    return {user["address"]: user["password"] for user in json.loads(secrets_file.read_text())}
