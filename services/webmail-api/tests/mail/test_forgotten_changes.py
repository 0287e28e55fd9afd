"""A client that comes back after its history was trimmed reads everything anew, and is right."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from mailquay.runtime.settings import DatabaseSettings, RetentionSettings
from mailquay.store import Store
from mailquay.store.retention import trim


@pytest.fixture
def trimmed(deployment):
    """Trims all history that there is."""

    async def run() -> None:
        store = await Store.open(DatabaseSettings(url=deployment.database_url))
        try:
            await trim(store, RetentionSettings(history_seconds=0, submissions_seconds=0))
        finally:
            await store.close()

    def trimmed() -> None:
        with ThreadPoolExecutor(1) as threads:
            threads.submit(asyncio.run, run()).result()

    return trimmed


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("Email/changes", "sinceState"),
        ("Thread/changes", "sinceState"),
        ("Mailbox/changes", "sinceState"),
        ("Email/queryChanges", "sinceQueryState"),
        ("Mailbox/queryChanges", "sinceQueryState"),
    ],
)
def test_what_was_trimmed_cannot_be_calculated_and_a_full_read_goes_on(
    mail, trimmed, method, argument
):
    kept, gone = [mail.deliver(f"Subject: {name}\n\n{name}\n") for name in ("kept", "gone")]
    old = mail.call("Email/get", ids=[])["state"]
    mail.call("Email/set", destroy=[gone])
    assert mail.call("Email/changes", sinceState=old)["destroyed"] == [gone]
    trimmed()
    assert mail.error(method, **{argument: old})["type"] == "cannotCalculateChanges"
    # RFC 8620 §5.2: the client throws away what it has, and asks for everything.
    found = mail.call("Email/query", filter=None)
    assert found["ids"] == [kept]
    new = mail.call("Email/get", ids=found["ids"])["state"]
    added = mail.deliver("Subject: new\n\nnew\n")
    changes = mail.call("Email/changes", sinceState=new)
    assert (changes["created"], changes["destroyed"]) == ([added], [])
    assert mail.call(method, **{argument: new})
