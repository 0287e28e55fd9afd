"""How many recipients an account may still send to today, by its tenant's or domain's policy."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mailquay.store import StoreUnavailable
from mailquay.store.policies import Policies, SendingPolicy
from mailquay.store.types import AccountId

__all__ = ["SentEnough", "taken_recipients"]


class SentEnough(Exception):
    """The account has sent to as many recipients as a day allows; nothing was counted."""


@asynccontextmanager
async def taken_recipients(
    policies: Policies, policy: SendingPolicy, account_id: AccountId, count: int
) -> AsyncIterator[None]:
    """Count a message's recipients while it is being taken; give them back where it fails.

    Raises:
        SentEnough: they are too many.
        StoreUnavailable: nobody can say.
    """
    limit = policy.max_recipients_per_day
    if limit is None:
        yield
        return
    if not await policies.take_recipients(account_id, count, limit=limit):
        raise SentEnough(f"{limit} recipients a day")
    try:
        yield
    except Exception:
        # Without a database they stay counted: rather too few are sent than too many.
        with contextlib.suppress(StoreUnavailable):
            await policies.give_back_recipients(account_id, count)
        raise
