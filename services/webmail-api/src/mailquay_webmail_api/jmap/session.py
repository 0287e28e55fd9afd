"""The Session object: what this server is and offers to one account (RFC 8620 §2)."""

import hashlib
from typing import Any

import msgspec

from mailquay.runtime.settings import Settings
from mailquay_webmail_api.account import SignedIn
from mailquay_webmail_api.jmap import mail
from mailquay_webmail_api.jmap.core.ids import account_id
from mailquay_webmail_api.jmap.core.limits import JmapLimits
from mailquay_webmail_api.jmap.methods import CORE, MAIL, SUBMISSION

__all__ = ["SessionMaker"]


class SessionMaker:
    """Makes Session objects."""

    def __init__(self, settings: Settings, limits: JmapLimits) -> None:
        self._public_url = (settings.web.public_url or "").rstrip("/")
        self._capabilities: dict[str, Any] = {
            CORE: {
                "maxSizeUpload": limits.max_size_upload_bytes,
                "maxConcurrentUpload": limits.max_concurrent_upload,
                "maxSizeRequest": limits.max_size_request_bytes,
                "maxConcurrentRequests": limits.max_concurrent_requests,
                "maxCallsInRequest": limits.max_calls_in_request,
                "maxObjectsInGet": limits.max_objects_in_get,
                "maxObjectsInSet": limits.max_objects_in_set,
                "collationAlgorithms": mail.collations(),
            },
            MAIL: {},
            SUBMISSION: {},
        }
        self._account_capabilities: dict[str, Any] = {
            MAIL: mail.account_capability(settings),
            # RFC 8621 §1.3.2
            SUBMISSION: {"maxDelayedSend": 0, "submissionExtensions": {}},
        }

    def make(self, account: SignedIn, *, base_url: str) -> dict[str, Any]:
        """The Session object of an account.

        Args:
            account: whose.
            base_url: put before each path where `Settings.web.public_url` says nothing; empty for
                a page of ours, which shares our origin whatever proxy stands between.
        """
        base = self._public_url if self._public_url and base_url else base_url
        return {
            **self._facts(account),
            "apiUrl": f"{base}/jmap/api",
            "downloadUrl": f"{base}/jmap/download/"
            "{accountId}/{blobId}/{name}?accept={type}",
            "uploadUrl": f"{base}/jmap/upload/{{accountId}}/",
            "eventSourceUrl": f"{base}/jmap/eventsource/"
            "?types={types}&closeafter={closeafter}&ping={ping}",
            "state": self.state(account),
        }

    def state(self, account: SignedIn) -> str:
        """What changes with anything in the Session object but the way that leads here."""
        text = msgspec.json.encode(self._facts(account), order="deterministic")
        return hashlib.sha256(text).hexdigest()[:16]

    def _facts(self, account: SignedIn) -> dict[str, Any]:
        own = account_id(account.id)
        return {
            "capabilities": self._capabilities,
            "accounts": {
                own: {
                    "name": account.address,
                    "isPersonal": True,
                    "isReadOnly": False,
                    "accountCapabilities": self._account_capabilities,
                }
            },
            "primaryAccounts": dict.fromkeys(self._account_capabilities, own),
            "username": account.address,
        }
