"""What is done to mail of our own users before others see it."""

from datetime import UTC, datetime

import pytest

from mailquay.delivery.recipients import RecipientCache, Verdict, placements
from mailquay.delivery.submission import complete_message, may_send_as
from mailquay.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COMPLETE = b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@a.example>\r\n"


def complete(message: bytes) -> bytes:
    return complete_message(message, hostname="mail.example", unique="u1", when=NOW)


def test_a_complete_message_stays_as_it_is():
    message = COMPLETE + b"Subject: x\r\n\r\nbcc: of the body\r\n"
    assert complete(message) == message


def test_blind_copies_are_not_told_to_anyone():
    message = (
        COMPLETE
        + b"bcc: secret@example.org,\r\n\tanother@example.org\r\nSubject: x\r\n"
        + b"Resent-Bcc : third@example.org\r\n\r\nbody\r\n"
    )
    assert complete(message) == COMPLETE + b"Subject: x\r\n\r\nbody\r\n"


def test_a_blind_copy_behind_thousands_of_fields_is_found():
    filler = b"X: y\r\n" * 6000
    message = COMPLETE + filler + b"Bcc: secret@example.org\r\n\r\nbody\r\n"
    assert b"secret" not in complete(message)


def test_date_and_message_id_are_added_where_they_are_missing():
    done = complete(b"Subject: x\r\n\r\nbody\r\n")
    assert done == (
        b"Date: Fri, 02 Jan 2026 03:04:05 +0000\r\nMessage-ID: <u1.1767323045@mail.example>\r\n"
        b"Subject: x\r\n\r\nbody\r\n"
    )


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("anna@example.org", True),
        ("anna+shop@example.org", True),
        ("sales@example.org", True),
        ("bert@example.org", False),
        ("anna@example.net", False),
    ],
)
async def test_an_account_sends_from_its_own_addresses(store: Store, address: str, is_own: bool):
    await store.accounts.add_domain("example.org")
    account = await store.accounts.add("anna@example.org", "hash", "scram")
    await store.accounts.add("bert@example.org", "hash", "scram")
    await store.accounts.add_alias("sales@example.org", ["anna@example.org"])
    assert await may_send_as(store, account.id, account.address, address) is is_own


async def test_two_recipients_that_mean_one_account_are_one_placement(store: Store):
    await store.accounts.add_domain("example.org")
    account = await store.accounts.add("anna@example.org", "hash", "scram")
    targets = ["anna@example.org", "out@elsewhere.example"]
    await store.accounts.add_alias("team@example.org", targets)
    cache = RecipientCache(store, seconds=0, default_quota_bytes=0)
    own, team = await cache.resolve("anna@example.org"), await cache.resolve("Team@example.org")
    foreign = await cache.resolve("out@elsewhere.example")
    assert foreign.verdict is Verdict.FOREIGN
    local, remote = placements([own, team, foreign.relayed()], enforce_quota=True)
    assert [(p.account_id, p.recipient) for p in local] == [(account.id, "anna@example.org")]
    assert [(r.address, r.domain) for r in remote] == [
        ("out@elsewhere.example", "elsewhere.example")
    ]
