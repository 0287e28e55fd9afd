"""Mail: mailboxes, emails, threads, search snippets (RFC 8621 §2 to §5)."""

from typing import Final

from mailquay_webmail_api.jmap.core.context import Method
from mailquay_webmail_api.jmap.mail.email_changes import change_emails, change_threads
from mailquay_webmail_api.jmap.mail.email_get import get_emails, parse_emails
from mailquay_webmail_api.jmap.mail.email_import import copy_emails, import_emails
from mailquay_webmail_api.jmap.mail.email_query import changed_email_query, query_emails
from mailquay_webmail_api.jmap.mail.email_set import set_emails
from mailquay_webmail_api.jmap.mail.limits import account_capability, collations
from mailquay_webmail_api.jmap.mail.mailbox_get import change_mailboxes, get_mailboxes
from mailquay_webmail_api.jmap.mail.mailbox_query import changed_mailbox_query, query_mailboxes
from mailquay_webmail_api.jmap.mail.mailbox_set import set_mailboxes
from mailquay_webmail_api.jmap.mail.snippets import get_snippets
from mailquay_webmail_api.jmap.mail.thread_get import get_threads

__all__ = ["METHODS", "account_capability", "collations"]

METHODS: Final[dict[str, Method]] = {
    "Mailbox/get": get_mailboxes,
    "Mailbox/changes": change_mailboxes,
    "Mailbox/query": query_mailboxes,
    "Mailbox/queryChanges": changed_mailbox_query,
    "Mailbox/set": set_mailboxes,
    "Thread/get": get_threads,
    "Thread/changes": change_threads,
    "Email/get": get_emails,
    "Email/changes": change_emails,
    "Email/query": query_emails,
    "Email/queryChanges": changed_email_query,
    "Email/set": set_emails,
    "Email/copy": copy_emails,
    "Email/import": import_emails,
    "Email/parse": parse_emails,
    "SearchSnippet/get": get_snippets,
}
