"""Under real load every panel has something to show, and no alert fires."""

import contextlib
import imaplib
import itertools
import poplib
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tools.asked import alerts, filled_in, panels

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(300)]
REMOTE = "elsewhere.test"
NAMESPACE = "mail"
#: Scrapes of each process before anything is looked at, one a second.
SCRAPES = 40
WAIT_SECONDS = 120
PACE_SECONDS = 0.2
IDLING = 3
LINES = "All the ships of the harbour.\r\n" * 50
USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
#: How long things take is the machine's doing: these may be true for a moment, not for minutes.
OF_TIME = {
    "MailquayDeliverySlow",
    "MailquayEventLoopSlow",
    "MailquayDatabasePoolBusy",
    "MailquayQueueLate",
}
EXPRESSIONS = [
    (f"{where} {target['refId']}", target["expr"])
    for where, panel in panels()
    for target in panel["targets"]
]


class Load:
    """What people and servers do all day, again and again until it is stopped."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self._host, self._ports = facts["host"], facts["ports"]
        self._alice, self._bob = facts["users"]
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self.failures: list[BaseException] = []
        works: list[Callable[[], None]] = [
            self._arrive, self._submit, self._read_by_imap, self._read_by_pop3, self._read_by_web,
        ]  # fmt: skip
        waits = [*[self._idle] * IDLING, self._listen]
        self._threads = [
            *(threading.Thread(target=self._again, args=(work,)) for work in works),
            *(threading.Thread(target=self._once, args=(wait,)) for wait in waits),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _once(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.failures.append(error)
            raise

    def _again(self, work: Callable[[], None]) -> None:
        while not self._stop.wait(PACE_SECONDS):
            self._once(work)

    def _message(self, sender: str, recipient: str) -> bytes:
        number = next(self._numbers)
        return (
            f"From: {sender}\r\nTo: {recipient}\r\nSubject: Load {number}\r\n"
            f"Message-ID: <{time.time_ns()}.{number}@load.test>\r\n\r\n{LINES}"
        ).encode()

    def _arrive(self) -> None:
        bob = self._bob["address"]
        with smtplib.SMTP(self._host, self._ports["smtp"]) as client:
            client.sendmail("x@load.test", [bob], self._message("x@load.test", bob))
            client.mail("x@load.test")
            assert client.rcpt("nobody@mailquay.test")[0] == 550

    def _submit(self) -> None:
        alice = self._alice["address"]
        with smtplib.SMTP(self._host, self._ports["submission"]) as client:
            client.login(alice, self._alice["password"])
            for name in ("one", "two", "three", "later"):
                address = f"{name}@{REMOTE}"
                client.sendmail(alice, [address], self._message(alice, address))

    def _imap(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self._host, self._ports["imap"])
        client.login(self._bob["address"], self._bob["password"])
        return client

    def _read_by_imap(self) -> None:
        client = self._imap()
        client.list()
        assert client.select("Nowhere")[0] == "NO"
        count = int(client.select("INBOX")[1][0])
        if count:
            client.fetch(str(count), "(FLAGS ENVELOPE BODY.PEEK[])")
            client.store(str(count), "+FLAGS", "(\\Seen)")
        client.search(None, "SUBJECT", "Load")
        with contextlib.suppress(imaplib.IMAP4.error):
            client.xatom("FROBNICATE")
        client.logout()

    def _idle(self) -> None:
        client = self._imap()
        client.select("INBOX")
        client.send(b"i1 IDLE\r\n")
        self._stop.wait()
        client.shutdown()

    def _read_by_pop3(self) -> None:
        client = poplib.POP3(self._host, self._ports["pop3"])
        client.user(self._bob["address"])
        client.pass_(self._bob["password"])
        count, _ = client.stat()
        for number in range(count, max(0, count - 3), -1):
            client.retr(number)
        client.quit()

    def _web(self, **more: Any) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://{self._host}:{self._ports['http']}",
            auth=(self._bob["address"], self._bob["password"]), trust_env=False, **more,
        )  # fmt: skip

    def _read_by_web(self) -> None:
        with self._web() as client:
            client.get("/").raise_for_status()
            client.get("/api/messages/unknown/html")
            session = client.get("/jmap/session").raise_for_status().json()
            account = session["primaryAccounts"][USING[1]]
            calls = [
                ["Email/query", {"accountId": account, "limit": 5}, "q"],
                ["Email/get", {"accountId": account, "fetchTextBodyValues": True, "#ids":
                 {"resultOf": "q", "name": "Email/query", "path": "/ids"}}, "g"],
                ["Email/frobnicate", {"accountId": account}, "x"],
            ]  # fmt: skip
            body = {"using": USING, "methodCalls": calls}
            answer = client.post(session["apiUrl"], json=body).raise_for_status().json()
            assert [name for name, _, _ in answer["methodResponses"]][-1] == "error"
            assert client.get("/jmap/session", auth=None).status_code == 401

    def _listen(self) -> None:
        query = "/jmap/eventsource/?types=*&closeafter=no&ping=5"
        with self._web(timeout=30) as client, client.stream("GET", query) as stream:
            for _ in stream.iter_raw():
                if self._stop.is_set():
                    return


@pytest.fixture(scope="module")
def loaded(watched: Any, prometheus: Any) -> Iterator[Any]:
    """Prometheus, when it has seen enough of the load, which goes on."""
    load = Load(watched.facts)
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        seen = f'min(count_over_time(up{{namespace="{NAMESPACE}"}}[10m]))'
        while prometheus.numbers(seen) < [SCRAPES]:
            assert not load.failures, load.failures
            assert time.monotonic() < deadline, "the processes are not scraped"
            time.sleep(0.5)
        yield prometheus
        assert not load.failures, load.failures
    finally:
        load.stop()


def test_all_processes_are_scraped_as_in_a_cluster(loaded):
    up = loaded.get("query", query="up")["result"]
    assert {
        (each["metric"]["app_kubernetes_io_component"], each["metric"]["pod"]) for each in up
    } == {
        (name, f"mailquay-{name}-0")
        for name in ("smtp-in", "smtp-out", "imap", "pop3", "webmail-api")
    }
    assert {each["metric"]["namespace"] for each in up} == {NAMESPACE}
    assert {each["value"][1] for each in up} == {"1"}


@pytest.mark.parametrize(
    ("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS]
)
def test_a_panel_has_something_to_show(loaded, where, expression):
    asked = filled_in(expression, namespace=NAMESPACE, interval="30s")
    assert loaded.numbers(asked), asked


def test_idle_connections_and_streams_are_counted_where_they_are(loaded):
    of_imap = f'{{namespace="{NAMESPACE}", app_kubernetes_io_component="imap"}}'
    assert loaded.numbers(f"mailquay_imap_idling{of_imap}") == [IDLING]
    open_now = loaded.numbers(f"sum(mailquay_connections_open{of_imap})")
    assert open_now >= [IDLING]
    assert loaded.numbers("sum(mailquay_web_event_streams)") == [1]
    assert loaded.numbers('sum(mailquay_imap_views{state="open"})') >= [1], "one for all who idle"
    assert loaded.numbers('max(mailquay_queue_recipients{state="queued"})') > [0]


def test_time_is_counted_by_what_was_asked_for(loaded):
    def labels(metric: str, label: str) -> set[str]:
        found = loaded.get("query", query=f"sum by ({label}) ({metric}_count) > 0")["result"]
        return {each["metric"][label] for each in found}

    kinds = labels("mailquay_web_request_seconds", "kind")
    assert kinds == {"site", "reading", "jmap", "events"}
    methods = labels("mailquay_jmap_call_seconds", "method")
    assert methods == {"Email/query", "Email/get"}, "what a client makes up is no label"
    assert {"USER", "PASS", "STAT", "RETR", "QUIT"} <= labels(
        "mailquay_pop3_command_seconds", "command"
    )


def test_every_alert_is_evaluated_and_none_fires(loaded):
    groups = loaded.get("rules", type="alert")["groups"]
    rules = {(r["name"], r["query"]): r for group in groups for r in group["rules"]}
    assert sorted(name for name, _ in rules) == sorted(rule["alert"] for rule in alerts())
    for (name, query), rule in rules.items():
        assert rule["health"] == "ok", rule
        assert rule["lastEvaluation"] > "2001", rule
        assert rule["state"] != "firing", rule
        if name not in OF_TIME:
            assert loaded.numbers(query) == [], (name, rule)
