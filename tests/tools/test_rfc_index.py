"""docs/rfc.md against the code and the tests, and the tool that says so."""

from collections import Counter

from tools.rfc_index import PAGE, ROOT, check, citations, fill_in, parse_rows

TABLE = """| RFC | title | state | code | tests | notes |
| --- | --- | --- | --- | --- | --- |
| 1939 | POP3 | yes | `a/pop3.py` | `a/tests/test_pop3.py` |  |
| 2119 | Words | ground |  |  |  |
| 8689 | REQUIRETLS | no |  |  |  |
"""
FOUND = {1939: Counter({"a/pop3.py": 2, "a/tests/test_pop3.py": 1}), 2119: Counter({"a/b.py": 1})}


def test_the_page_is_true_of_the_code():
    assert check(PAGE.read_text(), citations(ROOT)) == []


def test_rows_are_read_and_written_alike():
    rows = parse_rows(TABLE)
    assert [row.number for row in rows] == [1939, 2119, 8689]
    assert "\n".join(row.render() for row in rows) == "\n".join(TABLE.splitlines()[2:])


def test_a_true_page_has_no_problems():
    assert check(TABLE, FOUND) == []


def test_a_citation_without_a_row_is_told():
    assert check(TABLE, {**FOUND, 9999: Counter({"a/b.py": 1})}) == [
        f"RFC {9999} is cited in a/b.py, and has no row"
    ]


def test_a_claim_with_nothing_behind_it_is_told():
    page = TABLE.replace("`a/tests/test_pop3.py`", "")
    assert check(page, FOUND) == ["RFC 1939 is yes, and no test cites it"]
    assert check(TABLE, {**FOUND, 1939: Counter({"a/pop3.py": 1})}) == [
        "RFC 1939: a/tests/test_pop3.py does not cite it"
    ]


def test_the_files_that_cite_most_are_filled_in():
    bare = TABLE.replace("`a/pop3.py`", "").replace("`a/tests/test_pop3.py`", "")
    assert fill_in(bare, FOUND).startswith(TABLE.partition("| 2119")[0])
