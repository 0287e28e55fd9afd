"""Address lists, as they should be and as they are (RFC 5322 §3.4, §4.4; RFC 6854; RFC 6532)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.addresses import Address, Group, flatten, format_address, parse_address_list


@pytest.mark.parametrize(
    ("text", "name", "addr_spec"),
    [
        ("jane@example.org", "", "jane@example.org"),
        ("Jane Doe <jane@example.org>", "Jane Doe", "jane@example.org"),
        ('"Doe, Jane" <jane@example.org>', "Doe, Jane", "jane@example.org"),
        ('"a \\"b\\"" <j@x>', 'a "b"', "j@x"),
        ("jane@example.org (Jane Doe)", "Jane Doe", "jane@example.org"),
        ("Jane (a (b) c) Doe <jane@x>", "Jane  Doe", "jane@x"),
        ("=?utf-8?q?J=C3=B6rg?= <j@x>", "Jörg", "j@x"),
        ('"=?utf-8?q?J=C3=B6rg?=" <j@x>', "Jörg", "j@x"),
        ("Jörg <jörg@bücher.example>", "Jörg", "jörg@bücher.example"),
        # RFC 5322 §4.4: routes, dots in names, space around dots.
        ("<@a.example,@b.example:jane@x>", "", "jane@x"),
        ("John Q. Public <j@x>", "John Q. Public", "j@x"),
        ("John Q. (x) Public <j@x>", "John Q.  Public", "j@x"),
        ("jane . doe @ example . org", "", "jane.doe@example.org"),
        ("jane (x) @x", "x", "jane@x"),
        ("Jane <jane . doe@x>", "Jane", "jane.doe@x"),
        ("jane@[192.0.2.1]", "", "jane@[192.0.2.1]"),
        ('"a b"@x', "", '"a b"@x'),
        ("Jane Doe jane@example.org", "Jane Doe", "jane@example.org"),
        ('Jane "a b" @ x', "Jane", '"a b"@x'),
        ("jane @ example.org", "", "jane@example.org"),
        ("<a b@x>", "", '"a b"@x'),
        ("Jane <jane>", "Jane", "jane"),
        ("Jane <jane@x", "Jane", "jane@x"),
        ('"Jane <jane@x>', "", '"Jane <jane@x>"'),
        ("a@b@c", "", "a@b@c"),
        ("a@b c", "", "a@b"),
    ],
)
def test_one_address_is_read(text, name, addr_spec):
    (address,) = parse_address_list(text)
    assert (address.name, address.addr_spec) == (name, addr_spec)
    assert parse_address_list(text.encode()) == (address,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("<>", []),
        ("a@x, b@y", ["a@x", "b@y"]),
        ("a@x,,b@y,", ["a@x", "b@y"]),
        ("a@x; b@y", ["a@x", "b@y"]),
        ("g: a@x, B <b@y>;, c@z", ["a@x", "b@y", "c@z"]),
        ("g:;", []),
        ("g: a@x", ["a@x"]),  # never closed
        ("a@x, (c, d) b@y", ["a@x", "b@y"]),
        ("a@x, (never closed, b@y", ["a@x"]),
    ],
)
def test_lists_are_read(text, expected):
    assert [address.addr_spec for address in flatten(parse_address_list(text))] == expected


def test_a_group_has_a_name_and_members():
    assert parse_address_list("=?utf-8?q?Gr=C3=BCn?=: a@x;, b@y") == (
        Group("=?utf-8?q?Gr=C3=BCn?=", (Address("", "a", "x"),)),
        Address("", "b", "y"),
    )
    (group, _) = parse_address_list("=?utf-8?q?Gr=C3=BCn?=: a@x;, b@y")
    assert group.name == "Grün"


LOCALS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
NAMES = st.lists(LOCALS, max_size=4).map(" ".join)


@given(
    name=NAMES, local=LOCALS, domain=st.sampled_from(["x.example", "[192.0.2.1]", "bücher.example"])
)
def test_what_is_written_is_read_again(name, local, domain):
    spec = Address("", local, domain).addr_spec
    (address,) = parse_address_list(format_address(name, spec))
    assert (address.local, address.domain, address.name) == (local, domain, name)


@given(st.text())
def test_any_text_gives_addresses_that_can_be_written(text):
    for address in flatten(parse_address_list(text)):
        assert isinstance(address.name, str)
        assert isinstance(address.addr_spec, str)
