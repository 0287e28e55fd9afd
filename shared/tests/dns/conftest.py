"""A DNS server on loopback, over UDP and TCP, that says what the test tells it to."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from mailquay.dns import Resolver, open_resolver
from mailquay.runtime.settings import DnsSettings

#: What becomes of a response before it is sent; None: nothing is.
Answer = Callable[[dns.message.QueryMessage], dns.message.QueryMessage | None]

SOA = "ns.test. hostmaster.test. 1 3600 600 86400 300"


@dataclass
class Zone:
    """Answers by name and type, and what was asked."""

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # transport, name, type
    port: int = 0

    def records(self, name: str, kind: str, *texts: str, ttl: int = 300, secure: bool = False):
        """These records; none: the name is there without any of that type (RFC 2308 §2.2)."""

        def answer(response: dns.message.QueryMessage) -> dns.message.QueryMessage:
            if texts:
                response.answer.append(dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *texts))
            else:
                response.authority.append(dns.rrset.from_text("test.", ttl, "IN", "SOA", SOA))
            if secure:
                response.flags |= dns.flags.AD
            return response

        self.answers[name, kind] = answer

    def code(self, name: str, kind: str, code: dns.rcode.Rcode):
        """That response code; of NXDOMAIN with its SOA."""

        def answer(response: dns.message.QueryMessage) -> dns.message.QueryMessage:
            response.set_rcode(code)
            if code == dns.rcode.NXDOMAIN:
                response.authority.append(dns.rrset.from_text("test.", 300, "IN", "SOA", SOA))
            return response

        self.answers[name, kind] = answer

    def respond(self, data: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), question.rdtype.name
        self.asked.append((transport, name, kind))
        response = dns.message.make_response(query, recursion_available=True)
        answer = self.answers.get((name, kind))
        if answer is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif (response := answer(response)) is None:
            return None
        try:
            return response.to_wire(max_size=1232 if transport == "udp" else 65535)
        except dns.exception.TooBig:
            response = dns.message.make_response(query, recursion_available=True)
            response.flags |= dns.flags.TC  # cut: it is to be asked for by TCP (RFC 7766 §5)
            return response.to_wire()

    def kinds(self, name: str) -> list[str]:
        """The types that were asked for of a name, in order."""
        return [kind for _, asked, kind in self.asked if asked == name]


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if (response := self.zone.respond(data, "udp")) is not None:
            self.transport.sendto(response, addr)


@pytest.fixture
async def zone():
    zone = Zone()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        response = zone.respond(await reader.readexactly(length), "tcp")
        writer.write(len(response).to_bytes(2, "big") + response)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    zone.port = server.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Udp(zone), ("127.0.0.1", zone.port)
    )
    yield zone
    transport.close()
    server.close()
    await server.wait_closed()


@pytest.fixture
def resolver(zone: Zone) -> Resolver:
    return open_resolver(DnsSettings(servers=(f"127.0.0.1:{zone.port}",), timeout_seconds=20))
