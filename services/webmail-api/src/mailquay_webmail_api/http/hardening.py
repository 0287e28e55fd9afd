"""What holds for every answer: the client's true address, headers that browsers obey, a count."""

import ipaddress
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailquay.runtime import metrics
from mailquay.runtime.settings import WebSettings

__all__ = ["Hardening"]

#: For everything but the application's own pages and messages' HTML, which set theirs.
_NOTHING_ALLOWED: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
_FIXED: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
)
#: Two years, as browsers ask of those that mean it (RFC 6797).
_HSTS: Final = "max-age=63072000"
#: Whose time is counted apart, by how their paths begin; the rest is the browser application.
_KINDS: Final = {
    "/jmap/upload": metrics.WEB_SECONDS.labels("upload"),
    "/jmap/download": metrics.WEB_SECONDS.labels("download"),
    "/jmap/eventsource": metrics.WEB_SECONDS.labels("events"),
    "/jmap": metrics.WEB_SECONDS.labels("jmap"),
    "/.well-known/jmap": metrics.WEB_SECONDS.labels("jmap"),
    "/auth": metrics.WEB_SECONDS.labels("auth"),
    "/api": metrics.WEB_SECONDS.labels("reading"),
}
_SITE: Final = metrics.WEB_SECONDS.labels("site")
#: Longer chains of proxies are a client's invention.
_HOPS_MAX: Final = 10


class Hardening:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._networks = settings.trusted_proxies
        self._is_secure = settings.secure_cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        begun = time.perf_counter()
        self._believe_proxies(scope)

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message))
                metrics.WEB_REQUESTS.labels(str(message["status"])).inc()
                _seconds_of(scope["path"]).observe(time.perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, hardened)

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in _FIXED:
            headers.setdefault(name, value)
        headers.setdefault("Content-Security-Policy", _NOTHING_ALLOWED)
        headers.setdefault("X-Frame-Options", "DENY")
        if self._is_secure:
            headers.setdefault("Strict-Transport-Security", _HSTS)

    def _believe_proxies(self, scope: Scope) -> None:
        """Take the client's address and scheme from X-Forwarded-*, as far as we trust who adds."""
        peer, port = scope["client"]
        if not self._networks or not self._is_trusted(peer):
            return
        headers = Headers(scope=scope)
        said = ",".join(headers.getlist("x-forwarded-for")).split(",")
        for hop in [text.strip() for text in reversed(said)][:_HOPS_MAX]:
            address = _address(hop)
            if address is None:
                break
            peer = address
            if not self._is_trusted(address):
                break
        scope["client"] = (peer, port)
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            scope["scheme"] = scheme

    def _is_trusted(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address)
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def _seconds_of(path: str) -> metrics.Histogram:
    """Where the time of a request is counted."""
    first, second = (*path.split("/", 3)[1:3], "")[:2]
    return _KINDS.get(f"/{first}/{second}") or _KINDS.get(f"/{first}") or _SITE


def _address(text: str) -> str | None:
    """An address as proxies write it, some with a port; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
