"""The ports: each greets as its protocol says."""

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailquay.cli.doctor.findings import Finding, ok, wrong
from mailquay.cli.target import Target
from mailquay.net.bind import reached_at
from mailquay.net.tls import TlsContexts

__all__ = ["check_listeners", "check_services"]

_ANSWER_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class _Listener:
    name: str
    service: str
    setting: str
    port: int | None
    greeting: bytes
    is_tls: bool = False
    #: What is said first; HTTP's client begins.
    request: bytes = b""


def _listeners(target: Target) -> Iterator[_Listener]:
    s = target.settings
    smtp, http = "mailquay-smtp-in", b"GET / HTTP/1.0\r\n\r\n"
    yield _Listener("smtp", smtp, "SMTP_IN__MX_PORT", s.smtp_in.mx_port, b"220 ")
    yield _Listener(
        "submission", smtp, "SMTP_IN__SUBMISSION_PORT", s.smtp_in.submission_port, b"220 "
    )
    yield _Listener(
        "submissions", smtp, "SMTP_IN__SUBMISSIONS_PORT", s.smtp_in.submissions_port, b"220 ", True
    )
    yield _Listener("lmtp", smtp, "SMTP_IN__LMTP_PORT", s.smtp_in.lmtp_port, b"220 ")
    yield _Listener("imap", "mailquay-imap", "IMAP__PORT", s.imap.port, b"* OK ")
    yield _Listener("imaps", "mailquay-imap", "IMAP__TLS_PORT", s.imap.tls_port, b"* OK ", True)
    yield _Listener("pop3", "mailquay-pop3", "POP3__PORT", s.pop3.port, b"+OK ")
    yield _Listener("pop3s", "mailquay-pop3", "POP3__TLS_PORT", s.pop3.tls_port, b"+OK ", True)
    yield _Listener(
        "http", "mailquay-webmail-api", "WEB__PORT", s.web.port, b"HTTP/1.", request=http
    )


async def check_listeners(target: Target) -> list[Finding]:
    """Every configured port answers on this machine."""
    bind = target.settings.net.bind
    web_bind = target.settings.web.bind or bind
    checks = [
        _greets(listener, reached_at(web_bind if listener.name == "http" else bind))
        for listener in _listeners(target)
        if listener.port
    ]
    return await asyncio.gather(*checks)


async def _greets(listener: _Listener, host: str) -> Finding:
    area, where = listener.name, f"port {listener.port} on {host}"
    remedy = (
        f"start {listener.service}, or set MAILQUAY_{listener.setting} to none if it is not to be "
        "served; its log says why it does not start"
    )
    context = TlsContexts.client_context(verify=False) if listener.is_tls else None
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host, listener.port, ssl=context)
            try:
                writer.write(listener.request)
                line = await reader.readline()
            finally:
                writer.close()
    except ssl.SSLError as error:
        return wrong(area, f"{where}: no TLS: {error.reason}", "look at the certificate")
    except (OSError, TimeoutError) as error:
        return wrong(area, f"{where}: {error or 'does not answer'}", remedy)
    if not line.startswith(listener.greeting):
        told = f"{where} greets with {line[:80].decode('latin-1').strip()!r}"
        return wrong(area, told, "another program listens there: end it, or choose another port")
    return ok(area, f"{where} answers")


async def check_services(target: Target) -> list[Finding]:
    """What each service of a standalone says of its own readiness."""
    if target.data is None:
        return []
    found = []
    for path in sorted((target.data / "run").glob("*.json")):
        ports = json.loads(path.read_text()).get("ports", {})
        if "metrics" in ports:
            url = f"http://127.0.0.1:{ports['metrics']}/readyz"
            found.append(await asyncio.to_thread(_readiness, path.stem, url))
    return found


def _readiness(service: str, url: str) -> Finding:
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS):  # noqa: S310  # ours, by http
            return ok(service, "is ready")
    except urllib.error.HTTPError as error:
        checks = json.load(error).get("checks", {})
        told = "; ".join(f"{name}: {state}" for name, state in checks.items() if state != "ok")
        return wrong(service, f"is not ready: {told}", "mend what is named")
    except OSError as error:
        return wrong(service, f"does not answer: {error}", "its log in logs/ says why")
