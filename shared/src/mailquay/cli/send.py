"""``mailquay send``: a test message by SMTP, and what the server said to it."""

import asyncio
import email.policy
import smtplib
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from mailquay.cli.command import subcommand
from mailquay.cli.exits import CommandFailed, Exit
from mailquay.cli.output import Result
from mailquay.cli.passwords import PasswordStdin, read_password
from mailquay.cli.target import Target
from mailquay.identity import normalise_address
from mailquay.net.bind import reached_at
from mailquay.runtime.settings import SmtpInSettings

__all__ = ["register"]

_TIMEOUT_SECONDS: Final = 60
_BODY: Final = "This is a test message, sent by `mailquay send`.\n"


class Tls(StrEnum):
    """How the connection is made private."""

    AUTO = "auto"
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class _Server:
    host: str
    port: int
    tls: Tls
    context: ssl.SSLContext
    #: Of the EHLO command.
    local_name: str
    username: str | None
    password: str


@dataclass(frozen=True, slots=True)
class _Sent:
    tls_version: str | None
    reply: str
    seconds: float


def _deliver(server: _Server, sender: str, recipients: list[str], message: EmailMessage) -> _Sent:
    """Hold the dialogue; blocks.

    Raises:
        OSError, smtplib.SMTPException: it came to nothing.
    """
    begun = time.perf_counter()
    with _connect(server) as client:
        is_private = server.tls is Tls.TLS
        offered = client.has_extn("starttls") and server.tls is Tls.AUTO
        if not is_private and (server.tls is Tls.STARTTLS or offered):
            client.starttls(context=server.context)
            client.ehlo()
            is_private = True
        if server.username is not None:
            client.login(server.username, server.password)
        needs_utf8 = not all(address.isascii() for address in (sender, *recipients))
        options = ["SMTPUTF8"] if needs_utf8 else []
        _expect(client.mail(sender, options))
        for recipient in recipients:
            _expect(client.rcpt(recipient))
        code, text = client.data(message.as_bytes(policy=email.policy.SMTPUTF8))
        _expect((code, text))
        tls_version = client.sock.version() if is_private else None  # type: ignore[union-attr]
    reply = f"{code} {text.decode('utf-8', 'replace')}"
    return _Sent(tls_version, reply, time.perf_counter() - begun)


@contextmanager
def _connect(server: _Server) -> Iterator[smtplib.SMTP]:
    name, port, local = server.host, server.port, server.local_name
    client: smtplib.SMTP
    if server.tls is Tls.TLS:
        client = smtplib.SMTP_SSL(
            name, port, local, timeout=_TIMEOUT_SECONDS, context=server.context
        )
    else:
        client = smtplib.SMTP(name, port, local, timeout=_TIMEOUT_SECONDS)
    with client:
        client.ehlo_or_helo_if_needed()
        yield client


def _expect(reply: tuple[int, bytes]) -> None:
    if reply[0] // 100 != 2:
        raise smtplib.SMTPResponseException(*reply)


def _failure(error: OSError | smtplib.SMTPException, server: _Server) -> CommandFailed:
    """The error as an exit status; 4yz may succeed later, 5yz will not (RFC 5321 §4.2.1)."""
    where = f"{server.host}:{server.port}"
    match error:
        case smtplib.SMTPAuthenticationError():
            return CommandFailed(Exit.REFUSED, f"{where} does not take the password: {error}")
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=text):
            told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
            status = Exit.TRY_LATER if code // 100 == 4 else Exit.CHECK_FAILED
            return CommandFailed(status, f"{where} answers {code} {told}")
        case ssl.SSLCertVerificationError():
            return CommandFailed(
                Exit.CHECK_FAILED,
                f"{where} has a certificate that is not trusted: {error.verify_message}; give its "
                "authority by --ca-file",
            )
        case smtplib.SMTPException():
            return CommandFailed(Exit.CHECK_FAILED, f"{where}: {error}")
        case _:
            return CommandFailed(Exit.UNAVAILABLE, f"{where}: {error}")


def _default_port(smtp_in: SmtpInSettings, *, has_user: bool, tls: Tls) -> int:
    port = smtp_in.mx_port
    if has_user:
        port = smtp_in.submissions_port if tls is Tls.TLS else smtp_in.submission_port
    if port is None:
        raise CommandFailed(Exit.USAGE, "that port is not served here: give --port")
    return port


def _ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise CommandFailed(Exit.NOT_FOUND, f"cannot read {ca_file}: {error}") from error


async def send(
    target: Target,
    to: Annotated[
        list[str], typer.Option("--to", metavar="ADDRESS", help="To whom; may be repeated.")
    ],
    sender: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="ADDRESS", help="By default --user, or mailquay@ this host."
        ),
    ] = None,
    subject: Annotated[str, typer.Option(help="The message's subject.")] = "Test message",
    body: Annotated[
        str,
        typer.Option(metavar="TEXT", help="The message's text; - reads it.", show_default=False),
    ] = _BODY,
    host: Annotated[
        str | None, typer.Option(help="The server; by default this Mailquay's.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="By default that of the MX, or with --user of submission."
        ),
    ] = None,
    tls: Annotated[Tls, typer.Option(help="auto: STARTTLS where it is offered.")] = Tls.AUTO,
    ca_file: Annotated[
        Path | None, typer.Option(help="PEM of the authority that the server's name is signed by.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Sign in; the password is asked for.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> Result:
    """Send a test message by SMTP, and show what the server said."""
    recipients = [normalise_address(address) for address in to]
    # Of another's server nothing is known but what is given here.
    smtp_in = SmtpInSettings() if host else target.settings.smtp_in
    local_name = "localhost" if host else target.settings.hostname
    if ca_file is None and not host and target.data is not None:
        ca_file = target.data / "tls" / "ca.pem"
    from_address = normalise_address(sender or user or f"mailquay@{local_name}")
    if password_stdin and body == "-":
        raise CommandFailed(Exit.USAGE, "standard input cannot be both password and text")
    password = read_password("Password", from_stdin=password_stdin) if user else ""
    server = _Server(
        host or reached_at(target.settings.net.bind),
        port or _default_port(smtp_in, has_user=user is not None, tls=tls),
        tls,
        _ssl_context(ca_file),
        local_name,
        user,
        password,
    )
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = from_address, recipients, subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=from_address.rpartition("@")[2])
    message.set_content(sys.stdin.read() if body == "-" else body)
    try:
        sent = await asyncio.to_thread(_deliver, server, from_address, recipients, message)
    except (OSError, smtplib.SMTPException) as error:
        raise _failure(error, server) from error
    told = f"with {sent.tls_version}" if sent.tls_version else "without TLS"
    data = {
        "from": from_address,
        "to": recipients,
        "message_id": str(message["Message-ID"]),
        "host": server.host,
        "port": server.port,
        "tls": sent.tls_version,
        "reply": sent.reply,
        "seconds": round(sent.seconds, 4),
    }
    milliseconds = sent.seconds * 1000
    text = (
        f"{server.host}:{server.port} took it {told} in {milliseconds:.0f} ms: {sent.reply}\n"
        f"Message-ID: {message['Message-ID']}"
    )
    return Result(data, text)


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    subcommand(app, "send")(send)
