"""Where mail for a domain goes (RFC 5321 §5, RFC 7505)."""

import json
from random import Random

import pytest

from mailquay.dns import open_resolver
from mailquay.runtime.settings import DnsSettings
from mailquay_smtp_out.routing import HOSTS_MAX, Host, NoRoute, route

ZONE = {
    "plain.example": {"MX": [[20, "b.example."], [10, "a.example"]]},
    "equal.example": {"MX": [[10, "a.example"], [10, "b.example"], [10, "c.example"]]},
    "both.example": {"MX": [[10, "dual.example"]]},
    "implicit.example": {"A": ["192.0.2.9"]},
    "null.example": {"MX": [[0, "."]]},
    "mixed-null.example": {"MX": [[0, "."], [10, "a.example"]]},
    "dangling.example": {"MX": [[10, "nowhere.example"]]},
    "half.example": {"MX": [[10, "nowhere.example"], [20, "a.example"]]},
    "broken.example": "SERVFAIL",
    "half-broken.example": {"MX": [[10, "broken.example"], [20, "a.example"]]},
    "all-broken.example": {"MX": [[10, "broken.example"]]},
    "backup.example": {"MX": [[5, "a.example"], [10, "US.example."], [10, "b.example"], [30, "c.example"]]},
    "us-only.example": {"MX": [[10, "us.example"], [20, "a.example"]]},
    "us.example": {"A": ["192.0.2.1"]},
    "literal.example": {"MX": [[10, "192.0.2.77"]]},
    "many.example": {"A": [f"192.0.2.{n}" for n in range(1, 100)]},
    "a.example": {"A": ["192.0.2.10"]},
    "b.example": {"A": ["192.0.2.11"]},
    "c.example": {"A": ["192.0.2.12"]},
    "dual.example": {"A": ["192.0.2.13"], "AAAA": ["2001:db8::13"]},
}  # fmt: skip


@pytest.fixture
def find(tmp_path):
    path = tmp_path / "zone.json"
    path.write_text(json.dumps(ZONE))
    resolver = open_resolver(DnsSettings(fixed_file=path))

    async def find(domain, *, smarthost=None, seed=1):
        own = frozenset({"us.example"})
        return await route(
            domain, resolver, port=25, smarthost=smarthost, own_names=own, random=Random(seed)
        )

    return find


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("plain.example", ["a.example", "b.example"]),
        ("implicit.example", ["implicit.example"]),
        ("mixed-null.example", ["a.example"]),
        ("half.example", ["a.example"]),
        ("half-broken.example", ["a.example"]),
        ("backup.example", ["a.example"]),
        ("literal.example", ["192.0.2.77"]),
        ("[192.0.2.5]", ["[192.0.2.5]"]),
        ("[IPv6:2001:db8::5]", ["[IPv6:2001:db8::5]"]),
    ],
)
async def test_hosts_by_preference(find, domain, names):
    assert [host.name for host in await find(domain)] == names


async def test_both_address_families_are_tried_the_newer_first(find):
    assert await find("both.example") == [
        Host("dual.example", "2001:db8::13", 25),
        Host("dual.example", "192.0.2.13", 25),
    ]


async def test_equals_share_the_load(find):
    firsts = {(await find("equal.example", seed=seed))[0].name for seed in range(30)}
    assert firsts == {"a.example", "b.example", "c.example"}


@pytest.mark.parametrize(
    ("domain", "code", "status"),
    [
        ("nowhere.example", 550, "5.1.2"),
        ("null.example", 556, "5.1.10"),
        ("dangling.example", 550, "5.4.4"),
        ("broken.example", 451, "4.4.3"),
        ("all-broken.example", 451, "4.4.3"),
        ("us-only.example", 554, "5.4.6"),
        ("us.example", 554, "5.4.6"),
        ("[192.0.2.999]", 550, "5.1.2"),
    ],
)
async def test_without_a_host_the_reply_says_for_how_long(find, domain, code, status):
    with pytest.raises(NoRoute) as error:
        await find(domain)
    assert (error.value.reply.code, error.value.reply.enhanced) == (code, status)
    assert error.value.reply.is_local


async def test_a_smarthost_stands_for_every_domain(find):
    assert await find("null.example", smarthost=("a.example", 587)) == [
        Host("a.example", "192.0.2.10", 587)
    ]
    assert await find("x.example", smarthost=("2001:db8::1", 587)) == [
        Host("2001:db8::1", "2001:db8::1", 587)
    ]


async def test_an_attempt_tries_so_many_hosts_at_most(find):
    assert len(await find("many.example")) == HOSTS_MAX
