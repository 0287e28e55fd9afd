"""Who is counted as one client, and how many connections it may have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.net.limits import ConnectionCounter
from mailquay.net.peer import Peer, client_network
from mailquay.runtime.settings import NetSettings

NETWORKS = [
    ("192.0.2.1", "192.0.2.1"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ("fe80::1%eth0", "fe80::/64"),
    ("::1", "::/64"),
    ("unknown", "unknown"),
    ("not:an:address", "not:an:address"),
]


@pytest.mark.parametrize(("address", "network"), NETWORKS)
def test_an_ipv6_client_is_its_network(address, network):
    assert client_network(address) == network


@given(st.text(max_size=40))
def test_any_text_has_a_network(text):
    assert client_network(client_network(text)) == client_network(text)


def test_ipv4_through_an_ipv6_socket_is_ipv4():
    assert Peer.at("::ffff:192.0.2.1", 7) == Peer("192.0.2.1", 7)
    assert Peer.at("fe80::1%eth0", 7) == Peer("fe80::1", 7)
    assert Peer.at("2001:DB8::1", 7).network == "2001:db8::/64"


def counter(**limits) -> ConnectionCounter:
    return ConnectionCounter(NetSettings.model_validate(limits))


def test_connections_of_one_client_are_limited():
    count = counter(max_connections_per_address=2)
    first = count.take(Peer("192.0.2.1", 1), "imap")
    assert first is not None
    assert count.take(Peer("192.0.2.1", 2), "imap") is not None
    assert count.take(Peer("192.0.2.1", 3), "imap") is None
    assert count.take(Peer("192.0.2.2", 4), "imap") is not None
    first.release()
    first.release()
    assert count.total == 2
    assert count.take(Peer("192.0.2.1", 5), "imap") is not None
    assert count.take(Peer("192.0.2.1", 6), "imap") is None


def test_addresses_of_one_ipv6_network_are_counted_together():
    count = counter(max_connections_per_address=1)
    assert count.take(Peer("2001:db8::1", 1), "imap") is not None
    assert count.take(Peer("2001:db8::2", 2), "imap") is None
    assert count.take(Peer("2001:db8:0:1::1", 3), "imap") is not None


def test_connections_of_a_process_are_limited():
    count = counter(max_connections=2)
    slots = [count.take(Peer(f"192.0.2.{n}", n), "imap") for n in range(3)]
    assert [slot is None for slot in slots] == [False, False, True]
    slots[0].release()
    assert count.take(Peer("192.0.2.9", 9), "imap") is not None
