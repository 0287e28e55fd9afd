import pytest

from mailquay.store.types import AccountId
from mailquay_webmail_api.jmap.core.slots import AccountSlots, NoSlot

ANNA, BERT = AccountId(1), AccountId(2)


def test_one_account_does_not_take_anothers_slots():
    slots = AccountSlots(1)
    with slots.take(ANNA):
        with pytest.raises(NoSlot), slots.take(ANNA):
            pass
        with slots.take(BERT):
            pass
    with slots.take(ANNA):
        pass


def test_all_accounts_together_are_bounded_too():
    slots = AccountSlots(2, 2)
    with slots.take(ANNA), slots.take(BERT), pytest.raises(NoSlot), slots.take(ANNA):
        pass


def test_a_failure_gives_the_slot_back():
    slots = AccountSlots(1)
    with pytest.raises(ValueError), slots.take(ANNA):
        raise ValueError
    with slots.take(ANNA):
        pass
