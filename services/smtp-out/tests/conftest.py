"""A world to deliver into: other people's hosts on loopback addresses, a DNS that names them."""

import asyncio
import itertools
import json
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller

from mailquay.blobs import BlobStore
from mailquay.delivery import Deliverer, Incoming, RemoteRecipient
from mailquay.events import Bus
from mailquay.runtime.settings import BlobSettings, DatabaseSettings, NatsSettings, Settings
from mailquay.store import Store
from mailquay.store.errors import NotFound, StoreUnavailable

WAIT_SECONDS = 30
_NUMBERS = itertools.count(2)


def loopback_address():
    """One that nobody else has had: the fixed DNS gives each its port."""
    return f"127.77.{next(_NUMBERS)}.{secrets.randbelow(250) + 1}"


class Mailhost(Controller):
    """Someone's real MX: aiosmtpd, which keeps what it is given."""

    def __init__(self, **options):
        self.envelopes = []
        super().__init__(self, hostname=loopback_address(), port=0, **options)

    @property
    def bound(self):
        return self.server.sockets[0].getsockname()[:2]

    def _trigger_server(self):
        """The base class connects to learn whether it serves, and would ask port 0."""
        self.port = self.bound[1]
        super()._trigger_server()

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        return "250 2.0.0 kept"


@dataclass
class OddHost:
    """A host that says what it is told to say: replies by the beginning of a command.

    A reply of ``None`` closes the connection instead; ``"*tls"`` starts TLS, ``"*junk"`` says
    that it will and then does not. ``hold`` is waited for before the reply to the final dot,
    ``wait_before`` before that to a command.
    """

    replies: dict = field(default_factory=dict)
    extensions: tuple = ()
    tls: ssl.SSLContext | None = None
    hold: threading.Event | None = None
    wait_before: dict = field(default_factory=dict)
    commands: list = field(default_factory=list)
    messages: list = field(default_factory=list)
    sessions: int = 0

    def __post_init__(self):
        self._listener = socket.create_server((loopback_address(), 0))
        self.bound = self._listener.getsockname()[:2]
        self._open = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.sessions += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection:
                self._talk(connection)
        except OSError:
            pass

    def _reply_to(self, command, default):
        for start, reply in self.replies.items():
            if command.upper().startswith(start.upper()):
                if isinstance(reply, list):
                    return reply.pop(0) if len(reply) > 1 else reply[0]
                return reply
        return default

    def _talk(self, connection):
        greeting = self._reply_to("greeting", "220 odd.example")
        if greeting is None:
            return
        connection.sendall(f"{greeting}\r\n".encode())
        lines = connection.makefile("rb")
        ehlo = "\r\n".join(["250-odd.example", *(f"250-{x}" for x in self.extensions), "250 HELP"])
        while line := lines.readline():
            command = line.decode().rstrip("\r\n")
            self.commands.append(command)
            verb = command.partition(" ")[0].upper()
            default = {"EHLO": ehlo, "DATA": "354 go", "QUIT": "221 bye"}.get(verb, "250 ok")
            if verb in self.wait_before:
                self.wait_before[verb].wait(WAIT_SECONDS)
            reply = self._reply_to(command, default)
            if reply is None:
                return
            if reply == "*tls":
                connection.sendall(b"220 go\r\n")
                connection = self.tls.wrap_socket(connection, server_side=True)
                lines = connection.makefile("rb")
                continue
            if reply == "*junk":
                connection.sendall(b"220 go\r\n")
                connection.sendall(b"this is no handshake\r\n")
                return
            connection.sendall(f"{reply}\r\n".encode())
            if verb == "QUIT":
                return
            if reply.startswith("354") and not self._take_message(connection, lines):
                return

    def _take_message(self, connection, lines):
        message = b""
        while (line := lines.readline()) != b".\r\n":
            if not line:
                return False
            message += line
        self.messages.append(message)
        if self.hold is not None:
            self.hold.wait(WAIT_SECONDS)
        reply = self._reply_to("dot", "250 2.0.0 kept")
        if reply is None:
            return False
        connection.sendall(f"{reply}\r\n".encode())
        return True


class Hosts:
    """Makes hosts, and stops them at the end."""

    def __init__(self):
        self._started = []

    def mail(self, **options):
        host = Mailhost(**options)
        host.start()
        self._started.append(host)
        return host

    def odd(self, **options):
        host = OddHost(**options)
        self._started.append(host)
        return host

    def stop(self):
        for host in self._started:
            host.stop()


@pytest.fixture
def hosts():
    """Other people's hosts."""
    hosts = Hosts()
    yield hosts
    hosts.stop()


class World:
    """The zone, the queue and the mailboxes of a deployment, from outside of the service."""

    def __init__(self, deployment, store, blobs, deliverer):
        self.deployment = deployment
        self.store = store
        self.queue = store.queue
        self._blobs = blobs
        self._deliverer = deliverer

    @staticmethod
    def zone(deployment):
        return Path(deployment.folder) / "zone.json"

    def publish(self, *hosts, **records):
        """Name a new domain whose MX are the hosts, in their order; returns its name."""
        zone = self._read_zone()
        domain = f"{secrets.token_hex(5)}.example"
        exchangers = []
        for number, host in enumerate(hosts):
            address, port = host.bound
            name = f"mx{number}.{domain}"
            exchangers.append([number, name])
            zone[name] = {"A": [address]}
            zone["ports"][address] = port
        zone[domain] = {"MX": exchangers, **records} if hosts else records
        self._write_zone(zone)
        return domain

    def _read_zone(self):
        path = self.zone(self.deployment)
        return json.loads(path.read_text()) if path.exists() else {"ports": {}}

    def _write_zone(self, zone):
        path = self.zone(self.deployment)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(zone))
        temporary.replace(path)

    def name(self, name, host):
        """Let a name be a host's."""
        address, port = host.bound
        zone = self._read_zone()
        zone["ports"][address] = port
        self._write_zone(zone | {name: {"A": [address]}})

    def break_name(self, name):
        """Let every question about a name fail for now."""
        self._write_zone(self._read_zone() | {name: "SERVFAIL"})

    def move(self, address, *, port):
        """Let the host at an address be looked for at another port."""
        zone = self._read_zone()
        zone["ports"][address] = port
        self._write_zone(zone)

    async def submit(self, sender, *recipients, message=b"Subject: hello\r\n\r\nhello\r\n", **more):
        """Put a message into the queue as smtp-in does; returns its id."""
        remote = tuple(
            x if isinstance(x, RemoteRecipient) else RemoteRecipient(x, x.rpartition("@")[2])
            for x in recipients
        )
        delivered = await self._deliverer.deliver(
            Incoming(
                tenant_id=more.pop("tenant_id", None) or await self.store.accounts.tenant_id(),
                raw=f"Return-Path: <{sender}>\r\n".encode() + message,
                trace_id=secrets.token_hex(8),
                remote=remote,
                reverse_path=sender,
                **more,
            )
        )
        return delivered.queue_id

    async def _execute(self, statement, *arguments):
        connection = await asyncpg.connect(self.deployment.database_url)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def age(self, queue_id, **by):
        """Let a message be older than it is; nobody waits for five days."""
        await self._execute(
            "UPDATE queue_message SET created_at = created_at - $2::interval, "
            "expires_at = expires_at - $2::interval WHERE id = $1",
            queue_id,
            timedelta(**by),
        )

    async def cut_database_connections(self):
        """End every connection but the one that does it, as a restart of Postgres does."""
        await self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    async def until(self, condition):
        """Wait for a coroutine function to give something true; returns it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (value := await condition()):
            assert time.monotonic() < deadline, "it did not come to that"
            await asyncio.sleep(0.02)
        return value

    async def recipients(self, queue_id):
        """The recipients of a message by the local part of their address."""
        _, found = await self.queue.show(queue_id)
        return {r.address.partition("@")[0]: r for r in found}

    async def finished(self, queue_id, *, attempts=1):
        """The recipients by local part, once each is done or has had that many attempts."""

        async def is_done():
            try:
                found = await self.recipients(queue_id)
            except StoreUnavailable:
                return None
            over = [
                r.state in ("delivered", "failed") or (r.attempts >= attempts and not r.lease_owner)
                for r in found.values()
            ]
            return found if all(over) else None

        return await self.until(is_done)

    async def gone(self, queue_id):
        """Whether a message is in the queue no more."""
        try:
            await self.queue.show(queue_id)
        except NotFound:
            return True
        return False

    async def inbox(self, account):
        """What lies in an account's INBOX, as bytes."""
        mailbox = await self.store.mailboxes.find(account.id, "INBOX")
        places = await self.store.emails.places(account.id, mailbox.id)
        ids = [place.email_id for place in places]
        bodies = await self.store.emails.bodies(account.id, ids)
        return [await self._blobs.get(bodies[email_id]) for email_id in ids]

    async def mail(self, account, count=1):
        """The messages of an INBOX, once it has so many."""

        async def has_enough():
            found = await self.inbox(account)
            return found if len(found) >= count else None

        return await self.until(has_enough)


@pytest_asyncio.fixture
async def world(deployment):
    """The deployment, seen from outside."""
    store = await Store.open(DatabaseSettings(url=deployment.database_url))
    blobs = BlobStore.open(BlobSettings(url=f"file://{deployment.folder / 'blobs'}"))
    bus = await Bus.open(NatsSettings(url=deployment.nats_url))
    await bus.wait_connected(10)
    deliverer = Deliverer(store, blobs, bus, Settings())
    yield World(deployment, store, blobs, deliverer)
    await deliverer.close()
    await bus.close()
    await blobs.close()
    await store.close()


@pytest.fixture(scope="module")
def start_worker(deployment):
    """Start the service on this module's deployment."""
    zone = World.zone(deployment)
    if not zone.exists():
        zone.write_text('{"ports": {}}')

    def start(**settings):
        quick = {
            "DNS__FIXED_FILE": str(zone),
            "SMTP_OUT__POLL_SECONDS": "0.2",
            "SMTP_OUT__RETRY_STEPS_SECONDS": "[1]",
            "SMTP_OUT__DESTINATION_REST_SECONDS": "0",
            "SMTP_OUT__CONNECT_TIMEOUT_SECONDS": "5",
            "SMTP_OUT__COMMAND_TIMEOUT_SECONDS": "20",
        }
        return deployment.start("smtp-out", **(quick | settings))

    return start
