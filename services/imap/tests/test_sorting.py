"""What messages are put in order by, out of what is kept of them (RFC 5256 §3, RFC 5051)."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.message import scan
from mailquay.message.subject import base_subject, is_reply_or_forward
from mailquay.store.emails import Place
from mailquay.store.types import AccountId
from mailquay_imap.addressees import NOBODY, Addressee, first_addressee
from mailquay_imap.casemap import casemap
from mailquay_imap.facts import Facts
from mailquay_imap.protocol.sort import Criterion, SortKey
from mailquay_imap.sorting import SENT, in_order


@pytest.mark.parametrize(
    ("header", "field", "expected"),
    [
        ("From: Ann <ann@example.net>, b@x", "from", Addressee("Ann", "ann", "example.net")),
        ("From: b@x\r\nTo: c@y", "to", Addressee("", "c", "y")),
        ('From: b@x\r\nTo: c@y, d@z\r\nCc: "E \\"e\\"" <e@x>', "cc", Addressee('E "e"', "e", "x")),
        ("To: team: a@x, b@x;, z@y", "to", Addressee("", "team", "")),
        ("Cc: =?utf-8?q?=C3=89va?= <e@x>", "cc", Addressee("Éva", "e", "x")),
        ("Subject: x", "from", NOBODY),
        ("From: x\r\nTo: undisclosed-recipients:;", "cc", NOBODY),
    ],
)
def test_the_first_addressee_is_found_in_an_envelope(header, field, expected):
    envelope = scan(f"{header}\r\n\r\n".encode()).imap_envelope()
    assert first_addressee(envelope, field) == expected


@given(st.binary(max_size=300), st.sampled_from(["from", "to", "cc"]), st.booleans())
def test_whatever_a_header_holds_its_envelope_is_read(value, field, has_long_subject):
    value = value.replace(b"\n", b"").replace(b"\r", b"")
    subject = b"\xff" * 2000 if has_long_subject else b"x"
    raw = b"Subject: %b\r\nFrom: a@b, c@d\r\n%b: %b\r\n\r\n" % (subject, field.encode(), value)
    first_addressee(scan(raw).imap_envelope(), field)


def test_what_a_person_sees_of_an_addressee():
    assert Addressee("Ann", "ann", "x").display == "Ann"
    assert Addressee("", "ann", "x").display == "ann@x"
    assert Addressee("", "team", "").display == "team"
    assert NOBODY.display == ""


@pytest.mark.parametrize(("one", "other"), [("é", "E\u0301"), ("Ａ", "a"), ("ß", "ss"), ("ǆ", "ǅ")])
def test_texts_are_compared_by_unicode_casemap(one, other):
    assert casemap(one) == casemap(other)


@given(st.text())
def test_texts_are_compared_however_they_are_composed(text):
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert casemap(unicodedata.normalize(form, text)) == casemap(text)


@pytest.mark.parametrize(
    ("subject", "is_reply"),
    [
        ("tea", False), ("[list] tea", False), ("Re: tea", True), ("tea (fwd)", True),
        ("[fwd: tea]", True), ("[list] Fw[2]: tea", True), ("(fwd) tea", False), ("", False),
    ],
)  # fmt: skip
def test_a_subject_says_whether_it_is_a_reply(subject, is_reply):
    assert is_reply_or_forward(subject) is is_reply


@given(st.text(alphabet="rRefFwWdD:[]() \tx", max_size=40))
def test_a_base_subject_is_no_reply(subject):
    assert not is_reply_or_forward(base_subject(subject))


class _Store:
    """Rows, and the emails that are gone."""

    def __init__(self, rows: dict[int, dict[str, object]]) -> None:
        self.rows = rows
        self.emails = self
        self.questions = 0

    async def columns(self, _account_id, email_ids, columns):
        self.questions += 1
        found = [i for i in email_ids if i in self.rows]
        return {i: tuple(self.rows[i][column] for column in columns) for i in found}


ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "B", "b", ""]), st.integers(1, 3), st.integers(0, 2)),
    max_size=30,
)
KEYS = st.sampled_from([SortKey.SUBJECT, SortKey.ARRIVAL, SortKey.DATE, SortKey.SIZE])


@given(ROWS, st.lists(st.tuples(KEYS, st.booleans()), min_size=1, max_size=4), st.sets(
    st.integers(1, 30)))  # fmt: skip
async def test_an_order_is_that_of_its_keys_and_then_of_the_mailbox(rows, criteria, gone):
    kept = {
        n: {
            "base_subject": subject, "received_at": datetime(2026, 1, day, tzinfo=UTC),
            SENT: datetime(2026, 1, 9 - day, tzinfo=UTC),
        }
        for n, (subject, day, _) in enumerate(rows, 1)
    }  # fmt: skip
    sizes = {n: size for n, (_, _, size) in enumerate(rows, 1)}
    places = [Place(n, n, 1, 0, (), sizes[n]) for n in kept]
    order = [Criterion(key, is_reverse) for key, is_reverse in criteria]
    reads_rows = any(key is not SortKey.SIZE for key, _ in criteria)
    there = {n: row for n, row in kept.items() if n not in gone}
    facts = Facts(_Store(there), 1 << 20)
    found = await in_order(facts, AccountId(1), places, order)

    def value(uid: int, key: SortKey) -> object:
        row = kept[uid]
        return {
            SortKey.SUBJECT: str(row["base_subject"]).lower(), SortKey.ARRIVAL: row["received_at"],
            SortKey.DATE: row[SENT], SortKey.SIZE: sizes[uid],
        }[key]  # fmt: skip

    expected = sorted(there if reads_rows else kept)
    for key, is_reverse in reversed(criteria):
        expected.sort(key=lambda uid, key=key: value(uid, key), reverse=is_reverse)
    assert found == expected


async def test_what_is_pushed_out_of_memory_meanwhile_is_not_gone():
    store = _Store({n: {"x": "y" * 100} for n in range(4000)})
    facts = Facts(store, 300_000)
    everything = list(range(4000))
    await facts.made(AccountId(1), everything[:1000], "x", casemap)
    assert await facts.made(AccountId(1), everything, "x", casemap) == ["Y" * 100] * 4000


async def test_what_is_made_of_a_column_is_made_once():
    store = _Store({1: {"x": 1}, 2: {"x": 2}})
    facts = Facts(store, 1 << 20)
    made: list[int] = []

    def double(value: int) -> int:
        made.append(value)
        return 2 * value

    assert await facts.made(AccountId(1), [1, 3, 2, 1], "x", double) == [2, None, 4, 2]
    assert await facts.made(AccountId(1), [1, 2], "x", double) == [2, 4]
    assert (sorted(made), store.questions) == ([1, 2], 1)
    store.rows[1]["y"] = 5
    assert await facts.made(AccountId(1), [1], "y", double) == [10], "of another column, another"
