"""What travels: a change of these bytes is a change for everyone who subscribes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.events import AccountChanged, ConfigChanged, Event, IdentityRevoked, QueueReady
from mailquay.events.types import decode, encode, subject_of

GOLDEN: list[tuple[Event, str, bytes]] = [
    (
        AccountChanged(account_id=7, modseq=12, mailbox_ids=(1, 2), trace_id="0a1b"),
        "mailquay.v1.account.7.changed",
        b'{"account_id":7,"modseq":12,"mailbox_ids":[1,2],"trace_id":"0a1b"}',
    ),
    (QueueReady(queue_id=3), "mailquay.v1.queue.ready", b'{"queue_id":3}'),
    (
        ConfigChanged(kind="domain", name="example.test"),
        "mailquay.v1.config.changed",
        b'{"kind":"domain","name":"example.test"}',
    ),
    (
        IdentityRevoked(account_id=7, credential_version=2),
        "mailquay.v1.identity.revoked",
        b'{"account_id":7,"credential_version":2}',
    ),
]


@pytest.mark.parametrize(("event", "subject", "payload"), GOLDEN)
def test_the_wire_form_is_as_published(event: Event, subject: str, payload: bytes) -> None:
    assert subject_of(event) == subject
    assert encode(event) == payload
    assert decode(subject, payload) == event


@pytest.mark.parametrize(("event", "subject", "payload"), GOLDEN)
def test_a_field_of_a_later_version_is_passed_over(
    event: Event, subject: str, payload: bytes
) -> None:
    assert decode(subject, payload[:-1] + b',"new_in_2030":[1]}') == event


@given(subject=st.sampled_from([row[1] for row in GOLDEN]) | st.text(), payload=st.binary())
def test_anything_else_is_no_event_and_no_error(subject: str, payload: bytes) -> None:
    found = decode(subject, payload)
    assert found is None or subject_of(found).rpartition(".")[2] == subject.rpartition(".")[2]
