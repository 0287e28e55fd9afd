"""Addresses in their one form: IDN (RFC 5890), quoted local parts, case, what is no address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.identity.addresses import (
    AddressError,
    envelope_address,
    normalise_address,
    normalise_domain,
)

NORMAL = [
    ("alice@example.org", "alice@example.org"),
    ("Alice@EXAMPLE.Org", "alice@example.org"),
    ("  alice@example.org ", "alice@example.org"),
    ("alice@example.org.", "alice@example.org"),
    ("Jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
    ("ju\u0308rgen@example.org", "jürgen@example.org"),
    ("alice@BÜCHER。example", "alice@xn--bcher-kva.example"),
    ("ΑΛΦΑ@example.org", "αλφα@example.org"),
    ('"alice"@example.org', "alice@example.org"),
    ('"al\\ice"@example.org', "alice@example.org"),
    ('"a b"@example.org', '"a b"@example.org'),
    ('"a@b"@example.org', '"a@b"@example.org'),
    ('"a\\"b\\\\"@example.org', '"a\\"b\\\\"@example.org'),
    ('"a..b."@example.org', "a..b.@example.org"),
    ("a..b.@example.org", "a..b.@example.org"),
    ("first.last+tag@sub.example.org", "first.last+tag@sub.example.org"),
    ("bounce=alice=example.org-" + "x" * 80 + "@example.org",
     "bounce=alice=example.org-" + "x" * 80 + "@example.org"),
    ("alice@[192.0.2.1]", "alice@[192.0.2.1]"),
    ("alice@[ipv6:2001:DB8:0::1]", "alice@[IPv6:2001:db8::1]"),
    ("alice@_dmarc.example.org", "alice@_dmarc.example.org"),
]  # fmt: skip


@pytest.mark.parametrize(("given_text", "normal"), NORMAL)
def test_an_address_has_one_form(given_text, normal):
    assert normalise_address(given_text) == normal
    assert normalise_address(normal) == normal


NONE = [
    "",
    "alice",
    "@example.org",
    "alice@",
    "alice@.",
    "alice@.org",
    "alice@example..org",
    "alice@-example.org",
    "alice@example-.org",
    "alice@exa mple.org",
    "alice@example.org>",
    "alice@" + "a" * 64 + ".org",
    "alice@" + "a." * 130 + "org",
    "a" * 250 + "@example.org",
    "al ice@example.org",
    "al<ice@example.org",
    "a,b@example.org",
    "a@b@example.org",
    'a"b@example.org',
    '""@example.org',
    '"a"b"@example.org',
    '"abc\\"@example.org',
    '"a\nb"@example.org',
    '"a\x00b"@example.org',
    "a\x00b@example.org",
    "a\u2028b@example.org",
    "a\ud800b@example.org",
    "alice@[192.0.2.256]",
    "alice@[2001:db8::1]",
    "alice@[IPv6:192.0.2.1]",
    "alice@[IPv6:fe80::1%eth0]",
    "alice@[192.0.2.1> SIZE=1]",
    "alice@[x]",
    "alice@\u00ad",
    "alice@exa\u2024mple\ud800.org",
]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(AddressError):
        normalise_address(text)


def test_the_case_of_an_address_elsewhere_is_kept():
    assert envelope_address("John.Doe@EXAMPLE.net") == "John.Doe@example.net"
    assert envelope_address('"John Doe"@bücher.example') == '"John Doe"@xn--bcher-kva.example'


ADDRESSES = st.one_of(
    st.text(max_size=60),
    st.tuples(st.text(max_size=20), st.text(max_size=20)).map("@".join),
    st.tuples(st.text(max_size=20), st.sampled_from(["example.org", "[192.0.2.1]"])).map(
        lambda parts: f'"{parts[0]}"@{parts[1]}'
    ),
)


@given(ADDRESSES)
def test_any_text_is_an_address_or_refused(text):
    try:
        normal = normalise_address(text)
    except AddressError:
        return
    assert normalise_address(normal) == normal
    assert normalise_address(envelope_address(text)) == normal
    assert not set(normal) & set("\r\n\0")
    local, _, domain = normal.rpartition("@")
    assert domain.isascii()
    assert local.startswith('"') or not set(local) & set(' <>,"\\')


@given(st.one_of(st.text(max_size=80), st.text(max_size=20).map(lambda t: f"[{t}]")))
def test_any_text_is_a_domain_or_refused(text):
    try:
        domain = normalise_domain(text)
    except AddressError:
        return
    assert normalise_domain(domain) == domain
    assert normalise_domain(domain.upper()) == domain
