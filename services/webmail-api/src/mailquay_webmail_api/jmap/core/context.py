"""What a JMAP method is given, and what it is (RFC 8620 §3.2, §3.3). No I/O here.

A capability's package exports ``METHODS: dict[str, Method]``; `mailquay_webmail_api.jmap.methods`
puts them together. The dispatcher has already

* resolved result references (``#ids``), so that a method sees plain values;
* checked ``accountId``: it is there, and it is the signed-in account's.

A method checks all other arguments (`mailquay_webmail_api.jmap.core.arguments`), raises
`MethodError`, and lets `StoreUnavailable` and `BlobUnavailable` pass: they become
``serverUnavailable`` in one place. What it does not expect becomes ``serverFail`` there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mailquay.blobs import BlobStore
from mailquay.delivery import Deliverer
from mailquay.events import Bus
from mailquay.runtime.settings import Settings
from mailquay.store import Store
from mailquay_webmail_api.account import SignedIn
from mailquay_webmail_api.jmap.core.limits import JmapLimits

__all__ = ["Context", "FollowUp", "JsonObject", "Method"]

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A call that a method makes after itself, answered under the same call id.

    ``Email/set`` after ``EmailSubmission/set`` (RFC 8621 §7.5) or ``Email/copy`` (§4.7).
    """

    method: str
    arguments: JsonObject


@dataclass(slots=True)
class Context:
    """One JMAP request of one signed-in account."""

    account: SignedIn
    store: Store
    blobs: BlobStore
    deliverer: Deliverer
    bus: Bus
    settings: Settings
    limits: JmapLimits
    #: What this request has created: creation id to id (RFC 8620 §3.3, §5.3).
    created_ids: dict[str, str] = field(default_factory=dict)
    #: What the running method wants called after it; the dispatcher empties it.
    follow_ups: list[FollowUp] = field(default_factory=list)

    def resolve_id(self, text: str) -> str | None:
        """An id, or the id of what ``#creation`` has created; None when it has created nothing."""
        return self.created_ids.get(text[1:]) if text.startswith("#") else text


#: Takes the arguments, returns the arguments of the response (``accountId`` among them); raises
#: `MethodError`.
Method = Callable[[Context, JsonObject], Awaitable[JsonObject]]
