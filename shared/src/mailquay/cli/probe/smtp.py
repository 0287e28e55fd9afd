"""The probe's SMTP client: a message to the MX, and one handed in for submission (RFC 6409)."""

import base64
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mailquay.cli.probe.failures import ProbeFailed
from mailquay.cli.probe.letters import Letter
from mailquay.cli.probe.login import Login
from mailquay.cli.probe.servers import Server, Trust

__all__ = ["send_by_mx", "send_by_submission"]

#: Makes the message once it is known whether the server takes 8-bit content.
Write = Callable[[bool], Letter]


def send_by_mx(
    server: Server, trust: Trust, recipient: str, write: Write, timeout_seconds: float
) -> tuple[Letter, str]:
    """Send as another server would: with TLS where it is offered, and from nobody.

    The null reverse-path keeps a message that comes to nothing from being reported to anyone.

    Returns:
        The message, and the reply to it.

    Raises:
        mailquay.cli.probe.failures.FAILURES: it was not taken.
    """
    with _connected(server, trust, timeout_seconds) as client:
        if client.has_extn("starttls"):
            _start_tls(client, trust)
        return _send(client, "", recipient, write)


def send_by_submission(
    server: Server, trust: Trust, login: Login, write: Write, timeout_seconds: float
) -> tuple[Letter, str]:
    """Sign in, and hand in a message to oneself.

    Returns:
        The message, and the reply to it.

    Raises:
        mailquay.cli.probe.failures.FAILURES: it was not taken.
    """
    with _connected(server, trust, timeout_seconds) as client:
        if not server.is_tls and client.has_extn("starttls"):
            _start_tls(client, trust)
        elif not server.is_tls and not trust.is_insecure:
            raise ProbeFailed("offers no STARTTLS: the password is not given to it")
        response = base64.b64encode(login.sasl_plain).decode()
        _expect("AUTH PLAIN", client.docmd("AUTH", f"PLAIN {response}"))
        return _send(client, login.account, login.account, write)


@contextmanager
def _connected(server: Server, trust: Trust, timeout_seconds: float) -> Iterator[smtplib.SMTP]:
    client: smtplib.SMTP
    if server.is_tls:
        client = smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_seconds, context=trust)
    else:
        client = smtplib.SMTP(server.host, server.port, timeout=timeout_seconds)
    with client:
        _expect("EHLO", client.ehlo())
        yield client


def _start_tls(client: smtplib.SMTP, trust: Trust) -> None:
    _expect("STARTTLS", client.starttls(context=trust))
    _expect("EHLO", client.ehlo())


def _send(
    client: smtplib.SMTP, reverse_path: str, recipient: str, write: Write
) -> tuple[Letter, str]:
    is_8bit = client.has_extn("8bitmime")
    letter = write(is_8bit)
    options = ["BODY=8BITMIME"] if is_8bit else []
    if not recipient.isascii():  # RFC 6531 §3.4
        options.append("SMTPUTF8")
    _expect("MAIL FROM", client.mail(reverse_path, options))
    _expect("RCPT TO", client.rcpt(recipient))
    return letter, _expect("DATA", client.data(letter.raw))


def _expect(command: str, reply: tuple[int, bytes]) -> str:
    code, text = reply
    told = f"{code} {text.decode('utf-8', 'replace')}"
    if code // 100 != 2:
        raise ProbeFailed(f"answers {command} with {told}")
    return " ".join(told.split())
