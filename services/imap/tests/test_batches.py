"""Batches of uids (RFC 10022)."""

from hypothesis import given
from hypothesis import strategies as st

from mailquay_imap.batches import batches


def test_a_mailbox_is_cut_from_its_newest_message_on():
    uids = [3, 5, 8, 20, 21, 30, 99]
    assert batches(uids, 3, 1, None) == [(99, 21), (20, 5), (4, 1)]
    assert batches(uids, 7, 1, None) == [(99, 1)]
    assert batches(uids, 3, 2, 2) == [(20, 5)]
    assert batches(uids, 3, 2, 9) == [(20, 5), (4, 1)]
    assert batches(uids, 3, 4, 9) == []
    assert batches([], 3, 1, None) == []


@given(st.sets(st.integers(1, 300), min_size=1).map(sorted), st.integers(1, 20))
def test_no_uid_is_left_out_and_no_batch_but_the_last_is_smaller(uids, size):
    found = batches(uids, size, 1, None)
    assert [high for high, _ in found] == [uids[-1], *(low - 1 for _, low in found[:-1])]
    assert found[-1][1] == 1
    counts = [sum(low <= uid <= high for uid in uids) for high, low in found]
    assert counts[:-1] == [size] * (len(found) - 1)
    assert 0 < counts[-1] <= size
