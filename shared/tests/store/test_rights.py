"""Rights as text and as sets (RFC 4314 §2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.store.rights import (
    ALL_RIGHTS,
    NO_RIGHTS,
    InvalidRights,
    Rights,
    effective_rights,
    format_rights,
    parse_rights,
    parse_rights_change,
    settable_flags,
)

RIGHTS = st.integers(0, ALL_RIGHTS.value).map(Rights)


@given(RIGHTS)
def test_what_is_formatted_means_the_same_without_its_virtual_rights(rights):
    text = format_rights(rights, with_virtual=False)
    assert parse_rights(text) == rights
    told = format_rights(rights)
    assert told.startswith(text)
    assert ("c" in told, "d" in told) == (bool(set(text) & set("kx")), bool(set(text) & set("te")))


@given(RIGHTS, RIGHTS)
def test_changes_add_take_or_replace(before, asked):
    text = format_rights(asked, with_virtual=False)
    assert parse_rights_change(f"+{text}").apply(before) == before | asked
    assert parse_rights_change(f"-{text}").apply(before) == before & ~asked
    assert parse_rights_change(text).apply(before) == asked
    assert parse_rights_change(f"={text}").apply(before) == asked


@given(st.lists(RIGHTS, max_size=4), st.lists(RIGHTS, max_size=4))
def test_a_right_is_had_where_some_entry_grants_it_and_none_takes_it(positive, negative):
    rights = effective_rights(positive, negative)
    for right in Rights:
        has = any(right in p for p in positive) and not any(right in n for n in negative)
        assert (right in rights) is has


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lrswida", "lrswitead"),  # §2.1.1
        ("lrswikda", "lrswikteacd"),
        ("c", "kxc"),
        ("", ""),
        ("aaetr", "rtead"),
    ],
)
def test_virtual_rights_stand_for_their_members(text, told):
    assert format_rights(parse_rights(text)) == told


@pytest.mark.parametrize("text", ["L", "lrz", "l r", "lr+", "1", "é"])
def test_what_is_no_right_is_refused(text):
    with pytest.raises(InvalidRights):
        parse_rights(text)


def test_flags_are_set_by_their_rights():
    assert settable_flags(ALL_RIGHTS) == 31
    assert settable_flags(Rights.SEEN) == 1
    assert settable_flags(Rights.DELETE_MESSAGES) == 8
    assert settable_flags(Rights.WRITE) == 22
    assert settable_flags(NO_RIGHTS) == 0
