"""TLS towards an MX and towards a smarthost (RFC 3207, RFC 7435), over sockets."""

import ssl

import pytest
from aiosmtpd.smtp import AuthResult

from mailquay.standalone.certificates import make_certificates

SENDER = "alice@example.org"


@pytest.fixture
def worker(start_worker):
    """Start a worker of the test's own."""
    started = []

    def start(**settings):
        started.append(start_worker(SMTP_OUT__RETRY_STEPS_SECONDS="[3600]", **settings))

    yield start
    for service in started:
        service.stop()


@pytest.fixture(scope="module")
def certificates(deployment):
    """Of nobody whom the system trusts."""
    return make_certificates(deployment.folder / "theirs", ["mx.example", "127.0.0.1"])


@pytest.fixture(scope="module")
def tls(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate_file, certificates.key_file)
    return context


async def test_tls_is_taken_whoever_signed_the_certificate(world, hosts, worker, tls):
    worker()
    host = hosts.mail(tls_context=tls, require_starttls=True)
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"


@pytest.mark.parametrize(
    "replies",
    [
        {"STARTTLS": ["*junk", "454 4.7.0 not now"]},
        {"STARTTLS": "454 4.7.0 not now"},
        {"STARTTLS": "220 go\r\n250 injected"},
    ],
)
async def test_mail_goes_in_the_clear_where_tls_fails_and_is_not_required(
    world, hosts, worker, replies
):
    worker()
    host = hosts.odd(replies=replies, extensions=("STARTTLS",))
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply) == ("delivered", "250 2.0.0 kept")
    assert len(host.messages) == 1


@pytest.mark.parametrize(
    ("replies", "extensions", "status"),
    [
        ({"STARTTLS": "*junk"}, ("STARTTLS",), "4.7.5"),
        ({"STARTTLS": "454 4.7.0 not now"}, ("STARTTLS",), "4.7.5"),
        ({}, (), "4.7.5"),
    ],
)
async def test_mail_waits_where_tls_is_required_and_fails(
    world, hosts, worker, replies, extensions, status
):
    worker(SMTP_OUT__TLS="required")
    host = hosts.odd(replies=replies, extensions=extensions)
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply[:5]) == ("queued", status)
    assert host.messages == []


async def test_required_tls_delivers(world, hosts, worker, tls):
    worker(SMTP_OUT__TLS="required")
    host = hosts.mail(tls_context=tls, require_starttls=True)
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"


async def test_no_tls_where_it_is_turned_off(world, hosts, worker, tls):
    worker(SMTP_OUT__TLS="off")
    host = hosts.odd(extensions=("STARTTLS",))
    queue_id = await world.submit(SENDER, f"bob@{world.publish(host)}")
    assert (await world.finished(queue_id))["bob"].state == "delivered"
    assert "STARTTLS" not in host.commands


@pytest.fixture
def smarthost(world, hosts, tls):
    """A host that takes all mail of those who sign in; its name is in the certificate."""

    def start(name="mx.example", authenticator=None, **options):
        host = hosts.mail(
            tls_context=tls, require_starttls=True, authenticator=authenticator, **options
        )
        world.name(name, host)
        return host

    return start


def settings_for(certificates, name="mx.example", **more):
    return {
        "SMTP_OUT__SMARTHOST": f"{name}:587",
        "SMTP_OUT__SMARTHOST_CA_FILE": str(certificates.ca_file),
        **more,
    }


async def test_a_smarthost_takes_all_domains_together(world, smarthost, worker, certificates):
    host = smarthost()
    worker(**settings_for(certificates))
    queue_id = await world.submit(SENDER, "a@one.example", "b@two.example")
    found = await world.finished(queue_id)
    assert {(r.state, r.last_host) for r in found.values()} == {("delivered", "mx.example")}
    (envelope,) = host.envelopes
    assert sorted(envelope.rcpt_tos) == ["a@one.example", "b@two.example"]


class Password:
    """An aiosmtpd authenticator that knows one password."""

    def __init__(self, expected):
        self.expected = expected

    def __call__(self, server, session, envelope, mechanism, data):
        is_right = (data.login, data.password) == self.expected
        return AuthResult(success=is_right, handled=False)


@pytest.mark.parametrize(
    ("password", "state", "reply"),
    [("secret", "delivered", "250"), ("wrong", "queued", "4.7.8 the password was refused: 535")],
)
async def test_a_smarthost_is_signed_in_to(
    world, smarthost, worker, certificates, password, state, reply
):
    authenticator = Password((b"us", b"secret"))
    smarthost(authenticator=authenticator, auth_required=True)
    worker(
        **settings_for(certificates),
        SMTP_OUT__SMARTHOST_USERNAME="us",
        SMTP_OUT__SMARTHOST_PASSWORD=password,
    )
    queue_id = await world.submit(SENDER, "bob@somewhere.example")
    found = (await world.finished(queue_id))["bob"]
    assert found.state == state
    assert found.last_reply.startswith(reply)


@pytest.mark.parametrize(
    ("name", "more"),
    [("other.example", {}), ("mx.example", {"SMTP_OUT__SMARTHOST_CA_FILE": ""})],
)
async def test_a_smarthost_whose_certificate_proves_nothing_gets_no_mail(
    world, smarthost, worker, certificates, name, more
):
    host = smarthost(name)
    worker(**(settings_for(certificates, name) | more))
    queue_id = await world.submit(SENDER, "bob@somewhere.example")
    found = (await world.finished(queue_id))["bob"]
    assert (found.state, found.last_reply[:5]) == ("queued", "4.7.5")
    assert "certificate" in found.last_reply.lower()
    assert host.envelopes == []


@pytest.mark.parametrize(
    "settings",
    [
        {"SMTP_OUT__SMARTHOST": "no-port"},
        {"SMTP_OUT__SMARTHOST": "host:0"},
        {"SMTP_OUT__SMARTHOST_USERNAME": "us", "SMTP_OUT__SMARTHOST_TLS": "off"},
        {"SMTP_OUT__SMARTHOST_CA_FILE": "/nowhere/ca.pem"},
    ],
)
def test_a_smarthost_that_can_never_work_is_refused_at_the_start(start_worker, settings):
    with pytest.raises(RuntimeError, match=r"smtp-out did not start"):
        start_worker(**settings)
