"""What Postgres knows of messages, asked for by SEARCH (RFC 9051 §6.4.4, RFC 8514 §4)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailquay.delivery import Deliverer, Incoming, LocalPlacement
from mailquay.runtime.settings import Settings
from mailquay.store.search import (
    And,
    DateField,
    Field,
    FieldContains,
    FieldIsCut,
    FieldIsWide,
    InThreads,
    Range,
    UidIn,
)

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SUBJECTS = ["100% tea", "a_b", "back\\slash", "GRÜN", "", "ends"]


@pytest.fixture
async def box(store, blobs, bus):
    """A mailbox with a message of each subject, received a day after another."""
    await store.accounts.add_domain("example.org")
    account = await store.accounts.add("alice@example.org", "hash", "scram")
    deliverer = Deliverer(store, blobs, bus, Settings())
    for number, subject in enumerate(SUBJECTS):
        head = f"Subject: {subject}\r\nTo: Bob <bob@x.example>\r\n"
        if number:
            head += f"Message-ID: <m{number}@x.example>\r\n"
        place = LocalPlacement(account.id, received_at=MONDAY + number * DAY)
        await deliverer.deliver(
            Incoming(account.tenant_id, f"{head}\r\n".encode(), "t", local=(place,))
        )
    await deliverer.close()
    return await store.mailboxes.find(account.id, "INBOX")


@pytest.fixture
def find(store, box):
    async def find(expression) -> list[int]:
        return await store.searches.in_mailbox(box.account_id, box.id, expression)

    return find


@pytest.mark.parametrize(
    ("text", "uids"),
    [
        ("TEA", [1]),
        ("100%", [1]),
        ("%", [1]),
        ("_", [2]),
        ("\\", [3]),
        ("grün", [4]),
        ("ends", [6]),
        ("e\0nds", [6]),
        ("", [1, 2, 3, 4, 5, 6]),
        ("' OR true --", []),
    ],
)
async def test_a_substring_is_looked_for_in_any_case_and_to_the_letter(find, text, uids):
    assert await find(FieldContains(Field.SUBJECT, text)) == uids


async def test_an_address_is_found_by_any_of_its_parts(find):
    for text in ("bob", "BOB <bob", "x.example"):
        assert await find(FieldContains(Field.TO, text)) == [1, 2, 3, 4, 5, 6]
    assert await find(FieldContains(Field.CC, "bob")) == []
    assert await find(FieldContains(Field.MESSAGE_ID, "<m3@")) == [4]


async def test_what_is_kept_may_not_be_all(find):
    """There is no Message-ID, or the text fills its column."""
    assert await find(FieldIsCut(Field.MESSAGE_ID, 4096)) == [1]
    assert await find(FieldIsCut(Field.SUBJECT, 8)) == [1, 3]


async def test_a_range_has_its_first_moment_and_not_its_last(find):
    whole = Range(DateField.RECEIVED, MONDAY + DAY, MONDAY + 3 * DAY)
    assert await find(whole) == [2, 3]
    assert await find(Range(DateField.SENT, MONDAY + 4 * DAY, None)) == [5, 6]
    assert await find(Range(DateField.RECEIVED, None, MONDAY + DAY)) == [1]
    assert await find(Range(DateField.SAVED, None, None)) == [1, 2, 3, 4, 5, 6]
    assert await find(Range(DateField.SAVED, None, MONDAY - 3650 * DAY)) == []


async def test_terms_are_all_of_them(find, store, box):
    assert await find(And(())) == [1, 2, 3, 4, 5, 6]
    assert await find(And((UidIn(((2, 4),)), FieldContains(Field.SUBJECT, "a")))) == [2, 3]
    places = await store.emails.places(box.account_id, box.id)
    # Each of them began a thread of its own.
    assert await find(InThreads((places[0].email_id, places[4].email_id))) == [1, 5]
    assert await find(InThreads(())) == []


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(max_size=8), ranges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
async def test_any_text_and_any_uids_are_an_answerable_question(find, text, ranges):
    expected = [uid for uid in range(1, 7) if any(low <= uid <= high for low, high in ranges)]
    assert await find(UidIn(tuple(ranges))) == expected
    found = await find(FieldContains(Field.SUBJECT, text))
    plain = text.replace("\0", "")
    assert set(found) >= {n for n, s in enumerate(SUBJECTS, 1) if plain in s}


async def test_a_field_that_is_not_all_ascii_is_wide(find):
    assert await find(FieldIsWide(Field.SUBJECT)) == [4]
    assert await find(FieldIsWide(Field.TO)) == []
    assert await find(FieldIsWide(Field.MESSAGE_ID)) == []
