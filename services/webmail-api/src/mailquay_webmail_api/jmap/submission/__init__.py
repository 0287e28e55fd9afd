"""Sending: identities and submissions (RFC 8621 §6, §7)."""

from typing import Final

from mailquay_webmail_api.jmap.core.context import Method

__all__ = ["METHODS"]

METHODS: Final[dict[str, Method]] = {}
