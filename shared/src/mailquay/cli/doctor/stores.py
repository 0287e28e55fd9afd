"""Postgres, NATS and object storage: each is really used."""

import asyncio
import secrets
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mailquay.blobs import BlobError
from mailquay.cli.doctor.findings import Finding, ok, warning, wrong
from mailquay.cli.output import size
from mailquay.cli.target import Target
from mailquay.events import Bus
from mailquay.store import SchemaAhead, StoreUnavailable
from mailquay.store.schema import THIS_RELEASE
from mailquay.store.server import ServerFacts, server_facts

__all__ = ["check_bodies", "check_bus", "check_database", "check_disk"]

_OLDEST_POSTGRES: Final = 150000
_SKEW_SECONDS: Final = 5
#: A commit waits for one round trip at least.
_FAR_SECONDS: Final = 0.010
_BUS_SECONDS: Final = 5
_FREE_MINIMUM_BYTES: Final = 1024**3
_FREE_WARNING_SHARE: Final = 0.10


async def check_database(target: Target) -> list[Finding]:
    """It lets us in, its schema fits, and it keeps what it has committed."""
    try:
        facts = await server_facts(target.settings.database)
    except StoreUnavailable as error:
        remedy = "start Postgres, or correct MAILQUAY_DATABASE__URL"
        if target.data is not None:
            remedy = f"start `mailquay standalone --data {target.data}`"
        return [wrong("database", str(error), remedy)]
    return [
        ok("database", f"Postgres {facts.version}, {size(facts.database_bytes)}"),
        await _check_schema(target),
        *_check_server(facts),
        *_check_clock(facts),
    ]


async def _check_schema(target: Target) -> Finding:
    from mailquay.store import migrations  # noqa: PLC0415  # as in `mailquay.cli.db`

    state = await migrations.state(target.settings.database.url.get_secret_value())
    if (misfit := THIS_RELEASE.misfit(state)) is not None:
        is_ahead = isinstance(misfit, SchemaAhead)
        remedy = "run a newer release" if is_ahead else "run `mailquay db upgrade`"
        return wrong("schema", str(misfit), remedy)
    if pending := THIS_RELEASE.pending(state.revision):
        told = f"revision {state.revision}, {pending[-1].id} is to come"
        return warning(
            "schema", told, "run `mailquay db upgrade --phase contract` after the upgrade"
        )
    return ok("schema", f"revision {state.revision}, on which this release can run")


def _check_server(facts: ServerFacts) -> list[Finding]:
    found = []
    if facts.version_number < _OLDEST_POSTGRES:
        found.append(
            warning("database", f"Postgres {facts.version} is old", "upgrade it to 15 or newer")
        )
    if facts.is_in_recovery:
        found.append(
            wrong(
                "database",
                "this server is a replica, which takes no writes",
                "give the primary's address in MAILQUAY_DATABASE__URL",
            )
        )
    if facts.unsafe:
        names = ", ".join(facts.unsafe)
        found.append(
            wrong(
                "database",
                f"{names} off: acknowledged mail may be lost when the server dies",
                f"set {names} to on in postgresql.conf",
            )
        )
    if facts.connections > 0.8 * facts.max_connections:
        found.append(
            warning(
                "database",
                f"{facts.connections} of {facts.max_connections} connections are in use",
                "raise max_connections, or lower MAILQUAY_DATABASE__POOL_MAX",
            )
        )
    if facts.round_trip_seconds > _FAR_SECONDS:
        found.append(
            warning(
                "database",
                f"a round trip takes {facts.round_trip_seconds * 1000:.0f} ms",
                "run Mailquay in the database's own network zone",
            )
        )
    return found


def _check_clock(facts: ServerFacts) -> list[Finding]:
    skew = abs((datetime.now(UTC) - facts.now).total_seconds())
    if skew <= _SKEW_SECONDS:
        return [ok("clock", "the database's and ours agree")]
    told = f"the database's clock and ours differ by {skew:.0f} s"
    return [warning("clock", told, "run an NTP client on both machines")]


async def check_bus(target: Target) -> list[Finding]:
    """It takes a connection."""
    settings = target.settings.nats
    if settings.url is None:
        told = "not configured: an IDLE client learns of new mail by polling"
        return [warning("NATS", told, "set MAILQUAY_NATS__URL")]
    bus = await Bus.open(settings)
    try:
        if await bus.wait_connected(_BUS_SECONDS):
            return [ok("NATS", "connected")]
    finally:
        await bus.close()
    told = "does not answer, or refuses us; mail flows, and changes are seen by polling"
    return [wrong("NATS", told, "start it, or correct MAILQUAY_NATS__URL")]


async def check_bodies(target: Target) -> list[Finding]:
    """An object can be written, read and deleted."""
    area, scheme = "bodies", urlsplit(target.settings.blobs.url).scheme
    key, content = f"health/doctor-{secrets.token_hex(8)}", secrets.token_bytes(4096)
    begun = time.perf_counter()
    try:
        objects = (await target.blobs()).objects
        await objects.put(key, [content])
        try:
            read = await objects.get_range(key, 0, len(content))
        finally:
            await objects.delete(key)
    except BlobError as error:
        remedy = "correct MAILQUAY_BLOBS__URL and the credentials, and see that the bucket is there"
        if scheme == "file":
            remedy = "make the folder of MAILQUAY_BLOBS__URL writable for the services' user"
        return [wrong(area, str(error), remedy)]
    if read != content:
        told = "what was read is not what was written"
        return [wrong(area, told, "look at the storage's own logs; do not take mail on it")]
    milliseconds = (time.perf_counter() - begun) * 1000
    found = [ok(area, f"{scheme}: written, read and deleted in {milliseconds:.0f} ms")]
    if scheme == "memory":
        found.append(
            wrong(area, "memory:// forgets all mail at the end", "use file:// or a bucket")
        )
    return found


def _disk_usage(folder: Path) -> tuple[int, int]:
    """Bytes free and in all on the disk that the folder is on, or will be."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


async def check_disk(target: Target) -> list[Finding]:
    """There is room for more mail, where bodies lie on a local disk."""
    parts = urlsplit(target.settings.blobs.url)
    if parts.scheme != "file":
        return []
    free, total = await asyncio.to_thread(_disk_usage, Path(parts.path))
    told = f"{size(free)} of {size(total)} free for bodies"
    if free < _FREE_MINIMUM_BYTES:
        return [wrong("disk", told, "make room: without it mail is answered 452")]
    if free < _FREE_WARNING_SHARE * total:
        return [warning("disk", told, "make room soon")]
    return [ok("disk", told)]
