"""The resolver of tests: answers of a file, which may change while it is asked."""

import json

import pytest

from mailquay.dns import open_resolver
from mailquay.dns.errors import DnsTemporaryError, NoData, NxDomain
from mailquay.dns.resolver import MxRecord
from mailquay.runtime.settings import DnsSettings

ZONE = {
    "example.net": {"MX": [[10, "mx.example.net"]]},
    "mx.example.net": {"A": ["127.0.0.1"], "AAAA": ["::1"]},
    "bad.example": "SERVFAIL",
    "ports": {"127.0.0.1": 2525},
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "zone.json"
    path.write_text(json.dumps(ZONE))
    return path


@pytest.fixture
def resolver(path):
    return open_resolver(DnsSettings(fixed_file=path))


async def test_the_file_says_what_is_answered(path, resolver):
    assert (await resolver.mx("Example.NET.")).records == (MxRecord(10, "mx.example.net"),)
    assert (await resolver.addresses("mx.example.net")).records == ("::1", "127.0.0.1")
    assert (resolver.port_for("127.0.0.1", 25), resolver.port_for("::1", 25)) == (2525, 25)
    path.write_text(json.dumps({"new.example": {"A": ["192.0.2.1"]}}))
    assert (await resolver.addresses("new.example")).records == ("192.0.2.1",)


async def test_each_error_can_be_had(path, resolver):
    with pytest.raises(NxDomain):
        await resolver.mx("gone.example")
    with pytest.raises(NoData):
        await resolver.mx("mx.example.net")
    with pytest.raises(DnsTemporaryError):
        await resolver.mx("bad.example")
    path.unlink()
    with pytest.raises(DnsTemporaryError):
        await resolver.mx("example.net")
    assert resolver.port_for("127.0.0.1", 25) == 25
