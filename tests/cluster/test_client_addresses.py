"""The client's own address reaches the services, by either way that a load balancer has."""

import ipaddress
import socket
import struct
import sys

import pytest
from tools.cluster.addresses import OUTSIDE, PODS, node_address
from tools.cluster.mail import ADMIN, BALANCED, inbox
from tools.cluster.processes import wait_until
from tools.cluster.release import Release

pytestmark = pytest.mark.cluster

#: Who Service traffic comes from where its address is not kept: a node, by either of its interfaces.
BALANCERS = [f"{node_address(1)}/32", f"{node_address(2)}/32", PODS]
#: A client of a load balancer that tells of it by the PROXY protocol.
TOLD = "203.0.113.7"
#: Sends a message: takes the MX' address, what comes before all else in hexadecimal, the subject.
SENDER = f"""
import smtplib, sys
address, before, subject = sys.argv[1:]
class Client(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        connection = super()._get_socket(host, port, timeout)
        connection.sendall(bytes.fromhex(before))
        return connection
with Client(address, 25, timeout=30) as mx:
    mx.sendmail("x@example.net", ["{ADMIN}"], f"Subject: {{subject}}\\r\\n\\r\\nHello.\\r\\n")
"""


@pytest.fixture(scope="module")
def installed(release: Release) -> Release:
    release.install(BALANCED | {"proxyProtocol": {"from": BALANCERS}})
    return release


def send_from_outside(release: Release, address: str, subject: str, *, before: bytes = b"") -> str:
    """Send a message from outside; returns the header field that says who was seen to."""
    wait_until("the balancer", lambda: answers(address))
    release.cluster.outside.run(sys.executable, "-c", SENDER, address, before.hex(), subject)
    wait_until("the message", lambda: subject in inbox(release))
    return str(inbox(release)[subject].get_all("Received")[-1])


def answers(address: str) -> bool:
    """Whether anybody listens: nodes learn of a new address a moment after us."""
    try:
        socket.create_connection((address, 25), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_balancer_that_keeps_traffic_local_keeps_the_clients_address(installed):
    received = send_from_outside(installed, installed.address("smtp-in"), "Local")
    assert f"[{OUTSIDE}]" in received


def test_a_balancer_that_hides_the_client_tells_of_it_by_the_proxy_protocol(installed):
    service = installed.cluster.get(
        "service", f"{installed.name}-smtp-in", namespace=installed.namespace
    )
    spec = {key: service["spec"][key] for key in ("selector", "ports")}
    for port in spec["ports"]:
        del port["nodePort"]
    installed.cluster.apply(
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "hiding"},
            "spec": {**spec, "type": "LoadBalancer", "externalTrafficPolicy": "Cluster"},
        },
        namespace=installed.namespace,
    )  # fmt: skip
    address = installed.cluster.lb_address("hiding", namespace=installed.namespace)
    received = send_from_outside(installed, address, "Hidden", before=proxy_header(address))
    assert f"[{TOLD}]" in received
    assert OUTSIDE not in received


def proxy_header(server: str) -> bytes:
    """Version 2, a proxied TCP connection over IPv4 (§2.2)."""
    addresses = [ipaddress.IPv4Address(address).packed for address in (TOLD, server)]
    return (
        b"\r\n\r\n\0\r\nQUIT\n"
        + struct.pack("!BBH", 0x21, 0x11, 12)
        + b"".join(addresses)
        + struct.pack("!HH", 51234, 25)
    )
