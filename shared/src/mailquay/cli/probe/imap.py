"""The probe's IMAP client (RFC 3501 and RFC 9051, what both have)."""

import imaplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from mailquay.cli.probe.failures import ProbeFailed
from mailquay.cli.probe.letters import Letter
from mailquay.cli.probe.login import Login
from mailquay.cli.probe.servers import Server, Trust
from mailquay.cli.probe.waiting import Found, wait_for

__all__ = ["delete_by_imap", "read_by_imap"]


def read_by_imap(
    server: Server, trust: Trust, login: Login, letters: Sequence[Letter], timeout_seconds: float
) -> Found:
    """Wait for the messages in INBOX, and read them whole.

    Raises:
        mailquay.cli.probe.failures.FAILURES: they cannot be read, or not as they were sent.
    """
    with _inbox(server, trust, login, timeout_seconds, is_readonly=True) as client:

        def look() -> Found:
            client.noop()
            found = _find(client, letters)
            _check_once(found)
            return {letter.way: _fetch(client, uid) for letter, uid in found}

        return wait_for(letters, look, timeout_seconds)


def delete_by_imap(
    server: Server, trust: Trust, login: Login, letters: Sequence[Letter], timeout_seconds: float
) -> None:
    """Expunge those of the messages that are there, and no others (UIDPLUS, RFC 4315 §2.1).

    Raises:
        mailquay.cli.probe.failures.FAILURES: one is there still.
    """
    with _inbox(server, trust, login, timeout_seconds, is_readonly=False) as client:
        found = _find(client, letters)
        if found:
            uids = ",".join(uid for _, uid in found)
            _expect("STORE", client.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
            _expect("EXPUNGE", client.uid("EXPUNGE", uids))
        for letter, _ in _find(client, letters):
            raise ProbeFailed(f"{letter.message_id} is still there after EXPUNGE")


@contextmanager
def _inbox(
    server: Server, trust: Trust, login: Login, timeout_seconds: float, *, is_readonly: bool
) -> Iterator[imaplib.IMAP4]:
    client: imaplib.IMAP4
    if server.is_tls:
        client = imaplib.IMAP4_SSL(
            server.host, server.port, ssl_context=trust, timeout=timeout_seconds
        )
    else:
        client = imaplib.IMAP4(server.host, server.port, timeout=timeout_seconds)
    try:
        if not server.is_tls and "STARTTLS" in client.capabilities:
            client.starttls(trust)
        elif not server.is_tls and not trust.is_insecure:
            raise ProbeFailed("offers no STARTTLS: the password is not given to it")
        _expect("AUTHENTICATE", client.authenticate("PLAIN", lambda _: login.sasl_plain))
        _expect("SELECT", client.select("INBOX", readonly=is_readonly))
        yield client
    finally:
        # Whatever went wrong is told; that a server then says no goodbye either is not.
        with suppress(OSError, imaplib.IMAP4.error):
            client.logout()


def _find(client: imaplib.IMAP4, letters: Sequence[Letter]) -> list[tuple[Letter, str]]:
    """Messages with their uids; one that came twice is there twice."""
    found = []
    for letter in letters:
        subject = f'"{letter.token} by {letter.way}"'
        data = _expect("SEARCH", client.uid("SEARCH", "SUBJECT", subject))
        found += [(letter, uid.decode()) for uid in (data[0] or b"").split()]
    return found


def _check_once(found: list[tuple[Letter, str]]) -> None:
    if len(found) > len({letter.way for letter, _ in found}):
        told = ", ".join(f"{letter.message_id} as uid {uid}" for letter, uid in found)
        raise ProbeFailed(f"a message came more than once: {told}")


def _fetch(client: imaplib.IMAP4, uid: str) -> bytes:
    data = _expect("FETCH", client.uid("FETCH", uid, "(BODY.PEEK[])"))
    for item in data:
        if isinstance(item, tuple):
            raw: bytes = item[1]
            return raw
    raise ProbeFailed(f"gives no BODY[] of uid {uid}")


def _expect(command: str, answer: tuple[str, Any]) -> list[Any]:
    status, data = answer
    if status != "OK":
        said = data[-1] if data else b""
        told = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ProbeFailed(f"answers {command} with {status} {told}")
    found: list[Any] = data
    return found
