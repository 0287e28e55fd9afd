"""A process that ends says so in its metrics until it has ended, and what it still holds."""

import socket
import time

import httpx
from prometheus_client.parser import text_string_to_metric_families

WAIT_SECONDS = 20


def value(port: int, name: str, **labels: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"mailquay_{name}" and labels.items() <= sample.labels.items()
    ]
    assert found, name
    return sum(found)


def test_a_drain_that_waits_for_a_client_can_be_watched(deployment):
    service = deployment.start("smtp-in", NET__DRAIN_SECONDS="15")
    deployment.add_account("alice@drain.test")
    metrics = service.ports["metrics"]
    assert value(metrics, "draining_since_seconds") == 0
    with socket.create_connection(("127.0.0.1", service.ports["smtp"]), timeout=10) as client:
        lines = client.makefile("rb")
        lines.readline()
        for command in ("HELO x", "MAIL FROM:<>", "RCPT TO:<alice@drain.test>", "DATA"):
            client.sendall(f"{command}\r\n".encode())
            assert lines.readline()[:1] in (b"2", b"3")
        assert value(metrics, "connections_open", listener="smtp") == 1
        assert value(metrics, "connections_open") == 1
        begun = time.time()
        service.child.ask_to_stop()
        deadline = time.monotonic() + WAIT_SECONDS
        while not (since := value(metrics, "draining_since_seconds")):
            assert time.monotonic() < deadline, "it does not drain"
        assert begun - 1 <= since <= time.time()
        ready = httpx.get(f"http://127.0.0.1:{metrics}/readyz", trust_env=False)
        assert (ready.status_code, ready.json()["checks"]["process"]) == (503, "draining")
        assert value(metrics, "connections_open", listener="smtp") == 1
        client.sendall(b"Subject: the last one\r\n\r\nx\r\n.\r\n")
        assert lines.readline().startswith(b"250")
