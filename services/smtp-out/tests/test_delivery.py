"""Delivery to other people's hosts, over sockets."""

import pytest

from mailquay.delivery import RemoteRecipient

SENDER = "alice@example.org"
MESSAGE = b"From: alice@example.org\r\nSubject: hello\r\n\r\nhello\r\n"


@pytest.fixture(scope="module", autouse=True)
def worker(start_worker, deployment):
    return start_worker(SMTP_OUT__RETRY_STEPS_SECONDS="[3600]")


async def test_a_message_reaches_the_mx_with_its_envelope_and_without_a_return_path(world, hosts):
    host = hosts.mail()
    domain = world.publish(host)
    body = b"Subject: dots\r\n\r\n.\r\n..two\r\nbare\nline\r\nend"
    queue_id = await world.submit(SENDER, f"bob@{domain}", message=body)
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_host) == ("delivered", f"mx0.{domain}")
    assert found.last_reply == "250 2.0.0 kept"
    (envelope,) = host.envelopes
    assert envelope.mail_from == SENDER
    assert envelope.rcpt_tos == [f"bob@{domain}"]
    assert envelope.original_content == (
        b"Subject: dots\r\n\r\n.\r\n..two\r\nbare\r\nline\r\nend\r\n"
    )


async def test_recipients_at_one_domain_go_in_one_transaction(world, hosts):
    host, other = hosts.mail(), hosts.mail()
    domain, elsewhere = world.publish(host), world.publish(other)
    addresses = [f"r{n}@{domain}" for n in range(5)]
    queue_id = await world.submit(SENDER, *addresses, f"x@{elsewhere}")
    await world.finished(queue_id)
    assert [sorted(e.rcpt_tos) for e in host.envelopes] == [addresses]
    assert [e.rcpt_tos for e in other.envelopes] == [[f"x@{elsewhere}"]]


async def test_a_large_message_arrives_byte_for_byte(world, hosts):
    host = hosts.mail()
    domain = world.publish(host)
    body = b"Subject: big\r\n\r\n" + b".line of text\r\n" * 150_000
    queue_id = await world.submit(SENDER, f"bob@{domain}", message=body)
    assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert host.envelopes[0].original_content == body


async def test_each_recipient_has_its_own_outcome(world, hosts):
    replies = {
        "RCPT TO:<later": ["451 4.2.1 busy", "250 ok"],
        "RCPT TO:<never": "550 5.1.1 no such user",
    }
    host = hosts.odd(replies=replies)
    domain = world.publish(host)
    names = ("now", "later", "never")
    queue_id = await world.submit("", *(f"{name}@{domain}" for name in names))
    found = await world.finished(queue_id)
    assert {name: r.state for name, r in found.items()} == {
        "now": "delivered",
        "later": "queued",
        "never": "failed",
    }
    assert found["later"].last_reply == "451 4.2.1 busy"
    await world.queue.retry(queue_id)
    found = await world.finished(queue_id, attempts=2)
    assert found["later"].state == "delivered"
    assert [c for c in host.commands if c.startswith("RCPT")].count(f"RCPT TO:<now@{domain}>") == 1


async def test_recipients_over_a_hosts_limit_follow_in_another_transaction(world, hosts):
    host = hosts.odd(replies={"RCPT TO:<c": ["452 4.5.3 too many", "250 ok"]})
    domain = world.publish(host)
    queue_id = await world.submit(SENDER, *(f"{name}@{domain}" for name in "abc"))
    found = await world.finished(queue_id)
    assert {r.state for r in found.values()} == {"delivered"}
    assert (host.sessions, len(host.messages)) == (1, 2)


async def test_a_host_that_says_421_leaves_it_to_the_next(world, hosts):
    busy, other = hosts.odd(replies={"greeting": "421 4.3.2 busy"}), hosts.mail()
    domain = world.publish(busy, other)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_host, found.attempts) == ("delivered", f"mx1.{domain}", 1)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "dot"])
async def test_421_in_the_middle_leaves_it_to_the_next(world, hosts, command):
    going, other = hosts.odd(replies={command: "421 4.3.2 going down"}), hosts.mail()
    domain = world.publish(going, other)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert len(other.envelopes) == 1


@pytest.mark.parametrize("command", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_connection_cut_before_the_message_leaves_it_to_the_next(world, hosts, command):
    broken, other = hosts.odd(replies={command: None}), hosts.mail()
    domain = world.publish(broken, other)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.possible_duplicate) == ("delivered", False)


async def test_a_host_that_is_no_mail_server_leaves_it_to_the_next(world, hosts):
    garbage, other = hosts.odd(replies={"greeting": "HTTP/1.1 400 Bad Request"}), hosts.mail()
    domain = world.publish(garbage, other)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"


async def test_a_connection_cut_after_the_final_dot_may_be_a_duplicate(world, hosts):
    cut, other = hosts.odd(replies={"dot": [None, "250 2.0.0 kept"]}), hosts.mail()
    domain = world.publish(cut, other)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.possible_duplicate) == ("queued", True)
    assert found.last_reply.startswith("4.4.2 the peer closed the connection at final dot")
    assert other.envelopes == [], "another host at once makes two of one"
    await world.queue.retry(queue_id)
    found = (await world.finished(queue_id, attempts=2))["bob"]
    assert (found.state, found.possible_duplicate) == ("delivered", True)
    assert cut.messages == [b"Subject: hello\r\n\r\nhello\r\n"] * 2


async def test_hosts_are_tried_by_their_preference(world, hosts):
    first, second = hosts.mail(), hosts.mail()
    domain = world.publish(first, second)
    for _ in range(3):
        await world.finished(await world.submit(SENDER, f"bob@{domain}"))
    assert (len(first.envelopes), len(second.envelopes)) == (3, 0)


async def test_a_domain_without_mx_is_its_own_host(world, hosts):
    host = hosts.mail()
    named = world.publish(host)
    domain = world.publish(A=[host.bound[0]])
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_host) == ("delivered", domain)
    assert named != domain


@pytest.mark.parametrize(
    ("records", "state", "reply"),
    [
        ({"MX": [[0, "."]]}, "failed", "5.1.10 the domain {} takes no mail (null MX)"),
        ({"MX": [[10, "mail.mailquay.test"]]}, "failed", "5.4.6 mail for {} loops"),
        ({"MX": [[10, "nowhere.invalid"]]}, "failed", "5.4.4 no mail host of {}"),
        ({"TXT": ["x"]}, "failed", "5.4.4 no mail host of {}"),
    ],
)
async def test_a_domain_that_takes_no_mail_fails(world, records, state, reply):
    domain = world.publish(**records)
    queue_id = await world.submit("", f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert found.state == state
    assert found.last_reply.startswith(reply.format(domain))
    assert found.last_host is None


async def test_a_domain_that_is_not_there_fails(world):
    queue_id = await world.submit("", "bob@nowhere.invalid")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply[:5]) == ("failed", "5.1.2")


async def test_dns_that_fails_is_asked_again(world):
    domain = world.publish(MX=[[10, "broken.invalid"]])
    world.break_name(domain)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply[:5]) == ("queued", "4.4.3")


async def test_a_host_that_cannot_be_reached_is_tried_again_later(world, hosts):
    host = hosts.mail()
    domain = world.publish(host)
    world.move(host.bound[0], port=1)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply[:20]) == ("queued", "4.4.1 cannot connect")
    world.move(host.bound[0], port=host.bound[1])
    await world.queue.retry(queue_id)
    found = (await world.finished(queue_id, attempts=2))["bob"]
    assert (found.state, found.attempts) == ("delivered", 2)


async def test_a_host_of_old_is_greeted_with_helo(world, hosts):
    host = hosts.odd(replies={"EHLO": "502 5.5.1 what?"})
    domain = world.publish(host)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert host.commands[:3] == [
        "EHLO mail.mailquay.test",
        "HELO mail.mailquay.test",
        f"MAIL FROM:<{SENDER}>",
    ]


async def test_extensions_are_used_where_they_are_offered(world, hosts):
    host = hosts.odd(extensions=("PIPELINING", "SIZE 100000", "8BITMIME", "SMTPUTF8", "DSN"))
    domain = world.publish(host)
    message = "Subject: ü\r\n\r\nü\r\n".encode()
    recipient = RemoteRecipient(
        f"bob@{domain}", domain, notify="SUCCESS,FAILURE", original_recipient="rfc822;b@x.example"
    )
    queue_id = await world.submit(
        SENDER, recipient, message=message, smtputf8=True, envelope_id="Q+2B1", ret="HDRS"
    )
    await world.finished(queue_id)
    assert host.commands[1:4] == [
        f"MAIL FROM:<{SENDER}> SIZE={len(message)} BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=Q+2B1",
        f"RCPT TO:<bob@{domain}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@x.example",
        "DATA",
    ]


@pytest.mark.parametrize(
    ("extensions", "more", "message", "status"),
    [
        (("8BITMIME",), {"smtputf8": True}, "Subject: ü\r\n\r\n".encode(), "5.6.7"),
        (("SMTPUTF8",), {}, "Subject: x\r\n\r\nü".encode(), "5.6.3"),
        (("SIZE 20",), {}, MESSAGE, "5.3.4"),
    ],
)
async def test_what_a_host_cannot_take_fails_with_its_reason(
    world, hosts, extensions, more, message, status
):
    host = hosts.odd(extensions=extensions)
    domain = world.publish(host)
    queue_id = await world.submit("", f"bob@{domain}", message=message, **more)
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply[:5]) == ("failed", status)
    assert host.messages == []


async def test_internationalised_mail_goes_to_a_host_that_takes_it(world, hosts):
    host = hosts.mail(enable_SMTPUTF8=True)
    domain = world.publish(host)
    queue_id = await world.submit(
        "jürgen@example.org", f"dörte@{domain}", message="Subject: ü\r\n\r\nü\r\n".encode(),
        smtputf8=True,
    )  # fmt: skip
    assert (await world.finished(queue_id))["dörte"].state == "delivered"
    assert host.envelopes[0].rcpt_tos == [f"dörte@{domain}"]
    assert host.envelopes[0].mail_from == "jürgen@example.org"
