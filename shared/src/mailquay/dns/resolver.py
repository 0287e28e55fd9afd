"""DNS answers with their errors told apart: no such name, no such record, try again."""

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from mailquay.dns.errors import DnsError, DnsTemporaryError, NoData, NxDomain
from mailquay.runtime.settings import DnsSettings

__all__ = [
    "Answer",
    "DnsError",
    "DnsTemporaryError",
    "FixedResolver",
    "MxRecord",
    "NoData",
    "NxDomain",
    "Resolver",
    "open_resolver",
]

T = TypeVar("T")
CACHE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class MxRecord:
    """An MX record; ``exchange`` is ``""`` or ``.`` for a null MX (RFC 7505)."""

    preference: int
    exchange: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """Records, and whether the resolver says that DNSSEC has proved them."""

    records: tuple[T, ...]
    secure: bool = False


class Resolver(Protocol):
    """What the services ask of DNS."""

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """MX records.

        Raises:
            NxDomain, NoData, DnsTemporaryError
        """

    async def addresses(self, name: str) -> Answer[str]:
        """AAAA and A records, IPv6 first.

        Raises:
            NxDomain, NoData, DnsTemporaryError
        """

    def port_for(self, address: str, port: int) -> int:
        """The port to use at an address: as it was asked, but in tests."""


class DnsResolver:
    """Asks the configured servers, or the system's; answers are cached for their TTL."""

    def __init__(self, settings: DnsSettings) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not settings.servers)
        if settings.servers:
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(*endpoint) for endpoint in settings.endpoints
            ]
        self._resolver.lifetime = settings.timeout_seconds
        self._resolver.cache = dns.resolver.LRUCache(CACHE_MAX)
        self._resolver.use_edns(0, dns.flags.DO, 1232)

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer:
        try:
            qname = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError) as error:
            # A label too long, or empty: no later day will know it.
            raise NxDomain(f"{name!r} is no domain name: {error}") from error
        try:
            return await self._resolver.resolve(qname, kind, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise NxDomain(f"{name} does not exist") from error
        except dns.resolver.NoAnswer as error:
            raise NoData(f"{name} has no {kind} record") from error
        except (dns.exception.DNSException, OSError) as error:
            raise DnsTemporaryError(f"{name}: {error}") from error

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """MX records."""
        answer = await self._ask(domain, "MX")
        records = tuple(MxRecord(r.preference, r.exchange.to_text(True)) for r in answer)
        return Answer(records, _is_secure(answer))

    async def addresses(self, name: str) -> Answer[str]:
        """AAAA and A records; one family is enough."""
        found: list[str] = []
        trouble: DnsError | None = None
        secure = True
        for kind in ("AAAA", "A"):
            try:
                answer = await self._ask(name, kind)
            except DnsTemporaryError as error:
                trouble = error
            except NoData as error:
                trouble = trouble or error
            else:
                found += [record.address for record in answer]
                secure = secure and _is_secure(answer)
        if not found:
            raise trouble or NoData(name)
        return Answer(tuple(found), secure)

    def port_for(self, address: str, port: int) -> int:
        """As it was asked."""
        return port


def _is_secure(answer: dns.resolver.Answer) -> bool:
    return bool(answer.response.flags & dns.flags.AD)


class FixedResolver:
    """Answers from a JSON file, read anew for each question.

    ``{"example.net": {"MX": [[10, "mx.example.net"]]}, "mx.example.net": {"A": ["127.0.0.1"]},
    "ports": {"127.0.0.1": 2525}}``; a value ``"SERVFAIL"`` fails for now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def _records(self, name: str, kinds: tuple[str, ...]) -> list[Any]:
        try:
            zone = json.loads(self._path.read_text())
        except (OSError, ValueError) as error:
            raise DnsTemporaryError(str(error)) from error
        entry = zone.get(name.lower().removesuffix("."))
        if entry == "SERVFAIL":
            raise DnsTemporaryError(f"{name}: SERVFAIL")
        if entry is None:
            raise NxDomain(f"{name} does not exist")
        records = [record for kind in kinds for record in entry.get(kind, [])]
        if not records:
            raise NoData(f"{name} has no {'/'.join(kinds)} record")
        return records

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """MX records."""
        return Answer(tuple(MxRecord(int(p), str(x)) for p, x in self._records(domain, ("MX",))))

    async def addresses(self, name: str) -> Answer[str]:
        """AAAA and A records."""
        found = self._records(name, ("AAAA", "A"))
        return Answer(tuple(str(ipaddress.ip_address(address)) for address in found))

    def port_for(self, address: str, port: int) -> int:
        """The port that the file gives for the address."""
        try:
            ports = json.loads(self._path.read_text()).get("ports", {})
        except (OSError, ValueError):
            return port
        return int(ports.get(address, port))


def open_resolver(settings: DnsSettings) -> Resolver:
    """The resolver that the settings ask for."""
    if settings.fixed_file is not None:
        return FixedResolver(settings.fixed_file)
    try:
        return DnsResolver(settings)
    except dns.resolver.NoResolverConfiguration:
        # A machine without /etc/resolv.conf: every question fails for now, and says so.
        return DnsResolver(settings.model_copy(update={"servers": ("127.0.0.1",)}))
