"""What of a stranger's HTML is shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.reading.sanitise import HTML_MAX, sanitise

INLINE = {"pic@x": "/jmap/download/A1/B1-2/picture?accept=image%2Fpng"}


def clean(html: str, *, allow_remote: bool = False) -> str:
    return sanitise(html, INLINE, allow_remote=allow_remote)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>Hello <b>you</b></p>", "<p>Hello <b>you</b></p>"),
        ("<p style='color: red' class=c>x</p>", '<p style="color: red" class="c">x</p>'),
        ("<style>p{color:red}</style>x", "<style>p{color:red}</style>x"),
        ("<body bgcolor=red><p>x</body>", '<div bgcolor="red"><p>x</p></div>'),
        ("a<script>alert(1)</script>b", "ab"),
        ("a<title>t</title><noscript>n</noscript><iframe src=x>i</iframe>b", "ab"),
        ("<svg><script>1</script></svg><math><mi>x</mi></math>b", "b"),
        ("<p onclick='x()' onmouseover=y>x</p>", "<p>x</p>"),
        ("<form action=/auth/logout><input name=a><button>b</button></form>", "b"),
        ("<meta http-equiv=refresh content='0;url=x'><link rel=stylesheet href=x>y", "y"),
        ("<base href='https://evil.example/'>y", "y"),
        ("<!-- hidden -->y", "y"),
        ("<img src='cid:pic@x' onerror=x()>", f'<img src="{INLINE["pic@x"]}">'),
        ("<img src='CID:pic@x'>", f'<img src="{INLINE["pic@x"]}">'),
        ("<img src='cid:other@x'>", "<img>"),
        ("<img src='data:image/png;base64,AAAA'>", '<img src="data:image/png;base64,AAAA">'),
        ("<img src='data:image/svg+xml,<svg onload=x>'>", "<img>"),
        ("<img src='/auth/session'>", "<img>"),
        ("<img src='blob:x'>", "<img>"),
    ],
)
def test_what_is_shown(html, shown):
    assert clean(html) == shown


@pytest.mark.parametrize(
    "address", ["http://x.example/a.png", "https://x.example/a", "//x.example/a", "HTTPS://X"]
)
@pytest.mark.parametrize("template", ["<img src='{}'>", "<table background='{}'></table>"])
def test_a_picture_from_elsewhere_waits_until_it_is_asked_for(template, address):
    html = template.format(address)
    assert "//" not in clean(html)
    assert re.search(r'="https?://', clean(html, allow_remote=True), re.IGNORECASE)


@pytest.mark.parametrize("address", ["javascript:x", "ftp://x/", "file:///x", "/x", "x.png"])
def test_nothing_else_is_a_picture_even_then(address):
    assert clean(f"<img src='{address}'>", allow_remote=True) == "<img>"


@pytest.mark.parametrize(
    ("href", "leads_to"),
    [
        ("https://x.example/?a=b", "https://x.example/?a=b"),
        (" https://x.example/", "https://x.example/"),
        ("//x.example/", "https://x.example/"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("tel:+1", "tel:+1"),
        ("#part", "#part"),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        (" \x01javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("vbscript:x", None),
        ("/auth/logout", None),
        ("auth", None),
        ("", None),
    ],
)
def test_a_link_leads_out_of_here_in_a_window_of_its_own(href, leads_to):
    shown = clean(f'<a href="{href}">x</a>')
    assert 'target="_blank"' in shown
    assert 'rel="noopener noreferrer"' in shown
    found = re.search(r'href="([^"]*)"', shown)
    assert (found[1] if found else None) == leads_to


def test_html_that_no_parser_digests_is_shown_as_text():
    assert clean("<div><font color=x></div>" * 3000 + "the words & more") == (
        '<div style="white-space: pre-wrap">the&#32;words&#32;&amp;&#32;more</div>'
    )


def test_html_is_cut_at_its_bound():
    assert len(clean("x" * (HTML_MAX + 10))) == HTML_MAX


ATTACKS = st.lists(
    st.sampled_from(
        [
            "<script>",
            "</script>",
            "<img",
            "onerror=x()",
            "src=",
            ">",
            "<svg>",
            "<math>",
            "<style>",
            "</style>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<a",
            "href=",
            "javascript:x()",
            "'",
            '"',
            "=",
            "/",
            "<noscript>",
            "<template>",
            "<table>",
            "<p>",
            "onload=x()",
            "<br",
            "&lt;",
            "&#60;",
            "<mtext>",
            "<mglyph>",
            "<textarea>",
            "</title>",
            "<xmp>",
            "<plaintext>",
            "<iframe>",
            "srcdoc=",
            "\x00",
            "\n",
            "<form>",
            "<input>",
            "<select>",
            "<option>",
        ]
    ),
    max_size=25,
).map("".join)


@given(ATTACKS | st.text())
def test_nothing_that_runs_is_left_of_anything(html):
    shown = clean(html, allow_remote=True)
    outside = re.sub(r"<style.*?(?:</style>|\Z)", "", shown, flags=re.DOTALL)
    for tag in re.findall(r"<([a-z!/?][^>]*)", outside):
        assert not re.match(r"(?:script|svg|math|iframe|object|embed|form|input|link|meta)\b", tag)
        assert not re.search(r'\son[a-z]+="', " " + tag.split(" ", 1)[-1] if " " in tag else "")
    assert not re.search(r'="\s*javascript:', outside)
    # What is clean stays as it is.
    assert clean(shown, allow_remote=True) == clean(
        clean(shown, allow_remote=True), allow_remote=True
    )
