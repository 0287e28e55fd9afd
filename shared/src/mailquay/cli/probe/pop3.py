"""The probe's POP3 client (RFC 1939)."""

import poplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from mailquay.cli.probe.failures import ProbeFailed
from mailquay.cli.probe.letters import Letter
from mailquay.cli.probe.login import Login
from mailquay.cli.probe.servers import Server, Trust
from mailquay.cli.probe.waiting import Found, wait_for

__all__ = ["read_by_pop3"]

#: Of a full maildrop the newest are looked at; they are last.
_NEWEST: Final = 100


def read_by_pop3(
    server: Server, trust: Trust, login: Login, letters: Sequence[Letter], timeout_seconds: float
) -> Found:
    """Wait for the messages, and read them whole; a maildrop never grows while it is open.

    Raises:
        mailquay.cli.probe.failures.FAILURES: they cannot be read, or not as they were sent.
    """

    def look() -> Found:
        with _maildrop(server, trust, login, timeout_seconds) as client:
            return _read(client, letters)

    return wait_for(letters, look, timeout_seconds)


@contextmanager
def _maildrop(
    server: Server, trust: Trust, login: Login, timeout_seconds: float
) -> Iterator[poplib.POP3]:
    client: poplib.POP3
    if server.is_tls:
        client = poplib.POP3_SSL(server.host, server.port, context=trust, timeout=timeout_seconds)
    else:
        client = poplib.POP3(server.host, server.port, timeout=timeout_seconds)
    try:
        if not server.is_tls and "STLS" in client.capa():
            client.stls(trust)
        elif not server.is_tls and not trust.is_insecure:
            raise ProbeFailed("offers no STLS: the password is not given to it")
        client.user(login.account)
        client.pass_(login.password)
        yield client
    finally:
        # Whatever went wrong is told; that a server then says no goodbye either is not.
        with suppress(OSError, poplib.error_proto):
            client.quit()


def _read(client: poplib.POP3, letters: Sequence[Letter]) -> Found:
    count = client.stat()[0]
    found: Found = {}
    for number in range(count, max(0, count - _NEWEST), -1):
        header = client.top(number, 0)[1]
        for letter in letters:
            if f"Message-ID: {letter.message_id}".encode() in header:
                lines = client.retr(number)[1]
                found[letter.way] = b"".join(line + b"\r\n" for line in lines)
        if len(found) == len(letters):
            break
    return found
