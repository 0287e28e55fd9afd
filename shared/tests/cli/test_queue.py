"""``mailquay queue``: messages that wait, are held, released, tried and removed."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from mailquay.blobs import BlobStore
from mailquay.cli.exits import Exit
from mailquay.delivery import Deliverer, Incoming, RemoteRecipient
from mailquay.events import Bus, QueueReady
from mailquay.runtime.settings import BlobSettings, NatsSettings, Settings
from mailquay.store import NotFound
from mailquay.store.queue import Outcome, Verdict


@pytest_asyncio.fixture
async def enqueue(deployment, deployed_store):
    """Puts messages into the deployment's queue, which is empty before and after."""
    blobs = BlobStore.open(BlobSettings(url=deployment.settings()["MAILQUAY_BLOBS__URL"]))
    bus = await Bus.open(NatsSettings(url=None))
    deliverer = Deliverer(deployed_store, blobs, bus, Settings())
    made: list[int] = []
    tenant = await deployed_store.accounts.tenant_id()

    async def put(*addresses: str) -> int:
        remote = tuple(RemoteRecipient(a, a.partition("@")[2]) for a in addresses)
        incoming = Incoming(
            tenant, b"Subject: x\r\n\r\nx", "trace", remote=remote, reverse_path="me@here.test"
        )
        number = (await deliverer.deliver(incoming)).queue_id
        assert number is not None
        made.append(number)
        return number

    yield put
    for number in made:
        with contextlib.suppress(NotFound):
            await deployed_store.queue.remove(number)
    await deliverer.close()
    await bus.close()
    await blobs.close()


def states(mailquay, number: int) -> list[str]:
    shown = mailquay("queue", "show", str(number), "--json").data
    return [recipient["state"] for recipient in shown["recipients"]]


async def test_message_is_listed_held_released_and_removed(mailquay, enqueue):
    first, second = await enqueue("a@example.net", "b@example.org"), await enqueue("c@example.com")
    listed = {each["id"]: each for each in mailquay("queue", "list", "--json").data}
    assert {first, second} <= set(listed)
    assert listed[first]["reverse_path"] == "me@here.test"
    assert [r["address"] for r in listed[first]["recipients"]] == ["a@example.net", "b@example.org"]
    assert "b@example.org" in mailquay("queue", "list").output

    assert mailquay("queue", "hold", str(first), "--json").data == {"recipients": 2}
    assert states(mailquay, first) == ["held", "held"]
    assert states(mailquay, second) == ["queued"]
    held = mailquay("queue", "list", "--state", "held", "--json").data
    assert [each["id"] for each in held] == [first]

    mailquay("queue", "release", "--all")
    assert states(mailquay, first) == ["queued", "queued"]
    mailquay("queue", "remove", str(first), str(second))
    mailquay("queue", "show", str(first), status=Exit.NOT_FOUND)
    listed = {each["id"] for each in mailquay("queue", "list", "--json").data}
    assert not {first, second} & listed


async def test_reply_of_the_last_attempt_is_shown_without_its_controls(
    mailquay, enqueue, deployed_store
):
    number = await enqueue("a@example.net")
    (lease,) = await deployed_store.queue.lease("w", 1, 60)
    reply = "550 5.1.1 \x1b[31mno such user\x07"
    await deployed_store.queue.finish("w", [Outcome(lease, Verdict.FAILED, reply, "mx.test")])
    shown = mailquay("queue", "show", str(number)).output
    assert "mx.test" in shown
    assert "no such user" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown
    failed = mailquay("queue", "list", "--state", "failed", "--json").data
    assert failed[0]["recipients"][0]["last_reply"] == reply, "JSON says what was said"


async def test_retry_makes_a_message_due_and_wakes_the_services(
    mailquay, enqueue, deployed_store, bus
):
    number = await enqueue("a@example.net")
    (lease,) = await deployed_store.queue.lease("w", 1, 3600)
    await deployed_store.queue.finish(
        "w",
        [
            Outcome(
                lease, Verdict.RETRY, "451 later", retry_at=datetime.now(UTC) + timedelta(days=1)
            )
        ],
    )
    assert await deployed_store.queue.lease("w", 1, 60) == []
    woken = asyncio.Event()
    subscription = bus.subscribe(lambda event: isinstance(event, QueueReady) and woken.set())
    assert mailquay("queue", "retry", str(number), "--json").data == {"recipients": 1}
    await asyncio.wait_for(woken.wait(), 20)
    subscription.close()
    assert [lease.message_id for lease in await deployed_store.queue.lease("w", 1, 60)] == [number]


@pytest.mark.parametrize("command", ["retry", "hold", "release"])
async def test_wrong_id_changes_nothing(mailquay, enqueue, command):
    number = await enqueue("a@example.net")
    mailquay("queue", command, str(number), "999999", status=Exit.NOT_FOUND)
    assert states(mailquay, number) == ["queued"]


@pytest.mark.parametrize("arguments", [(), ("1", "--all")])
def test_which_messages_is_to_be_said(mailquay, arguments):
    told = mailquay("queue", "hold", *arguments, status=Exit.USAGE)
    assert "--all" in told.error
