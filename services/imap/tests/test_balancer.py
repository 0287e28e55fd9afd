"""Behind a balancer that speaks the PROXY protocol, on both ports: the client is who it is."""

import json
import socket
import ssl
import struct

import pytest

from mailquay.testing.deployment import PASSWORD
from mailquay.testing.lines import LineClient

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def header(source: str) -> bytes:
    addresses = socket.inet_aton(source) * 2 + struct.pack("!HH", 4711, 993)
    return SIGNATURE + struct.pack("!BBH", 0x21, 0x11, len(addresses)) + addresses


#: The balancer asks for itself whether we live.
LOCAL = SIGNATURE + struct.pack("!BBH", 0x20, 0x00, 0)


@pytest.fixture(scope="module")
def service(deployment):
    deployment.add_account("ann@balanced.test")
    return deployment.start(
        "imap",
        NET__PROXY_PROTOCOL_FROM='["127.0.0.0/8"]',
        NET__MAX_CONNECTIONS_PER_ADDRESS="10",
        IDENTITY__FAILURES_PER_ADDRESS="3",
    )


@pytest.fixture(params=["imap", "imaps"])
def connect(request, service, deployment):
    """Opens a connection of a client behind the balancer; TLS begins after the header."""
    context = ssl.create_default_context(cafile=str(deployment.ca_file))
    clients = []

    def open_one(first: bytes) -> LineClient:
        client = LineClient(service.ports[request.param])
        clients.append(client)
        client.send(first)
        if request.param == "imaps":
            client.start_tls(context)
        return client

    yield open_one
    for client in clients:
        client.socket.close()


def sign_in(client: LineClient, password: str) -> bytes:
    assert client.line().startswith(b"* OK")
    client.send(f'a LOGIN ann@balanced.test "{password}"\r\n'.encode())
    return client.line()


def test_the_log_names_the_client(deployment, connect):
    assert sign_in(connect(header("192.0.2.11")), "wrong").startswith(b"a NO")
    log = deployment.folder / f"imap-{len(deployment.services) - 1}.log"
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    seen = {entry["client"] for entry in entries if "client" in entry}
    assert "192.0.2.11" in seen
    assert not seen & {"127.0.0.1"}


def test_who_guesses_is_held_back_and_nobody_else(connect):
    for _ in range(3):
        assert sign_in(connect(header("192.0.2.12")), "wrong").startswith(b"a NO")
    assert sign_in(connect(header("192.0.2.12")), PASSWORD).startswith(b"a NO")
    assert sign_in(connect(header("192.0.2.13")), PASSWORD).startswith(b"a OK")


def test_connections_are_counted_by_the_client(connect):
    same = [connect(header("192.0.2.14")) for _ in range(10)]
    assert all(client.line().startswith(b"* OK") for client in same)
    with pytest.raises((OSError, AssertionError)):
        # Inside TLS nobody is told: that would cost what is to be saved.
        assert connect(header("192.0.2.14")).line().startswith(b"* OK")
    assert connect(header("192.0.2.15")).line().startswith(b"* OK")


def test_the_balancers_own_check_is_served(connect):
    assert connect(LOCAL).line().startswith(b"* OK")
