"""An IMAP service to talk with, as a process or in this one; the transcripts' directives."""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from mailquay.delivery import Deliverer
from mailquay.dns import open_resolver
from mailquay.identity import Authenticator
from mailquay.identity.passwords import PasswordHasher
from mailquay.net.tls import TlsContexts
from mailquay.runtime.health import Health
from mailquay.runtime.service import Platform, Service
from mailquay.runtime.settings import Settings
from mailquay.testing.deployment import PASSWORD, Deployment, ServiceProcess
from mailquay.testing.transcripts import Connection, Transcript
from mailquay_imap.app import start

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
    #: Addresses of other accounts, by the name that the transcript gives them.
    others: dict[str, str]


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
    others = {d.arguments: imap.add_account() for d in directives if d.name == "account"}
    for directive in directives:
        arguments = directive.arguments
        match directive.name:
            case "setting" | "quota" | "account":
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
                sessions, _, name = arguments.partition(" as ")
                for session in sessions.split():
                    who = others[name] if name else address
                    connections[session] = imap.sign_in(who, **settings)
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
    return Stage(address, settings, connections, others)


@pytest.fixture(scope="module")
def imap(deployment: Deployment) -> Imap:
    return Imap(deployment)


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def line(self) -> bytes:
        async with asyncio.timeout(20):
            return await self.reader.readline()

    def send(self, text: bytes) -> None:
        self.writer.write(text)

    async def say(self, command: bytes) -> list[bytes]:
        """All lines that a command is answered with."""
        self.send(b"t " + command + b"\r\n")
        lines = [await self.line()]
        while lines[-1] and not lines[-1].startswith(b"t "):
            lines.append(await self.line())
        return lines

    async def rest(self) -> bytes:
        """Everything to the end of the connection."""
        async with asyncio.timeout(20):
            return await self.reader.read()


@dataclass
class Running:
    platform: Platform
    service: Service
    clients: list[Client]

    async def connect(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.service.ports["imap"])
        client = Client(reader, writer)
        self.clients.append(client)
        return client

    async def sign_in(self, *commands: bytes) -> Client:
        client = await self.connect()
        assert (await client.line()).startswith(b"* OK")
        for command in (b"LOGIN ann@example.org secret", *commands):
            assert (await client.say(command))[-1].startswith(b"t OK")
        return client


@pytest.fixture
def start_imap(store, blobs, bus):
    """A service with these settings, as a context."""

    @contextlib.asynccontextmanager
    async def run(**imap: object) -> AsyncIterator[Running]:
        settings = Settings(
            imap={"port": 0, "tls_port": None, "allow_plaintext_auth": True, **imap},
            identity={"argon2_memory_kib": 8, "argon2_time_cost": 1, "scram_iterations": 4096},
        )
        await store.accounts.add_domain("example.org")
        made = PasswordHasher(settings.identity).hash("secret")
        await store.accounts.add("ann@example.org", made.password_hash, made.scram_sha256)
        deliverer, authenticator = (
            Deliverer(store, blobs, bus, settings),
            Authenticator(store, settings),
        )
        revoked = bus.subscribe(authenticator.heard)
        platform = Platform(
            settings, store, blobs, bus, deliverer, authenticator, TlsContexts(settings.tls),
            open_resolver(settings.dns), Health(),
        )  # fmt: skip
        running = Running(platform, await start(platform), [])
        try:
            yield running
        finally:
            for client in running.clients:
                client.writer.close()
            await running.service.drain()
            revoked.close()
            await deliverer.close()
            authenticator.close()

    return run
