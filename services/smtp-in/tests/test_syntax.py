"""Paths and parameters: the RFC's examples, what clients send, and anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_smtp_in.syntax import (
    ParameterFault,
    PathArgument,
    PathFault,
    SyntaxFault,
    parse_path,
)

PATHS = [
    ("FROM:<userx@y.foo.org>", "userx@y.foo.org", {}),
    ("from:<a@b>", "a@b", {}),
    ("FROM:<>", "", {}),
    ("FROM: <a@b>", "a@b", {}),
    ("FROM:<a@b> SIZE=500000", "a@b", {"SIZE": "500000"}),
    ("FROM:<a@b>  size=1   BODY=8BITMIME  ", "a@b", {"SIZE": "1", "BODY": "8BITMIME"}),
    ("FROM:<@hosta.int,@jkl.org:userc@d.bar.org>", "userc@d.bar.org", {}),
    ("FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", {}),
    ("FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", {}),
    ('FROM:<"Joe Q. Public"@example.com>', '"Joe Q. Public"@example.com', {}),
    ('FROM:<"a>b@c"@example.com> SIZE=1', '"a>b@c"@example.com', {"SIZE": "1"}),
    ('FROM:<"a\\"b"@example.com>', '"a\\"b"@example.com', {}),
    ("FROM:<jürgen@bücher.example> SMTPUTF8", "jürgen@bücher.example", {"SMTPUTF8": ""}),
    ("FROM:<postmaster>", "postmaster", {}),
    ("FROM:a@b", "a@b", {}),
    ("FROM:a@b SIZE=1", "a@b", {"SIZE": "1"}),
    ("FROM:<a@b> AUTH=<>", "a@b", {"AUTH": "<>"}),
    ("FROM:<a@b> AUTH=e+3Dmc2@example.com", "a@b", {"AUTH": "e+3Dmc2@example.com"}),
]


@pytest.mark.parametrize(("argument", "address", "parameters"), PATHS)
def test_a_path_is_read_with_its_parameters(argument, address, parameters):
    assert parse_path(argument, "FROM:") == PathArgument(address, parameters)


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "<a@b>",
        "TO:<a@b>",
        "FROM",
        "FROM:",
        "FROM <a@b>",
        "FROM:<a@b",
        "FROM:a@b>",
        "FROM:<a b@c>",
        "FROM:<a@b c>",
        "FROM:<a@b>SIZE=1",
        "FROM:<<a@b>>",
        "FROM:<a@b@c>",
        'FROM:<"a@b>',
        'FROM:<"a"b@c>',
        "FROM:Alice <a@b>",
        "FROM:a",
        "FROM:<" + "a" * 600 + "@b>",
    ],
)
def test_what_is_no_path_is_refused(argument):
    with pytest.raises(PathFault):
        parse_path(argument, "FROM:")


@pytest.mark.parametrize(
    "text",
    ["SIZE=", "=1", "SIZE==1", "SIZE=1=2", "-X", "SIZE=1 SIZE=2", "S_Z=1", " ".join("abcdefghijklmnopqrstuvwxyz")],
)  # fmt: skip
def test_parameters_that_are_malformed_are_refused(text):
    with pytest.raises(ParameterFault):
        parse_path(f"FROM:<a@b> {text}", "FROM:")


@given(st.one_of(st.text(max_size=80), st.text(max_size=80).map(lambda t: "TO:<" + t)))
def test_any_text_is_a_path_or_the_typed_error(text):
    try:
        path = parse_path(text, "TO:")
    except SyntaxFault:
        return
    assert path.address in text
    assert all(name in text.upper() for name in path.parameters)


@given(
    address=st.from_regex(r"\A[a-z0-9.+=_-]{1,20}@[a-z0-9.-]{1,20}\Z"),
    parameters=st.dictionaries(
        st.from_regex(r"\A[A-Z][A-Z0-9-]{0,10}\Z"), st.from_regex(r"\A([!-<>-~]{1,10})?\Z"),
        max_size=5,
    ),
)  # fmt: skip
def test_what_is_written_is_read(address, parameters):
    words = [f"{name}={value}" if value else name for name, value in parameters.items()]
    assert parse_path(" ".join([f"TO:<{address}>", *words]), "TO:") == PathArgument(
        address, parameters
    )


def test_a_long_argument_is_read_in_linear_time():
    for text in ("<" + '"' * 4000, "<@" + ":" * 4000, "<" + "\\" * 4000, '<"' + '\\"' * 2000):
        with pytest.raises(SyntaxFault):
            parse_path("TO:" + text, "TO:")
