"""What DNS answers, and how its silences are told apart (RFC 2308 §2, RFC 5321 §5.1, RFC 7505 §3)."""

import asyncio
import time

import dns.rcode
import dns.rrset
import pytest

from mailquay.dns import open_resolver
from mailquay.dns.errors import DnsTemporaryError, NoData, NxDomain
from mailquay.dns.resolver import MxRecord
from mailquay.runtime.settings import DnsSettings
from mailquay.testing.ports import free_port


async def test_mx_records_are_told_with_their_preference(zone, resolver):
    zone.records("example.test", "MX", "20 b.example.test.", "10 a.example.test.")
    answer = await resolver.mx("example.test")
    expected = {MxRecord(20, "b.example.test"), MxRecord(10, "a.example.test")}
    assert set(answer.records) == expected
    assert not answer.secure
    assert resolver.port_for("192.0.2.1", 25) == 25


async def test_a_null_mx_has_no_exchange(zone, resolver):
    zone.records("example.test", "MX", "0 .")
    (record,) = (await resolver.mx("example.test")).records
    assert record.exchange in ("", ".")


async def test_what_dnssec_has_proved_is_said_to_be(zone, resolver):
    zone.records("example.test", "MX", "10 mx.test.", secure=True)
    zone.records("mx.test", "A", "192.0.2.1", secure=True)
    zone.records("mx.test", "AAAA", "2001:db8::1")
    assert (await resolver.mx("example.test")).secure
    # Of two families one without proof is enough to have none.
    assert not (await resolver.addresses("mx.test")).secure


async def test_addresses_of_both_families_with_the_newer_first(zone, resolver):
    zone.records("mx.test", "A", "192.0.2.1", "192.0.2.2")
    zone.records("mx.test", "AAAA", "2001:db8::1")
    records = (await resolver.addresses("mx.test")).records
    assert records[0] == "2001:db8::1"
    assert set(records[1:]) == {"192.0.2.1", "192.0.2.2"}


@pytest.mark.parametrize(
    ("there", "missing", "text"), [("A", "AAAA", "192.0.2.1"), ("AAAA", "A", "2001:db8::1")]
)
@pytest.mark.parametrize("code", [None, dns.rcode.SERVFAIL])
async def test_one_family_is_enough(zone, resolver, there, missing, text, code):
    zone.records("mx.test", there, text)
    if code is None:
        zone.records("mx.test", missing)
    else:
        zone.code("mx.test", missing, code)
    assert (await resolver.addresses("mx.test")).records == (text,)


async def test_a_name_that_is_not_there(zone, resolver):
    zone.code("gone.test", "MX", dns.rcode.NXDOMAIN)
    with pytest.raises(NxDomain):
        await resolver.mx("gone.test")
    with pytest.raises(NxDomain):
        await resolver.addresses("gone.test")
    # One NXDOMAIN is of all types (RFC 8020 §2).
    assert zone.kinds("gone.test") == ["MX"]


@pytest.mark.parametrize(
    "name", ["a..test", "x" * 64 + ".test", "a." * 127 + "test", "\udcff.test"]
)
async def test_a_name_that_cannot_be_is_not_there(zone, resolver, name):
    with pytest.raises(NxDomain, match="no domain name"):
        await resolver.mx(name)
    assert zone.asked == []


async def test_a_name_without_such_a_record(zone, resolver):
    for kind in ("MX", "A", "AAAA"):
        zone.records("bare.test", kind)
    with pytest.raises(NoData):
        await resolver.mx("bare.test")
    with pytest.raises(NoData):
        await resolver.addresses("bare.test")


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR])
async def test_a_server_that_cannot_say(zone, resolver, code):
    zone.code("broken.test", "MX", code)
    with pytest.raises(DnsTemporaryError):
        await resolver.mx("broken.test")


async def test_no_address_now_is_not_no_address(zone, resolver):
    """Else mail would be returned for a name server that is down."""
    zone.records("mx.test", "AAAA")
    zone.code("mx.test", "A", dns.rcode.SERVFAIL)
    with pytest.raises(DnsTemporaryError):
        await resolver.addresses("mx.test")


async def test_a_server_that_says_nothing_is_given_up_in_time(zone):
    zone.answers["silent.test", "MX"] = lambda _: None
    resolver = open_resolver(DnsSettings(servers=(f"127.0.0.1:{zone.port}",), timeout_seconds=0.3))
    with pytest.raises(DnsTemporaryError):
        await asyncio.wait_for(resolver.mx("silent.test"), 30)


async def test_a_server_that_is_not_there():
    settings = DnsSettings(servers=(f"127.0.0.1:{free_port()}",), timeout_seconds=0.5)
    with pytest.raises(DnsTemporaryError):
        await open_resolver(settings).mx("example.test")


async def test_the_next_server_is_asked_when_one_fails(zone):
    zone.records("example.test", "MX", "10 mx.test.")
    servers = (f"127.0.0.1:{free_port()}", f"127.0.0.1:{zone.port}")
    resolver = open_resolver(DnsSettings(servers=servers, timeout_seconds=10))
    assert len((await resolver.mx("example.test")).records) == 1


async def test_an_answer_that_is_cut_is_asked_for_by_tcp(zone, resolver):
    texts = [f"10 mx{number:04d}.example.test." for number in range(200)]
    zone.records("large.test", "MX", *texts)
    assert len((await resolver.mx("large.test")).records) == 200
    assert [transport for transport, _, _ in zone.asked] == ["udp", "tcp"]


async def test_an_alias_is_followed(zone, resolver):
    def answer(response):
        for name, kind, text in (
            ("alias.test.", "CNAME", "real.test."),
            ("real.test.", "A", "192.0.2.1"),
        ):
            response.answer.append(dns.rrset.from_text(name, 300, "IN", kind, text))
        return response

    zone.answers["alias.test", "A"] = answer
    zone.records("alias.test", "AAAA")
    assert (await resolver.addresses("alias.test")).records == ("192.0.2.1",)


async def test_an_alias_of_itself_is_no_answer(zone, resolver):
    zone.records("loop.test", "CNAME", "loop.test.")
    zone.answers["loop.test", "MX"] = zone.answers["loop.test", "CNAME"]
    with pytest.raises(DnsTemporaryError):
        await resolver.mx("loop.test")


async def test_answers_are_believed_for_as_long_as_they_say(zone, resolver):
    zone.records("long.test", "MX", "10 mx.test.", ttl=300)
    zone.records("brief.test", "MX", "10 mx.test.", ttl=1)
    for _ in range(3):
        await resolver.mx("long.test")
    assert zone.kinds("long.test") == ["MX"]
    deadline = time.monotonic() + 30
    while len(zone.kinds("brief.test")) < 2:
        assert time.monotonic() < deadline, "it was never asked for again"
        await resolver.mx("brief.test")
        await asyncio.sleep(0.05)


async def test_that_there_is_nothing_is_believed_too(zone, resolver):
    zone.records("bare.test", "MX")
    for _ in range(3):
        with pytest.raises(NoData):
            await resolver.mx("bare.test")
    assert zone.kinds("bare.test") == ["MX"]


async def test_a_failure_is_not_remembered(zone, resolver):
    zone.code("example.test", "MX", dns.rcode.SERVFAIL)
    with pytest.raises(DnsTemporaryError):
        await resolver.mx("example.test")
    zone.records("example.test", "MX", "10 mx.test.")
    assert len((await resolver.mx("example.test")).records) == 1


async def test_many_may_ask_at_once(zone, resolver):
    for number in range(50):
        zone.records(f"d{number}.test", "MX", f"10 mx{number}.test.")
    answers = await asyncio.gather(*(resolver.mx(f"d{number}.test") for number in range(50)))
    assert [a.records[0].exchange for a in answers] == [f"mx{n}.test" for n in range(50)]
