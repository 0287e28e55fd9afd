"""Mailquay itself, as `mailquay standalone` runs it."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from bench.targets import DOMAIN, PASSWORD, Accounts, Target
from mailquay.identity.passwords import PasswordHasher
from mailquay.runtime.settings import DatabaseSettings, IdentitySettings
from mailquay.store import Store
from mailquay.testing.platform import start_platform

__all__ = ["mailquay"]

#: All load comes from one address.
_SETTINGS = {"MAILQUAY_NET__MAX_CONNECTIONS_PER_ADDRESS": "10000"}


@contextmanager
def mailquay(folder: Path, accounts: Sequence[Accounts], *, workers: int = 1) -> Iterator[Target]:
    """The platform with those accounts; it is stopped at the end."""
    folder.mkdir()
    running = start_platform(
        folder / "data", "--no-demo", "--workers", str(workers), env={**os.environ, **_SETTINGS}
    )
    try:
        facts = running.facts
        asyncio.run(_add_accounts(facts["database_url"], accounts))
        names = ("smtp", "lmtp", "imap", "imaps", "pop3")
        yield Target(
            name="Mailquay",
            version=version("mailquay"),
            ports={name: facts["ports"][name] for name in names},
            roots=lambda: [facts["pid"]],
            notes=(f"{workers} process(es) of each service; Argon2id, TLS and all checks are on",),
        )
    finally:
        running.stop()


async def _add_accounts(database_url: str, accounts: Sequence[Accounts]) -> None:
    store = await Store.open(DatabaseSettings.model_validate({"url": database_url}))
    # One hash for all: what it costs to make is not what is measured.
    made = PasswordHasher(IdentitySettings()).hash(PASSWORD)
    try:
        await store.accounts.add_domain(DOMAIN)
        for group in accounts:
            for address in group.addresses:
                await store.accounts.add(address, made.password_hash, made.scram_sha256)
    finally:
        await store.close()
