"""What tenants and domains grant, where mail is submitted and received."""

import base64

import pytest

from mailquay.store.declared import DeclaredDomain, DeclaredTenant, Policy
from mailquay.testing.deployment import PASSWORD

MESSAGE = b"From: %b\r\nSubject: hello\r\n\r\nhello\r\n"


@pytest.fixture
def grant(site):
    """Give example.org and its tenant a policy; both grant everything again at the end."""

    def grant(domain=None, tenant=None):
        async def put(store):
            async with store.declarations.write() as writer:
                await writer.put(DeclaredTenant("default", policy=tenant or Policy()), is_new=False)
                await writer.put(
                    DeclaredDomain("example.org", policy=domain or Policy()), is_new=False
                )

        site.store(put)

    yield grant
    grant()


@pytest.fixture
def client(site):
    """Someone who has signed in as an account that nobody else uses."""
    with site.client("submission") as client:
        yield sign_in(client, "alice@example.org")


def sign_in(client, address):
    credentials = b"\0" + address.encode() + b"\0" + PASSWORD.encode()
    assert client.ask(b"AUTH PLAIN " + base64.b64encode(credentials)).startswith(b"235 ")
    return client


def begin(client, *recipients, sender=b"alice@example.org", parameters=b""):
    """The replies to MAIL and each RCPT."""
    replies = [client.ask(b"MAIL FROM:<" + sender + b">" + parameters)]
    replies += [client.ask(b"RCPT TO:<" + recipient + b">") for recipient in recipients]
    return replies


def send(client, *recipients, sender=b"alice@example.org", message=None):
    """The reply to the message's end."""
    assert all(reply.startswith(b"250 ") for reply in begin(client, *recipients, sender=sender))
    assert client.ask(b"DATA").startswith(b"354 ")
    return client.ask((message or MESSAGE % sender).removesuffix(b"\r\n") + b"\r\n.")


@pytest.mark.parametrize("level", ["domain", "tenant"])
def test_who_may_not_send_elsewhere_is_told_at_rcpt(client, grant, level):
    grant(**{level: Policy(outbound=False)})
    _, refused, taken = begin(client, b"x@elsewhere.example", b"bob@example.org")
    assert refused == b"550 5.7.1 You may send to no domain but ours"
    assert taken == b"250 2.1.5 Ok"


def test_a_domains_word_goes_before_its_tenants(client, grant):
    grant(Policy(outbound=True), Policy(outbound=False))
    assert begin(client, b"x@elsewhere.example")[1] == b"250 2.1.5 Ok"


def test_a_policy_is_followed_from_the_next_message_on(client, grant):
    assert send(client, b"x@elsewhere.example").startswith(b"250 ")
    grant(Policy(outbound=False))
    assert begin(client, b"x@elsewhere.example")[1].startswith(b"550 5.7.1")


def test_a_message_larger_than_granted_is_refused_by_its_declared_size(client, grant):
    grant(Policy(max_message_size=70_000))
    (reply,) = begin(client, parameters=b" SIZE=70001")
    assert reply.startswith(b"552 5.3.4")
    assert begin(client, parameters=b" SIZE=70000") == [b"250 2.1.0 Ok"]


def test_a_message_larger_than_granted_is_refused_after_it_was_sent(client, grant):
    grant(Policy(max_message_size=10_000))
    text = MESSAGE % b"alice@example.org" + b"line of text\r\n" * 800
    assert send(client, b"bob@example.org", message=text).startswith(b"552 5.3.4")
    assert send(client, b"bob@example.org").startswith(b"250 ")


def test_what_is_granted_above_the_servers_limit_is_not(client, grant, site):
    grant(Policy(max_message_size=10**12))
    assert begin(client, parameters=b" SIZE=%d" % 10**11)[0].startswith(b"552 5.3.4")


def test_mail_from_outside_may_be_larger(site, grant):
    grant(Policy(max_message_size=1000, outbound=False))
    text = MESSAGE % b"x@elsewhere.example" + b"line of text\r\n" * 800
    with site.client() as client:
        reply = send(client, b"bob@example.org", sender=b"x@elsewhere.example", message=text)
        assert reply.startswith(b"250 ")


def test_recipients_are_counted_over_sessions_and_to_the_last(site, grant):
    grant(Policy(max_recipients_per_day=3))
    site.deployment.add_account("counted@example.org")
    sender = b"counted@example.org"
    with site.client("submission") as one, site.client("submission") as two:
        sign_in(one, sender.decode())
        sign_in(two, sender.decode())
        two_of_three = [b"alice@example.org", b"x@elsewhere.example"]
        assert send(one, *two_of_three, sender=sender).startswith(b"250 ")
        reply = send(two, *two_of_three, sender=sender)
        assert reply == b"450 4.7.1 You have sent to as many recipients as a day allows"
        assert send(two, b"alice@example.org", sender=sender).startswith(b"250 ")
        assert send(one, b"bob@example.org", sender=sender).startswith(b"450 4.7.1")
        grant(Policy(max_recipients_per_day=4))
        assert send(one, b"bob@example.org", sender=sender).startswith(b"250 ")
    assert len(site.inbox("alice@example.org")) >= 2


@pytest.mark.parametrize("level", ["domain", "tenant"])
def test_a_default_quota_is_held_at_rcpt_and_at_the_delivery(site, grant, level):
    grant(**{level: Policy(default_quota=3000)})
    address = f"{level}@example.org"
    site.deployment.add_account(address)
    with site.client() as client:
        sender = b"x@elsewhere.example"
        replies = begin(client, address.encode(), sender=sender, parameters=b" SIZE=4000")
        assert replies[1].startswith(b"452 4.2.2")
        client.ask(b"RSET")
        text = MESSAGE % sender + b"line of text\r\n" * 300
        reply = send(client, address.encode(), sender=sender, message=text)
        assert reply.startswith(b"452 4.2.2")
        assert send(client, address.encode(), sender=sender).startswith(b"250 ")
    assert len(site.inbox(address)) == 1
