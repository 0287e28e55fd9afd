"""LIST's patterns, compared with a matcher that is slow and plain to see."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap.protocol.patterns import Pattern, canonical_pattern


def plainly(pattern: str, name: str) -> bool:
    @cache
    def at(p: int, n: int) -> bool:
        if p == len(pattern):
            return n == len(name)
        if pattern[p] in "*%":
            if at(p + 1, n):
                return True
            return n < len(name) and (pattern[p] == "*" or name[n] != "/") and at(p, n + 1)
        return n < len(name) and pattern[p] == name[n] and at(p + 1, n + 1)

    return at(0, 0)


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=10))
def test_matches_as_the_rfc_says(pattern, name):
    assert Pattern(pattern).matches(name) is plainly(pattern, name)


@given(st.text(max_size=20))
def test_a_name_matches_itself_and_everything(name):
    assert Pattern("*").matches(name)
    if "*" not in name and "%" not in name:
        assert Pattern(name).matches(name)
        assert not Pattern(name).matches(name + "x")


@pytest.mark.parametrize(
    ("reference", "pattern", "canonical"),
    [
        ("", "inbox", "INBOX"),
        ("", "inbox/%", "INBOX/%"),
        ("in", "box", "INBOX"),
        ("", "Inbox*", "INBOX*"),
        ("", "inboxes", "inboxes"),
        ("", "ınbox", "ınbox"),
        ("a/", "inbox", "a/inbox"),
    ],
)
def test_inbox_is_in_any_case_at_the_beginning(reference, pattern, canonical):
    assert canonical_pattern(reference, pattern) == canonical


def test_no_pattern_takes_long():
    name = "a" * 1000
    for hard in ("*a" * 500 + "b", "%a" * 500 + "b", "*%" * 2000 + "b", "a*" * 1000 + "b"):
        assert not Pattern(hard).matches(name + "c")
