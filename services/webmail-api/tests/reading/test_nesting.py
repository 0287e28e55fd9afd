"""HTML that no parser digests is told by its tags."""

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.reading.nesting import is_tame

TAMES = [
    "",
    "just text, 1 < 2 & 3 > 2",
    "<p>x" * 50_000,
    "<ul>" + "<li>x" * 50_000,
    "<br><img src=x><hr>" * 50_000,
    "<table><tr><td>x</td></tr></table>" * 20_000,
    # As careless senders write: fonts that end with their cells.
    "<table>" + "<tr><td><font size=1>x<td><font color=red><b>y" * 20_000,
    "<b>x</b>" * 50_000,
    "<div>" * 300 + "x" + "</div>" * 300,
    "<dl>" + "<dt>x<dd>y" * 20_000,
    "<p><font color=red>x</font></p>" * 20_000,
    '<img src="data:image/png;base64,' + "A" * 100_000 + '">',
]


@pytest.mark.parametrize("html", TAMES)
def test_what_people_write_is_tame(html):
    assert is_tame(html)


WILD = [
    "<div>" * 500,
    "<DIV\n>" * 500,
    "<div a='>' b=\">\">" * 500,
    # Closing what was never open closes nothing.
    "<span><div></span>" * 1000,
    "<div></nothing>" * 1000,
    "<table>" * 500,
    "<div><font color=x></div>" * 3000 + "x",
    "".join(f"<div><a href={n}></div>" for n in range(5000)),
    "<p><i><p>" * 5000,
    "<a " + " ".join(f"x{n}" for n in range(1000)) + ">",
    "<a " + " ".join(f'x{n}="y"' for n in range(1000)) + ">",
]


@pytest.mark.parametrize("html", WILD)
def test_what_makes_a_parser_choke_is_not(html):
    assert not is_tame(html)


TAGS = st.sampled_from(
    [
        "div",
        "span",
        "p",
        "b",
        "i",
        "font",
        "a",
        "table",
        "tr",
        "td",
        "li",
        "ul",
        "br",
        "section",
        "x",
    ]
)
PIECES = st.lists(
    st.one_of(
        TAGS.map(lambda tag: f"<{tag}>"),
        TAGS.map(lambda tag: f"</{tag}>"),
        TAGS.map(lambda tag: f"<{tag} class=c>"),
        st.sampled_from(["x", "<", ">", "<!--", "-->", "<a href='", "'", '"']),
    ),
    max_size=60,
)


@given(PIECES, st.integers(1, 200))
def test_what_is_tame_does_not_grow_without_measure(pieces, times):
    html = "".join(pieces) * times
    if is_tame(html):
        cleaned = nh3.clean(html, tags={"div", "p", "b", "i", "font", "a", "table", "tr", "td"})
        assert len(cleaned) < 60 * len(html) + 20_000_000


@given(st.text())
def test_any_text_is_tame_or_is_not(html):
    assert is_tame(html) in (True, False)
