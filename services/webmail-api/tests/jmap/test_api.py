"""The session and the API endpoint, over sockets (RFC 8620 §2 to §4)."""

import base64
import socket
import threading

import httpx
import pytest

from mailquay.testing.deployment import PASSWORD

CORE = "urn:ietf:params:jmap:core"
MAIL = "urn:ietf:params:jmap:mail"
SUBMISSION = "urn:ietf:params:jmap:submission"


def test_the_session_tells_what_there_is(anna):
    session = anna.http.get("/jmap/session").json()
    assert set(session["capabilities"]) == {CORE, MAIL, SUBMISSION}
    core = session["capabilities"][CORE]
    assert core["maxCallsInRequest"] >= 16
    assert core["maxObjectsInGet"] >= 500
    assert core["maxObjectsInSet"] >= 500
    assert set(core) == {
        "maxSizeUpload", "maxConcurrentUpload", "maxSizeRequest", "maxConcurrentRequests",
        "maxCallsInRequest", "maxObjectsInGet", "maxObjectsInSet", "collationAlgorithms",
    }  # fmt: skip
    account = session["accounts"][anna.account_id]
    assert account["name"] == "anna@example.org"
    assert (account["isPersonal"], account["isReadOnly"]) == (True, False)
    assert set(account["accountCapabilities"]) == {MAIL, SUBMISSION}
    assert session["primaryAccounts"] == {MAIL: anna.account_id, SUBMISSION: anna.account_id}
    for name in ("{accountId}", "{blobId}", "{name}", "{type}"):
        assert name in session["downloadUrl"]
    assert "{accountId}" in session["uploadUrl"]
    for name in ("{types}", "{closeafter}", "{ping}"):
        assert name in session["eventSourceUrl"]


def test_the_well_known_address_is_the_session(anna):
    answer = anna.http.get("/.well-known/jmap")
    assert answer.json() == anna.http.get("/jmap/session").json()
    assert "no-store" in answer.headers["cache-control"]


def test_a_script_gets_whole_urls_and_a_page_gets_paths(anna, sign_in, base_url):
    assert anna.http.get("/jmap/session").json()["apiUrl"] == f"{base_url}/jmap/api"
    assert sign_in("anna@example.org").get("/jmap/session").json()["apiUrl"] == "/jmap/api"


def test_a_public_url_is_what_scripts_are_told(anna, deployment):
    web = deployment.start("webmail-api", WEB__PUBLIC_URL="https://mail.example.org/")
    url = f"http://127.0.0.1:{web.ports['http']}/jmap/session"
    session = httpx.get(url, auth=("anna@example.org", PASSWORD)).json()
    assert session["apiUrl"] == "https://mail.example.org/jmap/api"


def test_the_state_changes_with_what_the_session_says(anna, bert, sign_in, deployment):
    state = anna.http.get("/jmap/session").json()["state"]
    assert anna.post({"using": [], "methodCalls": []}).json()["sessionState"] == state
    assert sign_in("anna@example.org").get("/jmap/session").json()["state"] == state
    assert bert.http.get("/jmap/session").json()["state"] != state
    web = deployment.start("webmail-api", WEB__MAX_UPLOAD_BYTES="2000000")
    url = f"http://127.0.0.1:{web.ports['http']}/jmap/session"
    assert httpx.get(url, auth=("anna@example.org", PASSWORD)).json()["state"] != state


def test_echo_gives_back_what_it_got(anna):
    # RFC 8620 §4.1
    call = ["Core/echo", {"hello": True, "high": 5}, "b3ff"]
    answer = anna.post({"using": [CORE], "methodCalls": [call]})
    assert answer.json()["methodResponses"] == [call]
    assert answer.headers["content-type"] == "application/json"


def test_calls_are_answered_in_their_order_and_an_error_stops_none(anna):
    # RFC 8620 §3.3.1, §3.6.2
    calls = [
        ["Core/echo", {"arg1": "arg1data"}, "c1"],
        ["error", {}, "c2"],
        ["No/such", {}, "c2"],
        ["Core/echo", {}, "c1"],
    ]
    answers = anna.post({"using": [CORE], "methodCalls": calls}).json()["methodResponses"]
    assert answers == [
        ["Core/echo", {"arg1": "arg1data"}, "c1"],
        ["error", {"type": "unknownMethod"}, "c2"],
        ["error", {"type": "unknownMethod"}, "c2"],
        ["Core/echo", {}, "c1"],
    ]


def test_a_method_is_there_only_for_who_uses_its_capability(anna):
    call = ["Identity/get", {"accountId": anna.account_id, "ids": None}, "a"]
    without = anna.post({"using": [CORE, MAIL], "methodCalls": [call]}).json()
    assert without["methodResponses"] == [["error", {"type": "unknownMethod"}, "a"]]
    with_it = anna.post({"using": [SUBMISSION], "methodCalls": [call]}).json()
    assert with_it["methodResponses"][0][0] == "Identity/get"


def test_results_are_handed_on(anna):
    answers = anna.calls(
        ("Identity/get", {"ids": None}),
        (
            "Identity/get",
            {"#ids": {"resultOf": "0", "name": "Identity/get", "path": "/list/*/id"}},
        ),
        ("Identity/get", {"#ids": {"resultOf": "0", "name": "Identity/set", "path": "/list"}}),
        ("Identity/get", {"ids": [], "#ids": {"resultOf": "0"}}),
    )
    assert answers[1][1]["list"] == answers[0][1]["list"]
    assert answers[1][1]["list"][0]["email"] == "anna@example.org"
    assert answers[2][1]["type"] == "invalidResultReference"
    assert answers[3][1]["type"] == "invalidArguments"


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        ("A999999", "accountNotFound"),
        ("", "accountNotFound"),
        ("a1", "accountNotFound"),
        (None, "invalidArguments"),
        (1, "invalidArguments"),
    ],
)
def test_nobody_reaches_an_account_that_is_not_theirs(anna, account, kind):
    assert anna.error("Identity/get", accountId=account, ids=None)["type"] == kind


def test_an_account_that_is_there_but_another_ones_is_not_found(anna, bert):
    error = anna.error("Identity/get", accountId=bert.account_id, ids=None)
    assert error["type"] == "accountNotFound"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"ids": "I1"}, "ids"),
        ({"ids": [1]}, "ids"),
        ({"ids": None, "properties": ["colour"]}, "colour"),
        ({"ids": None, "properties": "id"}, "properties"),
        ({"ids": None, "sort": []}, "sort"),
        ({"ids": ["I\0"]}, "U+0000"),
    ],
)
def test_an_invalid_argument_is_named(anna, arguments, name):
    error = anna.error("Identity/get", **arguments)
    assert error["type"] == "invalidArguments"
    assert name in error["description"]


def test_more_ids_than_may_be_are_too_many(anna):
    error = anna.error("Identity/get", ids=[f"I{n}" for n in range(501)])
    assert error["type"] == "requestTooLarge"


def test_created_ids_are_kept_for_who_gives_them(anna):
    # RFC 8620 §3.3, §3.4
    account = anna.account_id
    create = {"accountId": account, "create": {"k1": {"email": "anna@example.org", "name": "A"}}}
    get = {"accountId": account, "ids": ["#k1", "#k2"]}
    request = {
        "using": [SUBMISSION],
        "methodCalls": [["Identity/set", create, "0"], ["Identity/get", get, "1"]],
    }
    with_ids = anna.post({**request, "createdIds": {"k2": "I999"}}).json()
    made = with_ids["methodResponses"][0][1]["created"]["k1"]["id"]
    assert with_ids["createdIds"] == {"k1": made, "k2": "I999"}
    assert [one["id"] for one in with_ids["methodResponses"][1][1]["list"]] == [made]
    assert with_ids["methodResponses"][1][1]["notFound"] == ["I999"]
    assert "createdIds" not in anna.post(request).json()


@pytest.mark.parametrize(
    ("content", "content_type", "kind"),
    [
        (b"{", "application/json", "notJSON"),
        (b'{"using":[],"methodCalls":[]}', "text/plain", "notJSON"),
        (b'{"a":1,"a":2}', "application/json; charset=utf-8", "notJSON"),
        (b"[]", "application/json", "notRequest"),
        (b'{"using":["x"],"methodCalls":[]}', "application/json", "unknownCapability"),
    ],
)
def test_a_request_that_is_none_is_a_problem(anna, content, content_type, kind):
    headers = {"Content-Type": content_type}
    answer = anna.http.post("/jmap/api", content=content, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:ietf:params:jmap:error:{kind}"
    assert answer.json()["status"] == 400


def test_too_many_calls_and_too_large_requests_name_their_limit(anna):
    call = ["Core/echo", {}, "c"]
    many = anna.post({"using": [CORE], "methodCalls": [call] * 33})
    assert (many.status_code, many.json()["limit"]) == (400, "maxCallsInRequest")
    large = anna.post(
        {"using": [CORE], "methodCalls": [["Core/echo", {"x": "y" * 11_000_000}, "c"]]}
    )
    assert (large.status_code, large.json()["limit"]) == (413, "maxSizeRequest")


def test_a_large_request_is_answered(anna):
    call = ["Core/echo", {"x": "y" * 5_000_000}, "c"]
    answer = anna.post({"using": [CORE], "methodCalls": [call]})
    assert answer.json()["methodResponses"] == [call]


def test_more_requests_at_once_than_may_be_name_their_limit(anna, web):
    """Eight requests whose bodies do not arrive take all of the account's slots."""
    name = base64.b64encode(f"anna@example.org:{PASSWORD}".encode()).decode()
    head = (
        "POST /jmap/api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Basic {name}\r\nContent-Length: 100\r\n\r\n"
    ).encode()
    waiting = [socket.create_connection(("127.0.0.1", web.ports["http"])) for _ in range(8)]
    try:
        for connection in waiting:
            connection.sendall(head + b"{")
        # They are in one after the other; until then a request may still find a slot.
        for _ in range(1000):
            answer = anna.post({"using": [], "methodCalls": []})
            if answer.status_code != 200:
                break
        assert answer.status_code == 429
        assert answer.json()["limit"] == "maxConcurrentRequests"
        assert answer.headers["retry-after"] == "1"
    finally:
        for connection in waiting:
            connection.close()
    for _ in range(1000):
        answer = anna.post({"using": [], "methodCalls": []})
        if answer.status_code == 200:
            break
    assert answer.status_code == 200


def test_many_requests_of_many_accounts_do_not_mix(anna, bert):
    seen: dict[str, set[str]] = {"anna": set(), "bert": set()}

    def ask(jmap, name):
        for _ in range(20):
            seen[name].add(jmap.call("Identity/get", ids=None)["list"][0]["email"])

    threads = [
        threading.Thread(target=ask, args=(jmap, name))
        for jmap, name in ((anna, "anna"), (bert, "bert")) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"anna": {"anna@example.org"}, "bert": {"bert@example.org"}}


def test_calls_are_counted_by_method_and_outcome(anna, web):
    anna.call("Identity/get", ids=None)
    anna.error("Identity/get", ids=1)
    anna.post({"using": [], "methodCalls": [["Evil/label" * 10, {}, "a"]]})
    text = httpx.get(f"http://127.0.0.1:{web.ports['metrics']}/metrics").text
    assert 'mailquay_jmap_calls_total{method="Identity/get",result="ok"}' in text
    assert 'mailquay_jmap_calls_total{method="Identity/get",result="invalidArguments"}' in text
    assert 'mailquay_jmap_calls_total{method="unknown",result="unknownMethod"}' in text
    assert 'mailquay_web_requests_total{status="200"}' in text
    assert "Evil" not in text
