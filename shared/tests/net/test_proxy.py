"""PROXY protocol headers: known ones, every prefix of them, and anything else."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.net.proxy import HEADER_MAX, NeedMore, ProxyError, ProxyHeader, parse_proxy

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def v2(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(rest)) + rest


TCP4 = (
    socket.inet_aton("192.0.2.1") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 40000, 25)
)
TCP6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::2")
    + struct.pack("!HH", 40001, 993)
)
TLV = b"\x04\x00\x03abc"

KNOWN = [
    (b"PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n", ("192.0.2.1", 40000)),
    (b"PROXY TCP6 2001:DB8:0::1 2001:db8::2 40001 993\r\n", ("2001:db8::1", 40001)),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", ("255.255.255.255", 65535)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
    (v2(1, 0x11, TCP4), ("192.0.2.1", 40000)),
    (v2(1, 0x21, TCP6), ("2001:db8::1", 40001)),
    (v2(1, 0x11, TCP4 + TLV), ("192.0.2.1", 40000)),
    (v2(1, 0x21, TCP6 + TLV * 20), ("2001:db8::1", 40001)),
    (v2(0, 0x00, b""), None),
    (v2(0, 0x11, TCP4), None),
    (v2(1, 0x00, b""), None),
    (v2(1, 0x31, bytes(216)), None),
]


@pytest.mark.parametrize(("wire", "source"), KNOWN)
def test_known_headers_are_read_to_their_end(wire, source):
    assert parse_proxy(wire) == ProxyHeader(len(wire), source)
    assert parse_proxy(wire + b"EHLO x\r\n") == ProxyHeader(len(wire), source)


@pytest.mark.parametrize("wire", [wire for wire, _ in KNOWN])
def test_every_prefix_needs_more(wire):
    for length in range(len(wire)):
        assert parse_proxy(wire[:length]) == NeedMore()


REFUSED = [
    b"EHLO example.net\r\n",
    b"PROXZ",
    b"PROXY\tTCP4 192.0.2.1 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.1 40000\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n",
    b"PROXY TCP4 192.0.2.1 nowhere 1 2\r\n",
    b"PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
    b"PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
    b"PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n",
    b"PROXY UNKNOWNX\r\n",
    b"PROXY UNKNOWN " + b"x" * 200 + b"\r\n",
    b"PROXY " + b"x" * 101,
    b"\r\n\r\n\x00\r\nQUIX",
    SIGNATURE + struct.pack("!BBH", 0x11, 0x11, 12) + TCP4,
    SIGNATURE + struct.pack("!BBH", 0x22, 0x11, 12) + TCP4,
    v2(1, 0x12, TCP4),
    v2(1, 0x41, TCP4),
    v2(1, 0x11, TCP4[:11]),
    v2(1, 0x21, TCP6[:35]),
    SIGNATURE + struct.pack("!BBH", 0x21, 0x11, HEADER_MAX),
]


@pytest.mark.parametrize("wire", REFUSED)
def test_what_is_no_header_is_refused(wire):
    with pytest.raises(ProxyError):
        parse_proxy(wire)


def begun(rest: bytes) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=200).map(lambda tail: rest + tail)


@given(
    st.one_of(st.binary(max_size=300), begun(SIGNATURE), begun(b"PROXY "), begun(b"PROXY TCP4 "))
)
def test_any_bytes_give_a_header_or_the_typed_error(data):
    try:
        found = parse_proxy(data)
    except ProxyError:
        return
    if isinstance(found, NeedMore):
        assert len(data) < HEADER_MAX
    else:
        assert found.length <= len(data)
        assert parse_proxy(data[: found.length]) == found


@given(
    source=st.ip_addresses(),
    port=st.integers(0, 65535),
    cut=st.integers(0, 40),
    tail=st.binary(max_size=40),
)
def test_any_address_comes_through_both_versions(source, port, cut, tail):
    version = source.version
    text = f"PROXY TCP{version} {source} {source} {port} 25\r\n".encode()
    packed = source.packed * 2 + struct.pack("!HH", port, 25)
    binary = v2(1, 0x11 if version == 4 else 0x21, packed)
    for wire in (text, binary):
        assert parse_proxy(wire + tail) == ProxyHeader(len(wire), (str(source), port))
        assert parse_proxy(wire[:cut][: len(wire) - 1]) == NeedMore()
