"""What a mail account may hold (RFC 8621 §1.3.1), each with its reason. No I/O here."""

from typing import Any, Final

from mailquay.runtime.settings import Settings
from mailquay.store.email_queries import COLLATIONS
from mailquay.store.names import LEVELS_MAX
from mailquay_webmail_api.jmap.mail.email_filter import SORTS

__all__ = [
    "MAILBOXES_PER_EMAIL_MAX", "NAME_MAX_BYTES", "SORT_ORDER_MAX",
    "account_capability", "collations",
]  # fmt: skip

#: One level of a name in UTF-8, as file systems have it; RFC 8621 §1.3.1 wants 100 at least.
NAME_MAX_BYTES: Final = 255
#: RFC 8621 §2.
SORT_ORDER_MAX: Final = (1 << 31) - 1
#: More labels than anyone puts on one email.
MAILBOXES_PER_EMAIL_MAX: Final = 100


def account_capability(settings: Settings) -> dict[str, Any]:
    """The account capability object of ``urn:ietf:params:jmap:mail``."""
    return {
        "maxMailboxesPerEmail": MAILBOXES_PER_EMAIL_MAX,
        "maxMailboxDepth": LEVELS_MAX,
        "maxSizeMailboxName": NAME_MAX_BYTES,
        "maxSizeAttachmentsPerEmail": settings.smtp_in.max_message_bytes,
        "emailQuerySortOptions": list(SORTS),
        "mayCreateTopLevelMailbox": True,
    }


def collations() -> list[str]:
    """``collationAlgorithms`` (RFC 8620 §2): what /query compares texts by."""
    return sorted(name for name in COLLATIONS if name is not None)
