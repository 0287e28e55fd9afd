"""Messages in an order (RFC 5256 §3, RFC 5957), from what is kept of them."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from mailquay.store.emails import Place
from mailquay.store.types import AccountId
from mailquay_imap.addressees import Addressee, first_addressee
from mailquay_imap.casemap import casemap
from mailquay_imap.facts import Facts
from mailquay_imap.protocol.sort import Criterion, SortKey

__all__ = ["SENT", "in_order"]

#: The Date field, or INTERNALDATE where that is none (RFC 5256 §2.2).
SENT: Final = "coalesce(sent_at, received_at)"


def _mailbox(addressee: Addressee) -> str:
    return casemap(addressee.mailbox)


def _display(addressee: Addressee) -> str:
    return casemap(addressee.display)


def from_mailbox(envelope: bytes) -> str:
    """FROM's key."""
    return _mailbox(first_addressee(envelope, "from"))


def to_mailbox(envelope: bytes) -> str:
    """TO's key."""
    return _mailbox(first_addressee(envelope, "to"))


def cc_mailbox(envelope: bytes) -> str:
    """CC's key."""
    return _mailbox(first_addressee(envelope, "cc"))


def from_display(envelope: bytes) -> str:
    """DISPLAYFROM's key."""
    return _display(first_addressee(envelope, "from"))


def to_display(envelope: bytes) -> str:
    """DISPLAYTO's key."""
    return _display(first_addressee(envelope, "to"))


_ADDRESSES: Final[dict[SortKey, Callable[[bytes], str]]] = {
    SortKey.FROM: from_mailbox,
    SortKey.TO: to_mailbox,
    SortKey.CC: cc_mailbox,
    SortKey.DISPLAYFROM: from_display,
    SortKey.DISPLAYTO: to_display,
}
_COLUMNS: Final = {SortKey.ARRIVAL: "received_at", SortKey.DATE: SENT}


async def in_order(
    facts: Facts, account_id: AccountId, places: Sequence[Place], criteria: Sequence[Criterion]
) -> list[int]:
    """The uids of messages by these criteria; where all are equal, as they stand.

    Those that are gone are left out.

    Raises:
        StoreUnavailable
    """
    # From the last criterion to the first: what a sort finds equal, it leaves in its order.
    order = list(range(len(places)))
    for criterion in reversed(criteria):
        keys = await _keys(facts, account_id, places, criterion.key)
        order = [n for n in order if keys[n] is not None]
        order.sort(key=keys.__getitem__, reverse=criterion.is_reverse)
    return [places[n].uid for n in order]


async def _keys(
    facts: Facts, account_id: AccountId, places: Sequence[Place], key: SortKey
) -> Sequence[Any]:
    """What a criterion compares, a message each; None where it is gone."""
    if key is SortKey.SIZE:
        return [place.size for place in places]
    email_ids = [place.email_id for place in places]
    if key in _ADDRESSES:
        return await facts.made(account_id, email_ids, "envelope", _ADDRESSES[key])
    if key is SortKey.SUBJECT:
        return await facts.made(account_id, email_ids, "base_subject", casemap)
    column = _COLUMNS[key]
    return (await facts.columns(account_id, email_ids, [column]))[column]
