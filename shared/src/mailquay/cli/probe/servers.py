"""Which servers a probe speaks to, and how: from ``HOST:PORT``, a URL, or the settings."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mailquay.cli.exits import CommandFailed, Exit
from mailquay.cli.target import Target
from mailquay.net.bind import reached_at

__all__ = ["Server", "Servers", "Trust", "find_servers", "parse_server"]


@dataclass(frozen=True, slots=True)
class _Scheme:
    port: int
    is_tls: bool  # from the first byte; else by STARTTLS (RFC 8314 §3)


#: Of each protocol first what a name without a port means.
_SCHEMES: Final = {
    "smtp": {"smtp": _Scheme(25, False)},
    "submission": {"submissions": _Scheme(465, True), "submission": _Scheme(587, False)},
    "imap": {"imaps": _Scheme(993, True), "imap": _Scheme(143, False)},
    "pop3": {"pop3s": _Scheme(995, True), "pop3": _Scheme(110, False)},
    "jmap": {"https": _Scheme(443, True), "http": _Scheme(80, False)},
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server; ``path`` is JMAP's alone."""

    host: str
    port: int
    is_tls: bool
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a probe; None is left out."""

    smtp: Server
    submission: Server
    imap: Server
    pop3: Server | None
    jmap: Server | None


class Trust(ssl.SSLContext):
    """By what a server's certificate is known.

    ``tls_name`` is the name in it, where the server is reached by another, as within a cluster;
    ``is_insecure`` trusts anybody, and gives the password to a server that has no TLS.
    """

    tls_name: str | None = None
    is_insecure: bool = False

    @classmethod
    def of(cls, ca_file: Path | None, tls_name: str | None, *, is_insecure: bool) -> "Trust":
        """Made of what the command line says.

        Raises:
            CommandFailed: the file cannot be read.
        """
        trust = cls(ssl.PROTOCOL_TLS_CLIENT)
        trust.tls_name, trust.is_insecure = tls_name, is_insecure
        if is_insecure:
            trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        elif ca_file is None:
            trust.load_default_certs()
        else:
            try:
                trust.load_verify_locations(ca_file)
            except OSError as error:  # `ssl.SSLError` too
                raise CommandFailed(
                    Exit.NOT_FOUND, f"{ca_file} holds no certificate that can be read: {error}"
                ) from error
        return trust

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Begin TLS, and ask for the name that is to be in the certificate."""
        return super().wrap_socket(
            sock,
            server_side,
            do_handshake_on_connect,
            suppress_ragged_eofs,
            self.tls_name or server_hostname,
            session,
        )


def parse_server(protocol: str, text: str) -> Server:
    """A server from ``host``, ``host:port`` or a URL such as ``imaps://host:1993``.

    A port that is TLS' own (465, 993, 995, 443) means TLS from the first byte; any other, STARTTLS.

    Raises:
        CommandFailed: it is none.
    """
    schemes = _SCHEMES[protocol]
    wanted = " or ".join(f"{name}://HOST:PORT" for name in schemes)
    wrong = CommandFailed(Exit.USAGE, f"{text!r} is no server: write HOST, HOST:PORT, {wanted}")
    has_scheme = "://" in text
    try:
        url = urlsplit(text if has_scheme else f"//{text}")
        host, port = url.hostname, url.port
    except ValueError as error:
        raise wrong from error
    if not host or url.username is not None or (url.path.strip("/") and protocol != "jmap"):
        raise wrong
    if has_scheme:
        scheme = schemes.get(url.scheme)
        if scheme is None:
            raise wrong
    else:
        of_port = [scheme for scheme in schemes.values() if scheme.port == port]
        by_starttls = [scheme for scheme in schemes.values() if not scheme.is_tls]
        first = list(schemes.values()) if port is None else by_starttls
        scheme = (of_port or first)[0]
    return Server(host, port or scheme.port, scheme.is_tls, url.path if protocol == "jmap" else "")


def find_servers(
    target: Target, host: str | None, given: dict[str, str | None], without: set[str]
) -> Servers:
    """The servers that were named one by one, else on ``host``, else those of the settings.

    Raises:
        CommandFailed: one is malformed, or the settings know of none.
    """

    def find(protocol: str) -> Server | None:
        if protocol in without:
            return None
        if text := given[protocol]:
            return parse_server(protocol, text)
        if host is not None:
            return parse_server(protocol, f"[{host}]" if host.count(":") > 1 else host)
        return _of_settings(target, protocol)

    found = {protocol: find(protocol) for protocol in _SCHEMES}
    smtp, submission, imap = found["smtp"], found["submission"], found["imap"]
    for protocol, server in (("smtp", smtp), ("submission", submission), ("imap", imap)):
        if server is None:
            raise CommandFailed(Exit.USAGE, f"{protocol} is not served here: give --{protocol}")
    assert smtp is not None
    assert submission is not None
    assert imap is not None
    return Servers(smtp, submission, imap, found["pop3"], found["jmap"])


def _of_settings(target: Target, protocol: str) -> Server | None:
    settings = target.settings
    smtp_in, bind = settings.smtp_in, reached_at(settings.net.bind)
    ports: tuple[int | None, int | None]  # of TLS, of STARTTLS or none
    match protocol:
        case "smtp":
            ports = (None, smtp_in.mx_port)
        case "submission":
            ports = (smtp_in.submissions_port, smtp_in.submission_port)
        case "imap":
            ports = (settings.imap.tls_port, settings.imap.port)
        case "pop3":
            ports = (settings.pop3.tls_port, settings.pop3.port)
        case _:
            ports = (None, settings.web.port)
            bind = reached_at(settings.web.bind or settings.net.bind)
    with_tls, without_tls = ports
    if with_tls:
        return Server(bind, with_tls, is_tls=True)
    return Server(bind, without_tls, is_tls=False) if without_tls else None
