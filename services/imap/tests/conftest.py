"""An IMAP service to talk with, and the directives of the transcripts."""

import itertools
import ssl
from dataclasses import dataclass, field

import pytest

from mailquay.testing.deployment import PASSWORD, Deployment, ServiceProcess
from mailquay.testing.transcripts import Connection, Transcript

_NUMBERS = itertools.count(1)


def say(connection: Connection, command: bytes, literal: bytes | None = None) -> bytes:
    """Give a command; returns the text of its completion, which is to be OK."""
    if literal is not None:
        command += b" {%d+}\r\n%b" % (len(literal), literal)
    connection.send(b"x " + command + b"\r\n")
    while (line := connection.read_line()) is not None:
        if line.startswith(b"x "):
            assert line.startswith(b"x OK"), (command, line)
            return line
    raise AssertionError(f"the connection ended in {command!r}")


def message(number: int) -> bytes:
    """A small message, another for each number."""
    return (
        b"From: Ann <ann@example.net>\r\nTo: bob@example.org\r\nSubject: Message %d\r\n"
        b"Date: Mon, 2 Feb 2026 10:0%d:00 +0100\r\nMessage-ID: <m%d@example.net>\r\n\r\n"
        b"This is number %d.\r\n" % (number, number % 10, number, number)
    )


@dataclass
class Stage:
    """What is so when a transcript begins, as its directives say."""

    address: str
    settings: dict[str, str]
    connections: dict[str, Connection]


@dataclass
class Imap:
    """IMAP services of one deployment, one for each set of settings."""

    deployment: Deployment
    processes: dict[tuple[tuple[str, str], ...], ServiceProcess] = field(default_factory=dict)

    def process(self, **settings: str) -> ServiceProcess:
        key = tuple(sorted(settings.items()))
        if key not in self.processes:
            self.processes[key] = self.deployment.start("imap", **settings)
        return self.processes[key]

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.deployment.ca_file))

    def connect(self, port: str = "", **settings: str) -> Connection:
        """A connection, to `imap` or `imaps`."""
        ports = self.process(**settings).ports
        if port == "imaps":
            return Connection("127.0.0.1", ports[port], tls=self.tls)
        return Connection("127.0.0.1", ports["imap"])

    def add_account(self, **more) -> str:
        """An account of the test's own; returns its address."""
        address = f"user{next(_NUMBERS)}@example.org"
        self.deployment.add_account(address, **more)
        return address

    def sign_in(self, address: str, *commands: bytes, **settings: str) -> Connection:
        """A connection that has signed in and given these commands."""
        needs_tls = settings.get("IMAP__ALLOW_PLAINTEXT_AUTH") == "false"
        connection = self.connect("imaps" if needs_tls else "", **settings)
        assert connection.read_line().startswith(b"* OK")
        say(connection, f'LOGIN {address} "{PASSWORD}"'.encode())
        for command in commands:
            say(connection, command)
        return connection

    def set_stage(self, transcript: Transcript) -> Stage:
        """Follow a transcript's directives."""
        return _set_stage(self, transcript)


def _set_stage(imap: Imap, transcript: Transcript) -> Stage:
    """Follow a transcript's directives."""
    directives = transcript.directives
    settings = dict(d.arguments.split("=", 1) for d in directives if d.name == "setting")
    quotas = [int(d.arguments) for d in directives if d.name == "quota"]
    address = imap.add_account(**({"quota_bytes": quotas[0]} if quotas else {}))
    helper = imap.sign_in(address, **settings)
    connections: dict[str, Connection] = {}
    for directive in directives:
        arguments = directive.arguments
        match directive.name:
            case "setting" | "quota":
                pass
            case "mailbox":
                say(helper, f"CREATE {arguments}".encode())
            case "subscribe" | "unsubscribe" | "delete":
                say(helper, f"{directive.name.upper()} {arguments}".encode())
            case "message":
                literal = directive.body or message(1)
                say(helper, f"APPEND {arguments}".encode(), literal)
            case "messages":
                for number in range(1, int(arguments) + 1):
                    say(helper, b"APPEND INBOX", message(number))
            case "signed-in":
                for session in arguments.split():
                    connections[session] = imap.sign_in(address, **settings)
            case "rev2":
                for session in arguments.split():
                    say(connections[session], b"ENABLE IMAP4rev2")
            case "select":
                sessions, _, mailbox = arguments.partition(" in ")
                for session in sessions.split():
                    say(connections[session], f"SELECT {mailbox or 'INBOX'}".encode())
            case name:
                raise ValueError(f"{transcript.path}: nobody knows the directive {name}")
    say(helper, b"LOGOUT")
    helper.close()
    return Stage(address, settings, connections)


@pytest.fixture(scope="module")
def imap(deployment: Deployment) -> Imap:
    return Imap(deployment)
