"""A mail goes in by SMTP and comes out by IMAP, POP3 and the web, and its trace can be followed."""

import imaplib
import json
import poplib
import smtplib
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from mailquay.testing.platform import RunningPlatform

T = TypeVar("T")
USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
TEXT = "Grüße aus dem Hafen.\r\n.\r\n.. and dots\r\n"


@pytest.fixture(scope="module")
def facts(platform: RunningPlatform) -> dict[str, Any]:
    return platform.facts


@pytest.fixture(scope="module")
def trusting(facts: dict[str, Any]) -> ssl.SSLContext:
    """What a client is told to trust: the local authority, nothing else."""
    return ssl.create_default_context(cafile=facts["ca_file"])


@pytest.fixture(scope="module")
def sent(facts: dict[str, Any], trusting: ssl.SSLContext) -> EmailMessage:
    """A message from alice to bob, submitted over TLS."""
    alice, bob = facts["users"]
    message = EmailMessage()
    message["From"] = f"Alice <{alice['address']}>"
    message["To"] = bob["address"]
    message["Subject"] = "Ein Schiff läuft ein"
    message["Message-ID"] = f"<{time.time_ns()}@e2e.test>"
    message.set_content(TEXT, cte="8bit")
    message.add_attachment(b"%PDF-1.4 not really", maintype="application", subtype="pdf",
                           filename="Frachtbrief.pdf")  # fmt: skip
    message.set_boundary("=_harbour")  # else it has another one each time it is written out
    with smtplib.SMTP_SSL(facts["host"], facts["ports"]["submissions"], context=trusting) as client:
        client.login(alice["address"], alice["password"])
        client.send_message(message)
    return message


def _until(look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + 20
    while (found := look()) is None:
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def test_it_comes_out_by_imap(
    facts: dict[str, Any], trusting: ssl.SSLContext, sent: EmailMessage
) -> None:
    bob = facts["users"][1]
    with imaplib.IMAP4_SSL(facts["host"], facts["ports"]["imaps"], ssl_context=trusting) as client:
        client.login(bob["address"], bob["password"])
        client.select("INBOX", readonly=True)
        _, (found,) = client.uid("SEARCH", f'HEADER Message-ID "{sent["Message-ID"]}"')
        _, ((_, raw), *_) = client.uid("FETCH", found.decode(), "(BODY.PEEK[])")
    assert raw.endswith(_wire(sent))
    assert b"with ESMTPSA" in raw
    assert b"127.0.0.1" not in raw.partition(b"\r\n\r\n")[0], "where its sender sits is private"


def _wire(message: EmailMessage) -> bytes:
    """The message's bytes as smtplib sends them, from its first field on."""
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n"))


def test_it_comes_out_by_pop3(
    facts: dict[str, Any], trusting: ssl.SSLContext, sent: EmailMessage
) -> None:
    bob = facts["users"][1]
    client = poplib.POP3(facts["host"], facts["ports"]["pop3"])
    client.stls(trusting)
    client.user(bob["address"])
    client.pass_(bob["password"])
    count, _ = client.stat()
    raws = [b"\r\n".join(client.retr(number + 1)[1]) + b"\r\n" for number in range(count)]
    client.quit()
    assert any(raw.endswith(_wire(sent)) for raw in raws)


def _jmap(facts: dict[str, Any], *calls: list[Any]) -> list[Any]:
    bob = facts["users"][1]
    url = f"http://{facts['host']}:{facts['ports']['http']}/jmap"
    with httpx.Client(auth=(bob["address"], bob["password"]), trust_env=False) as client:
        session = client.get(f"{url}/session").raise_for_status().json()
        account_id = session["primaryAccounts"]["urn:ietf:params:jmap:mail"]
        for _, arguments, _ in calls:
            arguments["accountId"] = account_id
        body = {"using": USING, "methodCalls": list(calls)}
        answer = client.post(session["apiUrl"], json=body).raise_for_status().json()
    responses: list[Any] = answer["methodResponses"]
    return responses


def test_it_comes_out_by_the_web(facts: dict[str, Any], sent: EmailMessage) -> None:
    query = ["Email/query", {"filter": {"header": ["Message-ID", sent["Message-ID"]]}}, "q"]
    get = [
        "Email/get",
        {
            "#ids": {"resultOf": "q", "name": "Email/query", "path": "/ids"},
            "properties": ["subject", "from", "attachments", "textBody", "bodyValues", "keywords"],
            "fetchTextBodyValues": True,
        },
        "g",
    ]
    _, (_, got, _) = _jmap(facts, query, get)
    (email,) = got["list"]
    assert email["subject"] == "Ein Schiff läuft ein"
    assert email["from"] == [{"name": "Alice", "email": facts["users"][0]["address"]}]
    assert [part["name"] for part in email["attachments"]] == ["Frachtbrief.pdf"]
    value = email["bodyValues"][email["textBody"][0]["partId"]]["value"]
    assert value.replace("\r\n", "\n") == TEXT.replace("\r\n", "\n")


def test_its_trace_leads_from_smtp_to_the_client_that_idles(
    platform: RunningPlatform, facts: dict[str, Any]
) -> None:
    alice = facts["users"][0]
    client = imaplib.IMAP4(facts["host"], facts["ports"]["imap"], timeout=20)
    client.login(alice["address"], alice["password"])
    client.select("INBOX")
    client.send(b"i1 IDLE\r\n")
    assert client.readline().startswith(b"+")
    with smtplib.SMTP(facts["host"], facts["ports"]["smtp"]) as sender:
        sender.sendmail("x@elsewhere.test", [alice["address"]], b"Subject: traced\r\n\r\nHello\r\n")
    line = client.readline()
    while b"EXISTS" not in line:
        line = client.readline()
    client.send(b"DONE\r\n")
    client.shutdown()
    accepted = [entry for entry in _log(platform, "smtp-in") if entry["event"] == "accepted"][-1]
    trace_id = accepted["trace_id"]

    def look() -> dict[str, Any] | None:
        told = [entry for entry in _log(platform, "imap") if entry.get("trace_id") == trace_id]
        return told[0] if told else None

    assert _until(look)["event"] == "exists"


def _log(platform: RunningPlatform, service: str) -> list[dict[str, Any]]:
    path: Path = platform.data / "logs" / f"{service}.log"
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


@pytest.mark.parametrize("service", ["smtp-in", "smtp-out", "imap", "pop3", "webmail-api"])
def test_each_service_tells_its_health_and_metrics(facts: dict[str, Any], service: str) -> None:
    base = f"http://{facts['host']}:{facts['ports']['metrics'][service]}"
    assert httpx.get(f"{base}/healthz", trust_env=False).status_code == 200
    ready = httpx.get(f"{base}/readyz", trust_env=False)
    assert (ready.status_code, set(ready.json()["checks"].values())) == (200, {"ok"})
    metrics = httpx.get(f"{base}/metrics", trust_env=False).text
    assert "\nmailquay_bus_connected 1.0\n" in metrics
