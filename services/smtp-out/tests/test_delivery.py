"""Delivery to other people's hosts, over sockets."""

import email.policy
from email.parser import BytesParser

import pytest

from mailquay.standalone.certificates import make_certificates
from mailquay.net.tls import TlsContexts

SENDER = "alice@example.org"


@pytest.fixture(scope="module", autouse=True)
def worker(start_worker):
    return start_worker()


@pytest.fixture(scope="module")
def alice(deployment):
    return deployment.add_account(SENDER)


async def test_a_message_reaches_the_mx_with_its_envelope_and_without_a_return_path(world, hosts):
    host = hosts.mail()
    domain = world.publish(host)
    body = b"Subject: dots\r\n\r\n.\r\n..two\r\nbare\nline\r\nend"
    queue_id = await world.submit(SENDER, f"bob@{domain}", message=body)
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_host) == ("delivered", f"mx0.{domain}")
    (envelope,) = host.envelopes
    assert envelope.mail_from == SENDER
    assert envelope.rcpt_tos == [f"bob@{domain}"]
    assert envelope.original_content == (
        b"Subject: dots\r\n\r\n.\r\n..two\r\nbare\r\nline\r\nend\r\n"
    )
