"""REPLACE where the storage fails in between (RFC 8508 §3.1)."""

import pytest

from mailquay.store import StoreUnavailable


@pytest.fixture
def failing(store, monkeypatch):
    """How many of the next removals fail."""
    left = [0]
    expunge = store.emails.expunge

    async def fail(*arguments, **more):
        if left[0]:
            left[0] -= 1
            raise StoreUnavailable("it is away")
        return await expunge(*arguments, **more)

    monkeypatch.setattr(store.emails, "expunge", fail)
    return left


@pytest.mark.parametrize(("failures", "uids"), [(1, [b"1"]), (2, [b"1", b"2"])])
async def test_the_old_message_stays_when_it_cannot_go(start_imap, failing, failures, uids):
    draft = b"{14+}\r\nSubject: x\r\n\r\n"
    async with start_imap() as imap:
        client = await imap.sign_in(b"APPEND INBOX " + draft, b"SELECT INBOX")
        failing[0] = failures
        refused = (await client.say(b"REPLACE 1 INBOX " + draft))[-1]
        assert refused.startswith(b"t NO [UNAVAILABLE]")
        await client.say(b"NOOP")
        lines = await client.say(b"UID SEARCH ALL")
        assert lines[0].split()[2:] == uids, "never fewer than there were"
        assert (await client.say(b"UID REPLACE 1 INBOX " + draft))[-1].startswith(b"t OK")
