"""DNS: mail for our domains finds us, and others find our name."""

import asyncio
import socket
from typing import Final

from mailquay.cli.doctor.findings import Finding, ok, warning, wrong
from mailquay.cli.target import Target
from mailquay.dns import Resolver, open_resolver
from mailquay.dns.resolver import DnsError, DnsTemporaryError
from mailquay.store import StoreUnavailable

__all__ = ["check_names"]

_AREA: Final = "DNS"
#: RFC 2606 §2, RFC 6761: these never have records.
_RESERVED: Final = ("test", "example", "invalid", "localhost")
_AT_ONCE: Final = 20


async def check_names(target: Target) -> list[Finding]:
    """The host name has addresses, and each local domain's MX is one of ours."""
    resolver = open_resolver(target.settings.dns)
    hostname = target.settings.hostname
    own = await _check_hostname(resolver, hostname)
    try:
        domains = await (await target.store()).accounts.list_domains()
    except StoreUnavailable:  # told by its own check
        return own
    gate = asyncio.Semaphore(_AT_ONCE)

    async def check(domain: str) -> Finding:
        async with gate:
            return await _check_domain(resolver, domain, hostname)

    return [*own, *await asyncio.gather(*(check(domain.name) for domain in domains))]


def _is_reserved(name: str) -> bool:
    return name.rpartition(".")[2] in _RESERVED


async def _check_hostname(resolver: Resolver, hostname: str) -> list[Finding]:
    if _is_reserved(hostname):
        return [ok(_AREA, f"{hostname} is a name for tests, which DNS does not have")]
    if "." not in hostname:
        told = f"{hostname} is no full name; other servers will not like it in EHLO"
        return [warning(_AREA, told, "set MAILQUAY_HOSTNAME, such as mail.example.com")]
    try:
        addresses = (await resolver.addresses(hostname)).records
    except DnsTemporaryError as error:
        return [_no_resolver(error)]
    except DnsError as error:
        remedy = f"give {hostname} an A or AAAA record, or set MAILQUAY_HOSTNAME"
        return [wrong(_AREA, str(error), remedy)]
    found = [ok(_AREA, f"{hostname} is at {', '.join(addresses)}")]
    for address in addresses:
        # Many servers take no mail from an address whose name does not lead back to it.
        name = await asyncio.to_thread(_reverse, address)
        if name != hostname:
            told = f"{address} leads back to {name or 'no name'}, not to {hostname}"
            found.append(warning(_AREA, told, "set the PTR record at the network's provider"))
    return found


def _reverse(address: str) -> str | None:
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError:
        return None


def _no_resolver(error: DnsError) -> Finding:
    remedy = "set MAILQUAY_DNS__SERVERS; until then nothing leaves by MX"
    return warning(_AREA, f"no resolver answers: {error}", remedy)


async def _check_domain(resolver: Resolver, domain: str, hostname: str) -> Finding:
    if _is_reserved(domain):
        return ok(_AREA, f"{domain} is a domain for tests, which DNS does not have")
    remedy = f"publish: {domain}. MX 10 {hostname}."
    try:
        exchanges = [record.exchange.lower() for record in (await resolver.mx(domain)).records]
    except DnsTemporaryError as error:
        return _no_resolver(error)
    except DnsError as error:
        return wrong(_AREA, str(error), remedy)
    if hostname.lower() in exchanges:
        return ok(_AREA, f"{domain} has {hostname} as its MX")
    told = f"{domain} has {', '.join(exchanges)} as its MX, not {hostname}"
    return warning(_AREA, told, f"if no front server is meant, {remedy}")
