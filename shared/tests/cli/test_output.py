"""What is printed: for programs, and for people whose terminal others must not write to."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from mailquay.cli.exits import MEANINGS, CommandFailed, Exit
from mailquay.cli.output import parse_size, plain, size, table


def printed(renderable, width: int = 4096) -> str:
    output = io.StringIO()
    Console(file=output, width=width, force_terminal=True, color_system=None).print(renderable)
    return output.getvalue()


@given(st.text())
def test_no_control_character_of_a_value_reaches_the_terminal(value):
    shown = printed(table(["Value"], [(value,)], empty=""))
    assert not set(shown) & {chr(c) for c in (*range(10), *range(11, 32), *range(127, 160))}


def test_markup_in_a_value_is_only_text():
    assert plain("[bold]x[/bold]").plain == "[bold]x[/bold]"


def test_nothing_is_lost_where_a_column_is_too_narrow():
    address = "a-rather-long-name-for-an-address@example.com"
    shown = printed(table(["To", "Reply"], [(address, "550 no")], empty=""), width=30)
    assert address in "".join(line[:22].strip() for line in shown.splitlines()).replace(" ", "")


def test_empty_table_says_so():
    assert printed(table(["To"], [], empty="The queue is empty.")) == "The queue is empty.\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0), ("1048576", 1 << 20), ("1k", 1024), ("500M", 500 << 20), ("1.5 GiB", 3 << 29),
        ("2TB", 2 << 40), ("10 mb", 10 << 20),
    ],
)  # fmt: skip
def test_sizes_are_read(text, count):
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "G", "-1", "many", "1X", "nan", "inf", "1e30", "1 2"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(CommandFailed) as failure:
        parse_size(text)
    assert failure.value.status is Exit.MALFORMED


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 29, "1.5 GiB"), (1 << 60, "1048576.0 TiB")],
)  # fmt: skip
def test_sizes_are_written(count, text):
    assert size(count) == text


def test_every_exit_status_has_a_meaning():
    assert set(MEANINGS) == set(Exit)
