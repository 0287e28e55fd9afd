"""The base subject (RFC 5256 §2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message.subject import base_subject

PREFIXES = st.sampled_from(
    ["Re:", "RE :", "Fwd: ", "fw:", "Re[2]: ", "[list] ", "[a][b] ", "re: [list] re: ", "\t \r\n "]
)


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("tea", "tea"),
        ("Re: tea", "tea"),
        ("re:tea (fwd) (FWD) ", "tea"),
        ("FW: Re: Fwd: tea", "tea"),
        ("Re [2] : tea", "tea"),
        ("[list] Re: [list] tea", "tea"),
        ("[one] [two] re: tea", "tea"),
        # A lone blob stays, as nothing else would.
        ("[tea]", "[tea]"),
        ("Re: [tea]", "[tea]"),
        ("[fwd: Re: tea]", "tea"),
        ("[Fwd: [fwd: tea] ]", "tea"),
        ("Re: a\r\n  b\tc", "a b c"),
        ("Reply: tea", "Reply: tea"),
        ("re", "re"),
        ("Re:", ""),
        ("", ""),
        ("(fwd)", ""),
        ("[a[b]] tea", "[a[b]] tea"),
    ],
)
def test_a_base_subject_is_without_what_replies_add(subject, base):
    assert base_subject(subject) == base


@given(
    prefixes=st.lists(PREFIXES, max_size=20).map("".join), suffix=st.sampled_from(["", " (fwd)"])
)
def test_however_often_it_was_replied_to_the_base_is_the_same(prefixes, suffix):
    assert base_subject(f"{prefixes}tea{suffix}") == "tea"


@given(st.text())
def test_a_base_subject_has_itself_for_a_base(subject):
    base = base_subject(subject)
    assert base_subject(base) == base
