"""One address for all mail: each port leads to its service, and the client's address to the limits."""

import contextlib
import imaplib
import ipaddress
import re
import smtplib
import socket
import ssl
import struct
import time
from collections.abc import Iterator

import pytest
from tools.cluster.release import Release

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ADMIN = "admin@mailquay.test"
#: All that is in the cluster: where a balancer's connections come from, once nodes passed them on.
CLUSTER = "198.18.0.0/15"
LIMIT = 3
INSECURE = ssl.create_default_context()
INSECURE.check_hostname, INSECURE.verify_mode = False, ssl.CERT_NONE


def proxy_header(client: str) -> bytes:
    """A PROXY protocol header, version 2 (§2.2), of a connection from that address."""
    addresses = ipaddress.IPv4Address(client).packed + ipaddress.IPv4Address("192.0.2.1").packed
    body = addresses + struct.pack("!HH", 40000, 25)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(body)) + body


def connect(address: str, port: int, client: str) -> socket.socket:
    connection = socket.create_connection((address, port), 30)
    connection.sendall(proxy_header(client))
    return connection


class Smtp(smtplib.SMTP):
    client = ""

    def _get_socket(self, host, port, timeout):
        return connect(host, port, self.client)


class Imap(imaplib.IMAP4_SSL):
    client = ""

    def _create_socket(self, timeout):
        return self.ssl_context.wrap_socket(connect(self.host, self.port, self.client))


def received(release: Release, address: str, *, client: str) -> str:
    """Send a message to the MX, and read the Received field that it got."""
    subject = f"from {client} at {time.time_ns()}"
    sender = type("Sender", (Smtp,), {"client": client})(address, 25, "client.elsewhere.test")
    with sender:
        sender.sendmail("someone@elsewhere.test", [ADMIN], f"Subject: {subject}\r\n\r\nHello.\r\n")
    reader = type("Reader", (Imap,), {"client": client})(address, 993, ssl_context=INSECURE)
    with reader:
        reader.login(ADMIN, release.admin_password())
        reader.select(readonly=True)
        _, (found,) = reader.search(None, "SUBJECT", f'"{subject}"')
        _, data = reader.fetch(found.split()[0].decode(), "(BODY.PEEK[HEADER.FIELDS (RECEIVED)])")
    return data[0][1].decode()


@contextlib.contextmanager
def greeted(address: str, client: str) -> Iterator[bytes]:
    """A connection to the MX, with what it is greeted by."""
    with connect(address, 25, client) as connection:
        yield connection.recv(512)


@pytest.fixture(scope="module")
def installed(release: Release) -> Iterator[Release]:
    # A pod each: the limits are of a process.
    release.install(
        {
            "smtpIn": {"replicas": 1},
            "imap": {"replicas": 1},
            "settings": {"net": {"max_connections_per_address": LIMIT}},
            "mailService": {"enabled": True},
            "proxyProtocol": {"from": [CLUSTER]},
        }
    )
    yield release
    release.uninstall()


def test_mail_comes_in_and_is_read_at_one_address(installed: Release) -> None:
    field = received(installed, installed.address("mail"), client="203.0.113.77")
    assert "[203.0.113.77]" in field
    assert not re.search(r"\[198\.1[89]\.", field)


def test_limits_are_of_the_client_that_the_balancer_tells_of(installed: Release) -> None:
    mail = installed.address("mail")
    with contextlib.ExitStack() as stack:
        for _ in range(LIMIT):
            assert stack.enter_context(greeted(mail, "203.0.113.78")).startswith(b"220")
        assert stack.enter_context(greeted(mail, "203.0.113.78")).startswith(b"421")
        assert stack.enter_context(greeted(mail, "203.0.113.79")).startswith(b"220")
