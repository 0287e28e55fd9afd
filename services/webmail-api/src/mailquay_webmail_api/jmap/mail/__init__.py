"""Mail: mailboxes, emails, threads, search snippets (RFC 8621 §2 to §5)."""

from typing import Final

from mailquay_webmail_api.jmap.core.context import Method

__all__ = ["METHODS"]

METHODS: Final[dict[str, Method]] = {}
