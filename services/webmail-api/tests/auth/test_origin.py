"""Where a browser says that a request was made (RFC 6454)."""

import pytest
from starlette.datastructures import Headers

from mailquay_webmail_api.auth.origin import is_from_elsewhere

PUBLIC = "https://mail.example.org"


@pytest.mark.parametrize(
    ("headers", "is_elsewhere"),
    [
        ({"host": "a.example"}, False),
        ({"host": "a.example", "origin": "https://a.example"}, False),
        ({"host": "A.example:8080", "origin": "http://a.example:8080"}, False),
        ({"host": "inner:8080", "origin": PUBLIC}, False),
        ({"host": "a.example", "origin": "https://b.example"}, True),
        ({"host": "a.example", "origin": "https://a.example:444"}, True),
        ({"host": "a.example", "origin": "https://a.example.evil.example"}, True),
        ({"host": "a.example", "origin": "null"}, True),
        ({"origin": ""}, True),
        ({"host": "a.example", "sec-fetch-site": "same-origin"}, False),
        ({"host": "a.example", "sec-fetch-site": "same-site"}, True),
        ({"host": "a.example", "sec-fetch-site": "cross-site"}, True),
        ({"host": "a.example", "sec-fetch-site": "none"}, True),
    ],
)
def test_who_asks(headers, is_elsewhere):
    assert is_from_elsewhere(Headers(headers), PUBLIC) is is_elsewhere
