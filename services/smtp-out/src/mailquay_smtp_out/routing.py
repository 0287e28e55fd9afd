"""Where mail for a domain goes: MX, implicit MX, null MX, smarthost (RFC 5321 §5, RFC 7505)."""

import ipaddress
from dataclasses import dataclass
from random import Random
from typing import Final

from mailquay.dns.resolver import DnsTemporaryError, MxRecord, NoData, NxDomain, Resolver
from mailquay_smtp_out.protocol.replies import Reply, local_reply

__all__ = ["Host", "NoRoute", "route"]

#: Hosts tried in one attempt; a domain with more cannot make an attempt last for hours.
HOSTS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Host:
    """A host to try: its name, for TLS and logs, and one address of it."""

    name: str
    address: str
    port: int


class NoRoute(Exception):
    """There is no host to hand the mail to; ``reply`` says whether for now or for ever."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply: Final = reply


async def route(
    domain: str,
    resolver: Resolver,
    *,
    port: int,
    smarthost: tuple[str, int] | None,
    own_names: frozenset[str],
    random: Random,
) -> list[Host]:
    """List the hosts for ``domain`` in the order in which to try them.

    Equal preferences are shuffled (RFC 5321 §5.1), a host's addresses keep the resolver's order,
    IPv6 first. Hosts that are not nearer to the domain than we are, by ``own_names``, are left out.

    Raises:
        NoRoute: permanently (no such domain, null MX, nothing with an address) or for now.
    """
    if smarthost is not None:
        return await _addresses([smarthost[0]], resolver, smarthost[1], for_domain=domain)
    if literal := _address_literal(domain):
        return [Host(domain, literal, port)]
    names = await _exchangers(domain, resolver, own_names, random)
    return await _addresses(names, resolver, port, for_domain=domain)


async def _exchangers(
    domain: str, resolver: Resolver, own_names: frozenset[str], random: Random
) -> list[str]:
    records = await _mx(domain, resolver)
    own = [r.preference for r in records if r.exchange.rstrip(".").lower() in own_names]
    if own:
        # RFC 5321 §5.1: what is no nearer than ourselves would hand it back to us.
        records = [record for record in records if record.preference < min(own)]
        if not records:
            raise NoRoute(local_reply(554, "5.4.6", f"mail for {domain} loops back to this host"))
    random.shuffle(records)
    records.sort(key=lambda record: record.preference)
    return [record.exchange.rstrip(".") for record in records]


async def _mx(domain: str, resolver: Resolver) -> list[MxRecord]:
    """The MX records that name a host; the domain itself where it has none."""
    implicit = [MxRecord(0, domain)]  # RFC 5321 §5.1
    try:
        answer = await resolver.mx(domain)
    except NxDomain:
        raise NoRoute(local_reply(550, "5.1.2", f"the domain {domain} does not exist")) from None
    except NoData:
        return implicit
    except DnsTemporaryError as error:
        raise NoRoute(local_reply(451, "4.4.3", f"DNS for {domain} failed: {error}")) from error
    if not answer.records:
        return implicit
    records = [record for record in answer.records if record.exchange not in ("", ".")]
    if not records:
        # RFC 7505 §4.2
        raise NoRoute(local_reply(556, "5.1.10", f"the domain {domain} takes no mail (null MX)"))
    return records


async def _addresses(
    names: list[str], resolver: Resolver, port: int, *, for_domain: str
) -> list[Host]:
    hosts: list[Host] = []
    trouble: DnsTemporaryError | None = None
    for name in names:
        try:
            if literal := _plain_address(name):
                hosts.append(Host(name, literal, port))
                continue
            found = await resolver.addresses(name)
        except (NxDomain, NoData):
            continue
        except DnsTemporaryError as error:
            trouble = error
            continue
        hosts += [
            Host(name, address, resolver.port_for(address, port)) for address in found.records
        ]
        if len(hosts) >= HOSTS_MAX:
            break
    if hosts:
        return hosts[:HOSTS_MAX]
    if trouble is not None:
        raise NoRoute(local_reply(451, "4.4.3", f"DNS for {for_domain} failed: {trouble}"))
    raise NoRoute(local_reply(550, "5.4.4", f"no mail host of {for_domain} has an address"))


def _plain_address(name: str) -> str | None:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return None


def _address_literal(domain: str) -> str | None:
    """The address of ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 §4.1.3)."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    inner = domain[1:-1]
    if inner[:5].lower() == "ipv6:":
        inner = inner[5:]
    address = _plain_address(inner)
    if address is None:
        raise NoRoute(local_reply(550, "5.1.2", f"{domain} is no address"))
    return address
