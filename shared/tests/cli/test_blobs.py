"""``mailquay blobs``: what is whole is said to be, what is not is found."""

from pathlib import Path

import pytest_asyncio

from mailquay.blobs import BlobStore
from mailquay.cli.exits import Exit
from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.events import Bus
from mailquay.runtime.settings import BlobSettings, NatsSettings, Settings


def packs(folder: Path) -> set[Path]:
    return {path for path in folder.glob("packs/*/*/*") if path.is_file()}


@pytest_asyncio.fixture
async def delivered(deployment, deployed_store, domain):
    """Three messages in an account of the deployment; the packs that their bodies are in."""
    url = deployment.settings()["MAILQUAY_BLOBS__URL"]
    folder = Path(url.removeprefix("file://"))
    before = packs(folder)
    blobs = BlobStore.open(BlobSettings(url=url))
    bus = await Bus.open(NatsSettings(url=None))
    deliverer = Deliverer(deployed_store, blobs, bus, Settings())
    account = await deployed_store.accounts.add(f"ada@{domain}", "", "")
    for number in range(3):
        raw = b"Subject: %d\r\n\r\nHello.\r\n" % number
        place = LocalPlacement(account.id)
        await deliverer.deliver(Incoming(account.tenant_id, raw, "trace", local=(place,)))
    await deliverer.close()
    await bus.close()
    await blobs.close()
    yield sorted(packs(folder) - before)
    await deployed_store.accounts.remove(account.address)


def test_check_reads_everything_and_names_what_is_lost_or_damaged(mailquay, delivered):
    clean = mailquay("blobs", "check", "--json").data
    assert clean["is_clean"]
    assert clean["bodies"] == 3
    assert clean["problems"] == []

    first, second, _ = delivered
    whole = second.read_bytes()
    first.unlink()
    second.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    found = mailquay("blobs", "check", "--json", status=Exit.CHECK_FAILED)
    assert len(found.data["problems"]) == 2
    assert all(problem.startswith("email ") for problem in found.data["problems"])
    told = mailquay("blobs", "check", status=Exit.CHECK_FAILED)
    assert all(problem in told.error for problem in found.data["problems"])


def test_collect_leaves_what_is_referred_to_or_young(mailquay, delivered):
    collected = mailquay("blobs", "collect", "--grace-seconds", "60", "--json").data
    assert collected == {"packs": 0, "orphans": 0, "bytes": 0}
    assert all(pack.exists() for pack in delivered)
    mailquay("blobs", "collect", "--grace-seconds", "1", status=Exit.USAGE)
