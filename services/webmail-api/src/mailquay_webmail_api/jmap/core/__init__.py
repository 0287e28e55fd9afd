"""What every JMAP method stands on: requests, references, errors, ids (RFC 8620 §3, §5)."""

from typing import Final

from mailquay_webmail_api.jmap.core.context import Method
from mailquay_webmail_api.jmap.core.copy import copy_blobs
from mailquay_webmail_api.jmap.core.echo import echo

__all__ = ["METHODS"]

METHODS: Final[dict[str, Method]] = {"Core/echo": echo, "Blob/copy": copy_blobs}
