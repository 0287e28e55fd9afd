"""Sign-in of a browser (RFC 6265), and of a script (RFC 7617).

The cookie, its CSRF token, what makes them void, and problems as RFC 9457 has them.
"""

import base64

import httpx
import pytest

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store import Store
from mailquay.testing.deployment import PASSWORD


@pytest.fixture
async def store(deployment):
    """The service's own database."""
    store = await Store.open(DatabaseSettings(url=deployment.database_url))
    yield store
    await store.close()


def problem(answer: httpx.Response) -> dict:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    return body


def login(client: httpx.Client, password: str = PASSWORD, address: str = "anna@example.org"):
    return client.post("/auth/login", json={"address": address, "password": password})


def test_signing_in_gives_a_session(anna, client):
    answer = login(client, address=" Anna@Example.ORG ")
    assert answer.status_code == 200
    body = answer.json()
    assert body["address"] == "anna@example.org"
    assert body["displayName"] == "Anna"
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("mailquay=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert client.get("/auth/session").json() == body
    assert client.get("/jmap/session").json()["username"] == "anna@example.org"


def test_over_https_the_cookie_is_bound_to_the_host(anna, deployment):
    web = deployment.start("webmail-api", WEB__SECURE_COOKIES="true")
    with httpx.Client(base_url=f"http://127.0.0.1:{web.ports['http']}") as client:
        answer = login(client)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-mailquay=")
        assert {"HttpOnly", "Secure", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("anna@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("not an address", PASSWORD),
    ],
)
def test_a_wrong_name_and_a_wrong_password_look_alike(anna, client, address, password):
    answer = login(client, password, address)
    assert answer.status_code == 401
    assert problem(answer)["detail"] == "name or password are wrong"
    assert "set-cookie" not in answer.headers
    assert client.get("/auth/session").status_code == 401


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 400),
        (b'{"address": "a", "password": 1}', "application/json", 400),
        (b'{"address": " ", "password": "x"}', "application/json", 400),
        (b'{"address": "a@b", "password": ""}', "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b'{"address": "\xff", "password": "x"}', "application/json", 400),
        (b"address=a&password=b", "application/x-www-form-urlencoded", 415),
        (b'{"address": "a", "password": "b"}', "text/plain", 415),
        (b'"' + b"x" * 20_000 + b'"', "application/json", 413),
    ],
)
def test_what_is_no_sign_in_is_a_problem(client, body, content_type, status):
    answer = client.post("/auth/login", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    problem(answer)


def test_too_many_failures_are_told_to_wait(anna, deployment):
    web = deployment.start("webmail-api", IDENTITY__FAILURES_PER_ACCOUNT="3")
    with httpx.Client(base_url=f"http://127.0.0.1:{web.ports['http']}") as client:
        assert [login(client, "wrong").status_code for _ in range(3)] == [401, 401, 401]
        answer = login(client)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 600
        problem(answer)
        # So does a script, which would try the same passwords.
        headers = {"Authorization": basic("anna@example.org", PASSWORD)}
        assert client.get("/jmap/session", headers=headers).status_code == 429


def test_signing_out_ends_the_session(anna, sign_in):
    browser = sign_in("anna@example.org")
    kept = f"mailquay={browser.cookies['mailquay']}"
    answer = browser.post("/auth/logout")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not browser.cookies
    assert browser.get("/auth/session").status_code == 401
    assert browser.get("/auth/session", headers={"Cookie": kept}).status_code == 401


def test_signing_in_again_ends_the_session_before(anna, sign_in, client):
    browser = sign_in("anna@example.org")
    before = f"mailquay={browser.cookies['mailquay']}"
    assert login(browser).status_code == 200
    assert browser.get("/auth/session").status_code == 200
    assert client.get("/auth/session", headers={"Cookie": before}).status_code == 401


@pytest.mark.parametrize("cookie", ["mailquay=", "mailquay=x", "mailquay=%ff\x80", "other=x"])
def test_a_cookie_of_ones_own_making_is_nobody(client, cookie):
    answer = client.get("/auth/session", headers={"Cookie": cookie.encode("latin-1")})
    assert answer.status_code == 401


def test_a_page_is_not_asked_for_a_password_by_the_browser(client):
    page = client.get("/jmap/session", headers={"Sec-Fetch-Mode": "cors"})
    assert page.headers["www-authenticate"] == 'Cookie realm="Mailquay"'
    script = client.get("/jmap/session")
    assert script.headers["www-authenticate"].startswith("Basic ")


UNSAFE = ["/auth/logout", "/jmap/api", "/jmap/upload/A1/"]


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize("token", [None, "", "wrong", "täken"])
def test_an_unsafe_request_needs_the_sessions_token(anna, sign_in, path, token):
    browser = sign_in("anna@example.org")
    del browser.headers["X-CSRF-Token"]
    headers = {} if token is None else {"X-CSRF-Token": token.encode("latin-1")}
    answer = browser.post(path, headers=headers)
    assert answer.status_code == 403
    problem(answer)
    assert browser.get("/auth/session").status_code == 200


@pytest.mark.parametrize("path", ["/auth/login", *UNSAFE])
@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_another_sites_page_changes_nothing_even_with_the_token(anna, sign_in, path, headers):
    browser = sign_in("anna@example.org")
    body = {"address": "anna@example.org", "password": PASSWORD}
    answer = browser.post(path, headers=headers, json=body)
    assert answer.status_code == 403
    assert browser.get("/auth/session").status_code == 200


def test_another_sessions_token_is_no_token(anna, sign_in):
    one, other = sign_in("anna@example.org"), sign_in("anna@example.org")
    headers = {"X-CSRF-Token": other.headers["X-CSRF-Token"]}
    assert one.post("/auth/logout", headers=headers).status_code == 403


async def test_a_new_password_ends_every_session(deployment, web, sign_in, store):
    deployment.add_account("carl@example.org")
    browser = sign_in("carl@example.org")
    await store.accounts.set_password("carl@example.org", "$argon2id$other", "other")
    assert browser.get("/auth/session").status_code == 401
    assert browser.post("/jmap/api", json={}).status_code == 401


async def test_a_disabled_account_is_signed_out(deployment, web, sign_in, store):
    deployment.add_account("dora@example.org")
    browser = sign_in("dora@example.org")
    await store.accounts.set_state("dora@example.org", "disabled")
    assert browser.get("/auth/session").status_code == 401
    await store.accounts.set_state("dora@example.org", "active")
    assert browser.get("/auth/session").status_code == 401


def basic(address: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()


def test_a_script_needs_neither_cookie_nor_token(anna):
    answer = anna.http.post("/jmap/api", json={"using": [], "methodCalls": []})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "authorization",
    [
        basic("anna@example.org", "wrong"),
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
        "Bearer abc",
        "",
    ],
)
def test_a_script_with_no_password_is_nobody(anna, client, authorization):
    answer = client.get("/jmap/session", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    problem(answer)
