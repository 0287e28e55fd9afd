"""The client's address behind proxies, and what every answer says to browsers (RFC 6797)."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from mailquay.runtime.settings import WebSettings
from mailquay_webmail_api.http.hardening import Hardening


async def echo(scope, receive, send):
    request = Request(scope)
    said = {"client": request.client.host, "scheme": request.url.scheme}
    await JSONResponse(said)(scope, receive, send)


async def ask(peer: str, headers: dict[str, str], **settings) -> httpx.Response:
    app = Hardening(echo, WebSettings.model_validate(settings))
    transport = httpx.ASGITransport(app=app, client=(peer, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://mail.example") as client:
        return await client.get("/", headers=headers)


TRUSTED = {"trusted_proxies": ["10.0.0.0/8", "fd00::/8"]}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.1.1", "192.0.2.1", "192.0.2.1"),
        ("10.1.1.1", "192.0.2.1:5555", "192.0.2.1"),
        ("10.1.1.1", "[2001:db8::1]:5555", "2001:db8::1"),
        ("::ffff:10.1.1.1", "192.0.2.1", "192.0.2.1"),
        # What the client itself put in front is not believed.
        ("10.1.1.1", "198.51.100.7, 192.0.2.1, 10.2.2.2", "192.0.2.1"),
        ("10.1.1.1", "192.0.2.1, unknown", "10.1.1.1"),
        ("10.1.1.1", "", "10.1.1.1"),
        ("192.0.2.9", "192.0.2.1", "192.0.2.9"),
    ],
)
async def test_only_trusted_proxies_say_who_the_client_is(peer, forwarded, client):
    answer = await ask(peer, {"X-Forwarded-For": forwarded}, **TRUSTED)
    assert answer.json()["client"] == client


async def test_nobody_is_trusted_by_default():
    headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
    answer = await ask("10.1.1.1", headers)
    assert answer.json() == {"client": "10.1.1.1", "scheme": "http"}


async def test_a_trusted_proxy_says_that_it_has_ended_tls():
    answer = await ask("10.1.1.1", {"X-Forwarded-Proto": "https"}, **TRUSTED)
    assert answer.json()["scheme"] == "https"


async def test_every_answer_tells_browsers_to_be_careful():
    answer = await ask("192.0.2.1", {}, secure_cookies=True)
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["strict-transport-security"] == "max-age=63072000"


async def test_plain_http_is_not_forbidden_where_it_is_in_use():
    answer = await ask("192.0.2.1", {}, secure_cookies=False)
    assert "strict-transport-security" not in answer.headers
