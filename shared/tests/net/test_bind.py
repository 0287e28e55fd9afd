"""Where a listener is reached from the same machine."""

import pytest

from mailquay.net.bind import reached_at


@pytest.mark.parametrize(
    ("bind", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "::1"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::7", "2001:db8::7"),
    ],
)
def test_listener_is_reached_where_it_listens_or_on_loopback(bind, host):
    assert reached_at(bind) == host


def test_name_is_no_address():
    with pytest.raises(ValueError, match="localhost"):
        reached_at("localhost")
