"""Sending: identities and submissions (RFC 8621 §6, §7)."""

from typing import Final

from mailquay_webmail_api.jmap.core.context import Method
from mailquay_webmail_api.jmap.submission.email_submission import (
    change_submissions,
    get_submissions,
    set_submissions,
)
from mailquay_webmail_api.jmap.submission.identity import (
    change_identities,
    get_identities,
    set_identities,
)
from mailquay_webmail_api.jmap.submission.querying import (
    query_submission_changes,
    query_submissions,
)

__all__ = ["METHODS"]

METHODS: Final[dict[str, Method]] = {
    "Identity/get": get_identities,
    "Identity/changes": change_identities,
    "Identity/set": set_identities,
    "EmailSubmission/get": get_submissions,
    "EmailSubmission/changes": change_submissions,
    "EmailSubmission/query": query_submissions,
    "EmailSubmission/queryChanges": query_submission_changes,
    "EmailSubmission/set": set_submissions,
}
