"""Workers that share a queue, die, and are told to go."""

import asyncio
import collections
import email
import email.policy
import signal
import threading

import pytest

SENDER = "alice@example.org"
MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"


@pytest.fixture
def worker(start_worker):
    """Start workers of the test's own; those that still run are stopped at its end."""
    started = []

    def start(**settings):
        started.append(start_worker(**({"SMTP_OUT__LEASE_SECONDS": "5"} | settings)))
        return started[-1]

    yield start
    for service in started:
        if service.child.is_running:
            service.stop()


@pytest.fixture
def gate():
    """What a host waits for before it answers; open at the end in any case."""
    gate = threading.Event()
    yield gate
    gate.set()


async def until_received(world, host, count=1):
    async def has_message():
        return len(host.messages) >= count

    await world.until(has_message)


async def test_a_workers_death_in_a_delivery_leaves_it_to_another(world, hosts, worker, gate):
    host = hosts.odd(hold=gate)
    first = worker()
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    await until_received(world, host)
    first.child.signal(signal.SIGKILL)
    gate.set()
    worker()
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.attempts) == ("delivered", 1)
    assert found.possible_duplicate, "its last byte was sent, and nobody knows of a reply"
    assert host.messages == [MESSAGE] * 2


async def test_a_long_delivery_is_not_taken_over_while_its_worker_lives(world, hosts, worker, gate):
    host = hosts.odd(hold=gate)
    worker()
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    await until_received(world, host)
    worker()
    (leased,) = (await world.recipients(queue_id)).values()

    async def is_extended_twice():
        (now,) = (await world.recipients(queue_id)).values()
        return (now.next_attempt_at - leased.next_attempt_at).total_seconds() > 6

    await world.until(is_extended_twice)
    gate.set()
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.possible_duplicate) == ("delivered", False)
    assert len(host.messages) == 1


async def test_a_worker_that_goes_finishes_what_it_sends_and_hands_back_the_rest(
    world, hosts, worker, gate
):
    host = hosts.odd(hold=gate)
    going = worker(SMTP_OUT__PER_DESTINATION_CONCURRENCY="1", NET__DRAIN_SECONDS="20")
    domain = world.publish(host)
    sent = await world.submit(SENDER, f"bob@{domain}")
    await until_received(world, host)
    waiting = await world.submit(SENDER, f"eve@{domain}")

    async def is_leased():
        return (await world.recipients(waiting))["eve"].lease_owner

    await world.until(is_leased)
    going.child.ask_to_stop()

    async def is_handed_back():
        return not await is_leased()

    await world.until(is_handed_back)
    gate.set()
    assert (await world.finished(sent))["bob"].state == "delivered"

    async def is_gone():
        return not going.child.is_running

    await world.until(is_gone)
    assert (await world.recipients(waiting))["eve"].attempts == 0
    worker()
    found = (await world.finished(waiting))["eve"]
    assert (found.state, found.possible_duplicate) == ("delivered", False)


async def test_what_is_handed_back_is_taken_at_once(world, hosts, worker, gate):
    """Both workers look at the queue by themselves every five minutes only."""
    host = hosts.odd(hold=gate)
    quiet = {"SMTP_OUT__POLL_SECONDS": "300", "SMTP_OUT__LEASE_SECONDS": "300"}
    going = worker(SMTP_OUT__PER_DESTINATION_CONCURRENCY="1", NET__DRAIN_SECONDS="60", **quiet)
    domain = world.publish(host)
    await world.submit(SENDER, f"bob@{domain}")
    await until_received(world, host)
    waiting = await world.submit(SENDER, f"eve@{domain}")

    async def is_leased():
        return (await world.recipients(waiting))["eve"].lease_owner

    await world.until(is_leased)
    worker(**quiet)
    going.child.ask_to_stop()
    await until_received(world, host, 2)
    assert going.child.is_running, "it waits for its own host's answer meanwhile"
    gate.set()
    assert (await world.finished(waiting))["eve"].state == "delivered"


async def test_a_worker_that_cannot_wait_says_what_may_have_arrived(world, hosts, worker, gate):
    host = hosts.odd(hold=gate)
    going = worker(NET__DRAIN_SECONDS="1", SMTP_OUT__RETRY_STEPS_SECONDS="[3600]")
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    await until_received(world, host)
    going.child.ask_to_stop()
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.possible_duplicate) == ("queued", True)
    assert found.last_reply == "4.4.2 interrupted after the message was sent"


async def test_what_was_not_sent_yet_goes_back_without_an_attempt(world, hosts, worker, gate):
    host = hosts.odd(replies={"RCPT": "250 ok"}, wait_before={"RCPT": gate})
    going = worker(NET__DRAIN_SECONDS="1")
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")

    async def is_under_way():
        return any(command.startswith("RCPT") for command in host.commands)

    await world.until(is_under_way)
    going.child.ask_to_stop()

    async def is_handed_back():
        return not (await world.recipients(queue_id))["bob"].lease_owner

    await world.until(is_handed_back)
    found = (await world.recipients(queue_id))["bob"]
    assert (found.state, found.attempts, found.possible_duplicate) == ("queued", 0, False)


async def test_an_outcome_outlives_the_loss_of_every_database_connection(
    world, hosts, worker, gate
):
    host = hosts.odd(hold=gate)
    worker()
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    await until_received(world, host)
    await world.cut_database_connections()
    gate.set()
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.attempts, len(host.messages)) == ("delivered", 1, 1)


async def test_two_workers_deliver_hundreds_each_exactly_once(world, hosts, worker):
    receivers = [hosts.mail() for _ in range(4)]
    domains = [world.publish(host) for host in receivers]
    ids = []
    for start in range(0, 400, 50):
        ids += await asyncio.gather(
            *(
                world.submit(
                    SENDER,
                    f"bob@{domains[n % 4]}",
                    f"eve@{domains[n % 4]}",
                    message=f"Subject: {n}\r\n\r\nx\r\n".encode(),
                )
                for n in range(start, start + 50)
            )
        )
    workers = [worker(), worker()]
    for queue_id in ids:
        found = await world.finished(queue_id)
        assert {r.state for r in found.values()} == {"delivered"}
    subjects = collections.Counter(
        e.original_content.split(b"\r\n")[0] for host in receivers for e in host.envelopes
    )
    assert subjects == {f"Subject: {n}".encode(): 1 for n in range(400)}
    assert all(len(e.rcpt_tos) == 2 for host in receivers for e in host.envelopes)
    assert all(service.child.is_running for service in workers)


async def test_no_report_is_sent_twice_by_workers_that_die(world, deployment, hosts, worker):
    sender = deployment.add_account("reported@example.org")
    domain = world.publish(hosts.odd(replies={"RCPT": "550 5.1.1 no"}))
    first, second = worker(), worker()
    ids = [await world.submit(sender.address, f"r{n}@{domain}") for n in range(60)]
    await world.mail(sender, 5)
    first.child.signal(signal.SIGKILL)
    await world.mail(sender, 20)
    second.child.signal(signal.SIGKILL)
    worker()
    for queue_id in ids:
        assert {r.state for r in (await world.finished(queue_id)).values()} == {"failed"}

    async def is_told():
        async with world.store.reports.claim(0) as claim:
            return not claim.reports

    await world.until(is_told)
    reported = collections.Counter(
        email.message_from_bytes(raw, policy=email.policy.default)
        .get_payload()[1].get_payload()[1]["Final-Recipient"]
        for raw in await world.mail(sender, 60)
    )  # fmt: skip
    assert reported == {f"rfc822; r{n}@{domain}": 1 for n in range(60)}
