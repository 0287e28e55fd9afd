"""Relays from the database: which one is for a message, and what becomes of the mail."""

import ssl

import pytest
import pytest_asyncio
from aiosmtpd.smtp import AuthResult

from mailquay.events import Bus, ConfigChanged
from mailquay.runtime.settings import NatsSettings
from mailquay.standalone.certificates import make_certificates
from mailquay.store.declared import DeclaredDomain, DeclaredRelay, DeclaredTenant
from mailquay.store.relays import Relay
from mailquay.testing.ports import free_port
from mailquay_smtp_out.relays import RelayTable

SENDER = "alice@example.org"


def relay(name, tenant, recipients, sender):
    rest = dict.fromkeys(("host", "port", "tls", "username", "password_file", "password_env"))
    return Relay(name, tenant, recipients, sender, "mx", **rest)


TABLE = RelayTable(
    [
        relay("all", None, "*", None),
        relay("tenant", 1, "*", None),
        relay("sender", None, "*", "from.example"),
        relay("tenant-sender", 1, "*", "from.example"),
        relay("below", None, "*.to.example", None),
        relay("far-below", None, "*.far.to.example", None),
        relay("exact", None, "to.example", None),
    ]
)


@pytest.mark.parametrize(
    ("tenant", "sender", "domain", "name"),
    [
        (2, "a@b.example", "x.example", "all"),
        (1, "a@b.example", "x.example", "tenant"),
        (2, "a@From.Example", "x.example", "sender"),
        (1, "a@from.example", "x.example", "tenant-sender"),
        (1, "", "x.example", "tenant"),
        (1, "a@from.example", "to.example", "exact"),
        (1, "a@from.example", "sub.to.example", "below"),
        (1, "a@from.example", "sub.sub.to.example", "below"),
        (1, "a@from.example", "x.far.to.example", "far-below"),
        (1, "a@from.example", "far.to.example", "below"),
        (2, "a@b.example", "notto.example", "all"),
        (2, "a@b.example", "[192.0.2.1]", "all"),
    ],
)
def test_the_most_particular_relay_is_taken(tenant, sender, domain, name):
    assert TABLE.find(tenant_id=tenant, sender=sender, domain=domain).name == name


def test_without_a_match_there_is_no_relay():
    table = RelayTable([relay("one", 1, "to.example", None)])
    assert table
    assert table.find(tenant_id=2, sender=SENDER, domain="to.example") is None
    assert table.find(tenant_id=1, sender=SENDER, domain="other.example") is None
    assert not RelayTable()


@pytest.fixture(scope="module")
def certificates(deployment):
    """Of nobody whom the system trusts."""
    return make_certificates(deployment.folder / "theirs", ["relay.example"])


@pytest.fixture(scope="module")
def tls(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate_file, certificates.key_file)
    return context


@pytest.fixture
def worker(start_worker, certificates):
    """Start a worker of the test's own, which looks at the relays each time."""
    started = []

    def start(**settings):
        usual = {
            "SMTP_OUT__RETRY_STEPS_SECONDS": "[3600]",
            "SMTP_OUT__RELAY_CACHE_SECONDS": "0",
            "SMTP_OUT__SMARTHOST_CA_FILE": str(certificates.ca_file),
        }
        started.append(start_worker(**(usual | settings)))

    yield start
    for service in started:
        service.stop()


@pytest_asyncio.fixture
async def declare(world):
    """Declare items, and remove them at the end."""
    made = []

    async def declare(*items):
        async with world.store.declarations.write() as writer:
            for item in items:
                made.append(item.ref)
                await writer.put(item, is_new=True)

    yield declare
    async with world.store.declarations.write() as writer:
        for ref in reversed(made):
            await writer.remove(ref)


def to_host(host, domain, **more):
    """A relay to a host at its address, in the clear."""
    address, port = host.bound
    return DeclaredRelay(
        f"for-{domain.partition('.')[0]}",
        recipient_domain=domain, host=address, port=port, tls="off", **more,
    )  # fmt: skip


async def test_a_relay_takes_a_domains_mail_and_others_go_to_their_mx(
    world, hosts, worker, declare
):
    relay_host, mx, other = hosts.mail(), hosts.mail(), hosts.mail()
    domain, elsewhere = world.publish(mx), world.publish(other)
    await declare(to_host(relay_host, domain))
    worker()
    queue_id = await world.submit(SENDER, f"bob@{domain}", f"carol@{elsewhere}")
    found = await world.finished(queue_id)
    assert {r.state for r in found.values()} == {"delivered"}
    assert [e.rcpt_tos for e in relay_host.envelopes] == [[f"bob@{domain}"]]
    assert mx.envelopes == []
    assert [e.rcpt_tos for e in other.envelopes] == [[f"carol@{elsewhere}"]]


async def test_a_tenants_relay_is_for_its_own_mail_alone(world, hosts, worker, declare):
    relay_host, mx = hosts.mail(), hosts.mail()
    domain = world.publish(mx)
    acme = DeclaredTenant("acme")
    await declare(acme, DeclaredDomain("acme.example", tenant="acme"))
    await declare(to_host(relay_host, domain, tenant="acme"))
    worker()
    tenant_id = (await world.store.accounts.get_domain("acme.example")).tenant_id
    theirs = await world.submit(SENDER, f"bob@{domain}", tenant_id=tenant_id)
    ours = await world.submit(SENDER, f"bob@{domain}")
    for queue_id in (theirs, ours):
        assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert len(relay_host.envelopes) == len(mx.envelopes) == 1


async def test_a_senders_domain_chooses_the_relay(world, hosts, worker, declare):
    relay_host, mx = hosts.mail(), hosts.mail()
    domain = world.publish(mx)
    await declare(to_host(relay_host, domain, sender_domain="news.example"))
    worker()
    for sender in ("list@news.example", SENDER):
        queue_id = await world.submit(sender, f"bob@{domain}")
        assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert [e.mail_from for e in relay_host.envelopes] == ["list@news.example"]
    assert [e.mail_from for e in mx.envelopes] == [SENDER]


async def test_a_relay_goes_ahead_of_the_smarthost(world, hosts, worker, declare):
    smarthost, relay_host, mx = hosts.mail(), hosts.mail(), hosts.mail()
    relayed, direct, usual = world.publish(), world.publish(mx), world.publish()
    await declare(
        to_host(relay_host, relayed),
        DeclaredRelay("direct", recipient_domain=direct, action="mx"),
    )
    address, port = smarthost.bound
    worker(SMTP_OUT__SMARTHOST=f"{address}:{port}", SMTP_OUT__SMARTHOST_TLS="off")
    queue_id = await world.submit(SENDER, f"a@{relayed}", f"b@{direct}", f"c@{usual}")
    found = await world.finished(queue_id)
    assert {r.state for r in found.values()} == {"delivered"}
    assert [e.rcpt_tos for e in relay_host.envelopes] == [[f"a@{relayed}"]]
    assert [e.rcpt_tos for e in mx.envelopes] == [[f"b@{direct}"]]
    assert [e.rcpt_tos for e in smarthost.envelopes] == [[f"c@{usual}"]]


async def test_mail_to_a_rejected_domain_is_returned_at_once(world, hosts, worker, declare):
    mx = hosts.mail()
    domain = world.publish(mx)
    await declare(DeclaredRelay("no-way", recipient_domain=f"*.{domain}", action="reject"))
    worker()
    queue_id = await world.submit("", f"bob@sub.{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply[:5]) == ("failed", "5.7.1")
    assert mx.envelopes == []


async def test_a_relay_that_is_away_keeps_nobody_elses_mail(world, hosts, worker, declare):
    mx = hosts.mail()
    domain = world.publish(mx)
    await declare(
        DeclaredRelay(
            "gone", recipient_domain=domain, sender_domain="news.example",
            host="127.0.0.1", port=free_port(), tls="off",
        )
    )  # fmt: skip
    worker()
    waiting = await world.submit("list@news.example", f"bob@{domain}")
    assert (await world.finished(waiting))["bob"].state == "queued"
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"


class Password:
    """An aiosmtpd authenticator that knows one password."""

    def __call__(self, server, session, envelope, mechanism, data):
        is_right = (data.login, data.password) == (b"us", b"secret")
        return AuthResult(success=is_right, handled=False)


@pytest.mark.parametrize(
    ("text", "state", "reply"),
    [
        ("secret\n", "delivered", "250 "),
        ("wrong\n", "queued", "4.7.8 "),
        ("", "queued", "4.7.0 the relay cannot be used"),
    ],
)
async def test_the_password_is_read_from_its_file_at_each_connection(
    world, hosts, worker, declare, tls, tmp_path, text, state, reply
):
    host = hosts.mail(
        tls_context=tls, require_starttls=True, authenticator=Password(), auth_required=True
    )
    world.name("relay.example", host)
    domain = world.publish()
    path = tmp_path / "password"
    await declare(
        DeclaredRelay(
            "with-password", recipient_domain=domain, host="relay.example", port=587,
            tls="required", username="us", password_file=str(path),
        )
    )  # fmt: skip
    worker()
    path.write_text(text)
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    found = (await world.finished(queue_id))["bob"]
    assert found.state == state
    assert reply in found.last_reply


async def test_a_relay_that_is_new_is_followed_as_soon_as_it_is_told(
    world, hosts, worker, declare, deployment
):
    mx, relay_host = hosts.mail(), hosts.mail()
    domain = world.publish(mx)
    worker(SMTP_OUT__RELAY_CACHE_SECONDS="3600")
    queue_id = await world.submit(SENDER, f"bob@{domain}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert len(mx.envelopes) == 1
    await declare(to_host(relay_host, domain))
    bus = await Bus.open(NatsSettings(url=deployment.nats_url))
    try:
        await bus.wait_connected(10)

        async def is_followed():
            bus.publish(ConfigChanged(kind="relay", name="any"))
            again = await world.submit(SENDER, f"bob@{domain}")
            await world.finished(again)
            return relay_host.envelopes

        await world.until(is_followed)
    finally:
        await bus.close()
