"""What is taken when, and by how many connections."""

import json
import threading
import urllib.request

import pytest

from mailquay.delivery import RemoteRecipient

SENDER = "alice@example.org"


@pytest.fixture
def worker(start_worker):
    """Start a worker of the test's own."""
    started = []

    def start(**settings):
        started.append(start_worker(SMTP_OUT__RETRY_STEPS_SECONDS="[3600]", **settings))
        return started[-1]

    yield start
    for service in started:
        service.stop()


@pytest.fixture
def gate():
    """What a host waits for before it answers; open at the end in any case."""
    gate = threading.Event()
    yield gate
    gate.set()


async def until_leased(world, queue_id):
    async def is_leased():
        return all(r.lease_owner for r in (await world.recipients(queue_id)).values())

    await world.until(is_leased)


async def test_an_event_wakes_a_worker_that_would_not_look(world, hosts, worker):
    worker(SMTP_OUT__POLL_SECONDS="3600")
    queue_id = await world.submit(SENDER, f"bob@{world.publish(hosts.mail())}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"


async def test_a_worker_without_events_looks_by_itself(world, hosts, worker):
    worker(NATS__URL="none", SMTP_OUT__POLL_SECONDS="0.5")
    queue_id = await world.submit(SENDER, f"bob@{world.publish(hosts.mail())}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"


async def test_messages_follow_one_another_on_one_connection(world, hosts, worker, gate):
    host = hosts.odd(hold=gate)
    domain = world.publish(host)
    worker(SMTP_OUT__PER_DESTINATION_CONCURRENCY="1")
    first = await world.submit(SENDER, f"bob@{domain}")
    await until_leased(world, first)
    second = await world.submit(SENDER, f"eve@{domain}")
    await until_leased(world, second)
    gate.set()
    for queue_id in (first, second):
        await world.finished(queue_id)
    assert (host.sessions, len(host.messages)) == (1, 2)
    assert "RSET" in host.commands


async def test_a_connection_that_ended_meanwhile_is_made_anew(world, hosts, worker, gate):
    host = hosts.odd(hold=gate, replies={"RSET": None})
    domain = world.publish(host)
    worker(SMTP_OUT__PER_DESTINATION_CONCURRENCY="1")
    first = await world.submit(SENDER, f"bob@{domain}")
    await until_leased(world, first)
    second = await world.submit(SENDER, f"eve@{domain}")
    await until_leased(world, second)
    gate.set()
    for queue_id in (first, second):
        found = await world.finished(queue_id)
        assert [(r.state, r.attempts) for r in found.values()] == [("delivered", 1)]
    assert (host.sessions, len(host.messages)) == (2, 2)


async def test_a_connection_carries_so_many_messages_at_most(world, hosts, worker, gate):
    host = hosts.odd(hold=gate)
    domain = world.publish(host)
    worker(SMTP_OUT__PER_DESTINATION_CONCURRENCY="1", SMTP_OUT__MESSAGES_PER_CONNECTION="1")
    first = await world.submit(SENDER, f"bob@{domain}")
    await until_leased(world, first)
    second = await world.submit(SENDER, f"eve@{domain}")
    await until_leased(world, second)
    gate.set()
    for queue_id in (first, second):
        await world.finished(queue_id)
    assert host.sessions == 2


async def test_a_slow_domain_keeps_nobody_elses_mail(world, hosts, worker, gate):
    slow, quick = hosts.odd(hold=gate), hosts.mail()
    domain = world.publish(slow)
    queued = [await world.submit(SENDER, f"r{n}@{domain}") for n in range(30)]
    other = await world.submit(SENDER, f"bob@{world.publish(quick)}")
    worker(SMTP_OUT__CONCURRENCY="5", SMTP_OUT__PER_DESTINATION_CONCURRENCY="2")
    assert (await world.finished(other))["bob"].state == "delivered"
    assert slow.sessions == 2
    gate.set()
    for queue_id in queued:
        found = await world.finished(queue_id)
        assert [(r.state, r.attempts) for r in found.values()] == [("delivered", 1)]


async def test_a_host_that_takes_a_message_too_slowly_may_have_it(world, hosts, worker, gate):
    host = hosts.odd(hold=gate)
    worker(SMTP_OUT__TRANSACTION_TIMEOUT_SECONDS="1")
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.possible_duplicate) == ("queued", True)
    assert found.last_reply == "4.4.2 it took too long"


async def test_many_recipients_go_in_several_transactions(world, hosts, worker):
    host = hosts.odd()
    worker(SMTP_OUT__RECIPIENTS_PER_MESSAGE="2")
    domain = world.publish(host)
    queue_id = await world.submit(SENDER, *(f"r{n}@{domain}" for n in range(5)))
    found = await world.finished(queue_id)
    assert {r.state for r in found.values()} == {"delivered"}
    assert (host.sessions, len(host.messages)) == (1, 3)


async def test_a_domain_that_cannot_be_reached_rests(world, hosts, worker):
    host = hosts.mail()
    domain = world.publish(host)
    world.move(host.bound[0], port=1)
    first, waiting = [await world.submit(SENDER, f"{x}@{domain}") for x in ("bob", "zoe")]
    worker(SMTP_OUT__DESTINATION_REST_SECONDS="3600", SMTP_OUT__PER_DESTINATION_CONCURRENCY="1")
    await world.finished(first)
    alike = (await world.finished(waiting))["zoe"]
    assert (alike.attempts, alike.last_reply[:5]) == (1, "4.4.1")
    later = await world.submit(SENDER, f"eve@{domain}")
    other = await world.submit(SENDER, f"bob@{world.publish(hosts.mail())}")
    await world.finished(other)
    found = (await world.recipients(later))["eve"]
    assert (found.attempts, found.lease_owner) == (0, None)


async def test_mail_to_an_address_literal_goes_to_that_address(world, hosts, worker):
    host = hosts.mail()
    address, port = host.bound
    worker(SMTP_OUT__PORT=str(port))
    recipient = RemoteRecipient(f"bob@[{address}]", f"[{address}]")
    queue_id = await world.submit(SENDER, recipient)
    assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert host.envelopes[0].rcpt_tos == [f"bob@[{address}]"]


async def test_held_mail_waits_for_its_release(world, hosts, worker):
    host = hosts.mail()
    domain = world.publish(host)
    held, removed = [await world.submit(SENDER, f"{x}@{domain}") for x in ("bob", "eve")]
    assert await world.queue.hold(held) == 1
    await world.queue.remove(removed)
    worker()
    other = await world.submit(SENDER, f"zoe@{domain}")
    await world.finished(other)
    found = (await world.recipients(held))["bob"]
    assert (found.state, found.attempts) == ("held", 0)
    assert await world.queue.release(held) == 1
    assert (await world.finished(held))["bob"].state == "delivered"
    assert [e.rcpt_tos for e in host.envelopes] == [[f"zoe@{domain}"], [f"bob@{domain}"]]


async def test_what_is_held_while_it_waits_for_a_connection_is_not_sent(world, hosts, worker, gate):
    host = hosts.odd(hold=gate)
    domain = world.publish(host)
    worker(SMTP_OUT__PER_DESTINATION_CONCURRENCY="1", SMTP_OUT__LEASE_SECONDS="6")
    first = await world.submit(SENDER, f"bob@{domain}")
    await until_leased(world, first)
    second = await world.submit(SENDER, f"eve@{domain}")
    await until_leased(world, second)
    leased = (await world.recipients(first))["bob"].next_attempt_at
    await world.queue.hold(second)

    async def is_extended():
        return (await world.recipients(first))["bob"].next_attempt_at > leased

    await world.until(is_extended)
    gate.set()
    await world.finished(first)

    async def is_handed_back():
        return not (await world.recipients(second))["eve"].lease_owner

    await world.until(is_handed_back)
    found = (await world.recipients(second))["eve"]
    assert (found.state, found.attempts) == ("held", 0)
    assert len(host.messages) == 1


async def test_a_body_that_cannot_be_read_waits(world, deployment, hosts, worker):
    queue_id = await world.submit(SENDER, f"bob@{world.publish(hosts.mail())}")
    packs = deployment.folder / "blobs" / "packs"
    packs.rename(packs.with_name("hidden"))
    try:
        worker()
        found = (await world.finished(queue_id))["bob"]
    finally:
        packs.with_name("hidden").rename(packs)
    assert (found.state, found.last_reply) == ("queued", "4.3.0 the message cannot be read now")
    await world.queue.retry(queue_id)
    assert (await world.finished(queue_id, attempts=2))["bob"].state == "delivered"


async def test_what_is_finished_is_forgotten_after_its_time(world, hosts, worker):
    worker(SMTP_OUT__KEEP_FINISHED_SECONDS="3600")
    queue_id = await world.submit(SENDER, f"bob@{world.publish(hosts.mail())}")
    await world.finished(queue_id)
    worker(SMTP_OUT__KEEP_FINISHED_SECONDS="0")

    async def is_gone():
        return await world.gone(queue_id)

    await world.until(is_gone)


async def test_an_attempt_is_counted_and_logged_with_its_trace(world, hosts, worker, deployment):
    service = worker()
    queue_id = await world.submit(SENDER, f"bob@{world.publish(hosts.mail())}")
    await world.finished(queue_id)
    message, _ = await world.queue.show(queue_id)
    address = f"http://127.0.0.1:{service.ports['metrics']}/metrics"
    with urllib.request.urlopen(address) as answer:
        exposition = answer.read().decode()
    assert 'mailquay_queue_attempts_total{result="delivered"} 1.0' in exposition
    assert 'mailquay_outbound_sessions_total{result="clear"} 1.0' in exposition
    log = "".join(path.read_text() for path in deployment.folder.glob("smtp-out-*.log"))
    (line,) = [json.loads(x) for x in log.splitlines() if message.trace_id in x]
    assert (line["event"], line["queue_id"], line["attempt"]) == ("delivered", queue_id, 1)
