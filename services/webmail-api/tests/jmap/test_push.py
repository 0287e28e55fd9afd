"""Push by EventSource (RFC 8620 §7.3)."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Store
from mailquay.testing.deployment import PASSWORD, _run

MESSAGE = b"Subject: hello\r\n\r\nhello\r\n"
ALL = {"Mailbox", "Email", "Thread", "EmailDelivery", "Identity", "EmailSubmission"}


@contextmanager
def stream(client: httpx.Client, query: str = "types=*&closeafter=no&ping=0", **more):
    """An open stream: an iterator of its events, as (kind, id, data)."""
    with client.stream("GET", f"/jmap/eventsource/?{query}", timeout=30, **more) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield events(answer)


def events(answer: httpx.Response) -> Iterator[tuple[str, str | None, dict]]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        elif "event" in fields:
            yield fields["event"], fields.get("id"), json.loads(fields["data"])
            fields = {}
        else:
            fields = {}


def changed(jmap, event) -> set[str]:
    kind, state, data = event
    assert kind == "state"
    assert data["@type"] == "StateChange"
    (account,) = data["changed"]
    assert account == jmap.account_id
    assert set(data["changed"][account].values()) == {state}
    return set(data["changed"][account])


def test_a_delivery_by_another_process_is_heard(anna, deliver):
    with stream(anna.http) as heard:
        assert changed(anna, next(heard)) == ALL  # where things stand
        deliver("anna@example.org", MESSAGE)
        event = next(heard)
        assert changed(anna, event) == {"Mailbox", "Email", "Thread", "EmailDelivery"}
        state = anna.call("Identity/get", ids=[])["state"]
        assert event[1] == state


def test_a_change_by_this_account_elsewhere_is_heard(anna):
    with stream(anna.http) as heard:
        next(heard)
        made = anna.call("Identity/set", create={"k": {"email": "anna@example.org"}})
        assert changed(anna, next(heard)) == {"Identity"}
        anna.call("Identity/set", destroy=[made["created"]["k"]["id"]])
        assert changed(anna, next(heard)) == {"Identity"}


def test_only_the_types_that_are_asked_for_are_told(anna, deliver):
    with stream(anna.http, "types=Identity,EmailDelivery,Calendar&closeafter=no&ping=0") as heard:
        assert changed(anna, next(heard)) == {"Identity", "EmailDelivery"}
        deliver("anna@example.org", MESSAGE)
        assert changed(anna, next(heard)) == {"EmailDelivery"}


def test_a_stream_closes_after_a_state_where_that_is_wanted(anna, deliver):
    with stream(anna.http, "types=*&closeafter=state&ping=0") as heard:
        deliver("anna@example.org", MESSAGE)
        assert "Email" in changed(anna, next(heard))
        assert next(heard, None) is None


def test_what_was_missed_is_told_on_coming_back(anna, deliver):
    with stream(anna.http) as heard:
        _, last, _ = next(heard)
    deliver("anna@example.org", MESSAGE)
    with stream(anna.http, headers={"Last-Event-ID": last}) as heard:
        event = next(heard)
        assert changed(anna, event) == {"Mailbox", "Email", "Thread", "EmailDelivery"}
        current = event[1]
    # Who has missed nothing is told nothing.
    query = "types=*&closeafter=no&ping=5"
    with stream(anna.http, query, headers={"Last-Event-ID": current}) as heard:
        assert next(heard)[0] == "ping"


@pytest.mark.parametrize("last", ["", "x", "-1", "99999999999999999999", "999999999999"])
def test_an_id_that_was_never_told_is_a_beginning(anna, last):
    with stream(anna.http, headers={"Last-Event-ID": last}) as heard:
        assert changed(anna, next(heard)) == ALL


def test_pings_come_with_their_interval(anna):
    with stream(anna.http, "types=Calendar&closeafter=no&ping=1") as heard:
        assert next(heard) == ("ping", None, {"interval": 5})


@pytest.mark.parametrize(
    "query", ["closeafter=maybe", "ping=x", "ping=-1", "ping=1.5", "ping=%C2%B2", "ping="]
)
def test_a_parameter_of_no_meaning_is_a_problem(anna, query):
    answer = anna.http.get(f"/jmap/eventsource/?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_stream_is_for_who_has_signed_in(client):
    assert client.get("/jmap/eventsource/?types=*").status_code == 401


def test_a_burst_is_told_once_or_twice_and_ends_with_the_last(anna, deliver):
    with stream(anna.http) as heard:
        next(heard)
        threads = [
            threading.Thread(target=deliver, args=("anna@example.org", MESSAGE)) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        final = anna.call("Identity/get", ids=[])["state"]
        states = []
        for _, state, _ in heard:
            states.append(int(state))
            if state == final:
                break
        assert states == sorted(set(states))
        assert len(states) < 20


def test_without_the_bus_changes_are_found_by_polling(deployment, anna, deliver):
    web = deployment.start("webmail-api", NATS__URL="", WEB__POLL_SECONDS="0.2")
    url = f"http://127.0.0.1:{web.ports['http']}"
    with (
        httpx.Client(base_url=url, auth=("anna@example.org", PASSWORD)) as client,
        stream(client) as heard,
    ):
        next(heard)
        deliver("anna@example.org", MESSAGE)
        assert "EmailDelivery" in changed(anna, next(heard))


def test_one_accounts_streams_are_bounded(deployment, anna):
    web = deployment.start("webmail-api", WEB__MAX_EVENT_STREAMS="2")
    url = f"http://127.0.0.1:{web.ports['http']}"
    with httpx.Client(base_url=url, auth=("anna@example.org", PASSWORD)) as client:
        with stream(client) as one, stream(client) as two:
            next(one), next(two)
            answer = client.get("/jmap/eventsource/")
            assert answer.status_code == 429
            assert "retry-after" in answer.headers
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with client.stream("GET", "/jmap/eventsource/") as answer:
                if answer.status_code == 200:
                    break
            time.sleep(0.05)
        assert answer.status_code == 200


async def set_password(url: str, address: str) -> None:
    store = await Store.open(DatabaseSettings(url=url))
    try:
        await store.accounts.set_password(address, "$argon2id$other", "other")
    finally:
        await store.close()


@pytest.mark.parametrize("by", ["cookie", "password"])
def test_a_stream_ends_when_the_password_changes(deployment, sign_in, by):
    address = f"carl-{by}@example.org"
    deployment.add_account(address)
    web = deployment.start("webmail-api", WEB__POLL_SECONDS="0.2")
    url = f"http://127.0.0.1:{web.ports['http']}"
    with ExitStack() as stack:
        if by == "cookie":
            client = sign_in(address, url=url)
        else:
            client = httpx.Client(base_url=url, auth=(address, PASSWORD))
            stack.enter_context(client)
        heard = stack.enter_context(stream(client))
        next(heard)
        _run(set_password(deployment.database_url, address))
        assert next(heard, None) is None


def test_a_service_that_stops_ends_its_streams_in_good_order(deployment, anna):
    web = deployment.start("webmail-api")
    url = f"http://127.0.0.1:{web.ports['http']}"
    with (
        httpx.Client(base_url=url, auth=("anna@example.org", PASSWORD)) as client,
        stream(client) as heard,
    ):
        next(heard)
        web.child.ask_to_stop()
        assert next(heard, None) is None
    web.stop()
    assert "not everything was finished" not in web.child.last_words()
