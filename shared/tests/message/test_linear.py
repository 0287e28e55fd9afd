"""Work grows with the message and no faster, whatever is in it (RFC 5322 §2.1, RFC 2046 §5.1).

Steps of Python are counted on inputs that are doubled twice; what regular expressions do inside is
not, which `test_long_input` holds to account by the size of what it gives them.
"""

import sys
from collections.abc import Callable

import pytest

from mailquay.delivery.facts import read_facts

MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

SHAPES: dict[str, Callable[[int], bytes]] = {
    "lines like boundaries": lambda n: MIXED + b"\n--" * n,
    "nothing but boundaries": lambda n: MIXED + b"--b\n" * n,
    "parts without an end to their header": lambda n: MIXED + b"--b\r\nA: b\r\n" * n,
    "parts that are multiparts left open": lambda n: (
        MIXED
        + b"".join(
            b"--b\r\nContent-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n" % (i, i)
            for i in range(n)
        )
    ),
    "multiparts inside of one another": lambda n: b"".join(
        b"Content-Type: multipart/mixed; boundary=x%d\r\n\r\n--x%d\r\n" % (i, i) for i in range(n)
    ),
    "multiparts of one boundary inside of one another": lambda n: (MIXED + b"--b\r\n") * n,
    "messages inside of one another": lambda n: b"Content-Type: message/rfc822\r\n\r\n" * n,
    "a digest of messages": lambda n: (
        MIXED.replace(b"mixed", b"digest") + b"--b\r\n\r\nSubject: x\r\n\r\n\r\n" * n
    ),
    "header fields": lambda n: b"A: b\r\n" * n,
    "fields of one name": lambda n: b"To: a@b\r\n" * n,
    "folded lines": lambda n: b"Subject: x" + b"\r\n x" * n,
    "encoded words": lambda n: b"Subject:" + b" =?utf-8?q?x?=" * n,
    "encoded words left open": lambda n: b"Subject: " + b"=?utf-8?q?" * n,
    "encoded words of changing charsets": lambda n: (
        b"Subject:" + b" =?utf-8?q?x?= =?koi8-r?q?x?=" * n
    ),
    "comments inside of one another": lambda n: b"From: " + b"(" * n,
    "comments side by side": lambda n: b"From: a@b " + b"(x)" * n,
    "comments in a Content-Type": lambda n: b"Content-Type: text/plain" + b"(" * n,
    "quotes and backslashes": lambda n: b"From: " + b'"\\' * n,
    "addresses": lambda n: b"From: " + b"a," * n,
    "signs of addresses": lambda n: b"From: a" + b"@" * n + b"<" * n + b">" * n,
    "dots": lambda n: b"From: <" + b" ." * n,
    "groups": lambda n: b"From: " + b"g:a@b;" * n,
    "groups left open": lambda n: b"From: " + b"g:" * n,
    "routes": lambda n: b"From: <" + b"@a," * n + b":b@c>",
    "references": lambda n: b"References: " + b"<a@b> " * n + b"<" * n,
    "parameters": lambda n: b"Content-Type: text/plain" + b";a=b" * n,
    "parameters without a value": lambda n: b"Content-Type: text/plain" + b";a" * n,
    "parameters in pieces": lambda n: (
        b"Content-Type: text/plain" + b"".join(b";a*%d*=b" % i for i in range(n))
    ),
    "styles": lambda n: b"Content-Type: text/html\r\n\r\n" + b"<style>" * n,
    "tags left open": lambda n: b"Content-Type: text/html\r\n\r\n" + b"<a" * n,
    "subject's prefixes": lambda n: b"Subject: " + b"re: [x] " * n,
    "subject's brackets": lambda n: b"Subject: " + b"[" * n + b"[fwd: " * n,
    "languages": lambda n: b"Content-Language: " + b"de," * n,
}


def steps_of(raw: bytes) -> int:
    count = 0

    def trace(_frame, _event, _argument):
        nonlocal count
        count += 1
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        read_facts(raw)
    finally:
        sys.settrace(previous)
    return count


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_four_times_the_message_is_about_four_times_the_work(shape) -> None:
    small, large = steps_of(shape(500)), steps_of(shape(2000))
    assert large <= 5 * small + 5_000
