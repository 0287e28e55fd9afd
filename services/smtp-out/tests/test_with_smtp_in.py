"""From smtp-in's doors through the queue, with a client and hosts that nobody here wrote."""

import asyncio
import smtplib

import pytest

from mailquay.testing.deployment import PASSWORD

MESSAGE = b"From: alice@example.org\r\nTo: bob\r\nSubject: hello\r\n\r\nhello\r\n"


@pytest.fixture(scope="module", autouse=True)
def worker(start_worker):
    return start_worker()


@pytest.fixture(scope="module")
def smtp_in(deployment):
    return deployment.start("smtp-in", SMTP_IN__RECIPIENT_CACHE_SECONDS="0")


@pytest.fixture(scope="module")
def alice(deployment):
    return deployment.add_account("alice@example.org")


def send(port, sender, recipients, *, user=None):
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        if user is not None:
            client.login(user, PASSWORD)
        return client.sendmail(sender, recipients, MESSAGE)


async def received(world, host, count=1):
    async def has_mail():
        return host.envelopes if len(host.envelopes) >= count else None

    return await world.until(has_mail)


async def test_a_submission_leaves_for_those_elsewhere_and_stays_for_those_here(
    world, hosts, smtp_in, alice, deployment
):
    carol = deployment.add_account("carol@example.org")
    host = hosts.mail()
    domain = world.publish(host)
    recipients = [f"bob@{domain}", carol.address]
    port = smtp_in.ports["submission"]
    await asyncio.to_thread(send, port, alice.address, recipients, user=alice.address)
    (envelope,) = await received(world, host)
    assert (envelope.mail_from, envelope.rcpt_tos) == (alice.address, [f"bob@{domain}"])
    assert envelope.original_content.startswith(b"Received: ")
    assert b"return-path:" not in envelope.original_content.lower()
    assert envelope.original_content.endswith(b"\r\n\r\nhello\r\n")
    (kept,) = await world.mail(carol)
    assert kept.startswith(b"Return-Path: <alice@example.org>\r\n")


async def test_an_alias_to_elsewhere_sends_mail_on(world, hosts, smtp_in, alice):
    host = hosts.mail()
    domain = world.publish(host)
    await world.store.accounts.add_alias("all@example.org", [alice.address, f"far@{domain}"])
    before = len(await world.inbox(alice))
    await asyncio.to_thread(
        send, smtp_in.ports["smtp"], "someone@sender.example", ["all@example.org"]
    )
    (envelope,) = await received(world, host)
    assert envelope.mail_from == "someone@sender.example"
    assert envelope.rcpt_tos == [f"far@{domain}"]
    assert len(await world.mail(alice, before + 1)) == before + 1


async def test_a_submission_that_cannot_be_delivered_comes_back(world, hosts, smtp_in, alice):
    host = hosts.odd(replies={"RCPT": "550 5.1.1 no such user"})
    before = len(await world.inbox(alice))
    recipients = [f"nobody@{world.publish(host)}"]
    port = smtp_in.ports["submission"]
    await asyncio.to_thread(send, port, alice.address, recipients, user=alice.address)
    report = (await world.mail(alice, before + 1))[-1]
    assert b"550 5.1.1 no such user" in report
