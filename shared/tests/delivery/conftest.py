"""A deliverer over real services, and one account."""

import pytest

from mailquay.delivery import Deliverer
from mailquay.runtime.settings import Settings


@pytest.fixture
async def deliverer(store, blobs, bus):
    deliverer = Deliverer(store, blobs, bus, Settings())
    yield deliverer
    await deliverer.close()


@pytest.fixture
async def account(store):
    await store.accounts.add_domain("example.org")
    return await store.accounts.add("alice@example.org", "hash", "scram")
