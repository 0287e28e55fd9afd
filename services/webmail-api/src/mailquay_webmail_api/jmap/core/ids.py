"""Ids as JMAP and IMAP's OBJECTID show them (RFC 8620 §1.2, RFC 8474). No I/O here.

A letter for the kind and the number that the store gave: ``M12``, ``E345``, ``T345``. A client's
``#name`` stands for what the same request created under that creation id (RFC 8620 §5.3).
"""

import re
from typing import Final

from mailquay.store.types import AccountId, EmailId, MailboxId, ThreadId

__all__ = [
    "account_id",
    "email_id",
    "identity_id",
    "mailbox_id",
    "parse_account_id",
    "parse_email_id",
    "parse_identity_id",
    "parse_mailbox_id",
    "parse_submission_id",
    "parse_thread_id",
    "parse_upload_id",
    "submission_id",
    "thread_id",
    "upload_id",
]

_ID: Final = re.compile(r"([A-Z])(0|[1-9][0-9]{0,18})")


def _parse(letter: str, text: object) -> int | None:
    if not isinstance(text, str):
        return None
    match = _ID.fullmatch(text)
    if match is None or match[1] != letter:
        return None
    number = int(match[2])
    return number if number < 1 << 63 else None


def account_id(number: int) -> str:
    """JMAP's account id."""
    return f"A{number}"


def email_id(number: int) -> str:
    """EMAILID."""
    return f"E{number}"


def mailbox_id(number: int) -> str:
    """MAILBOXID."""
    return f"M{number}"


def thread_id(number: int) -> str:
    """THREADID."""
    return f"T{number}"


def identity_id(number: int) -> str:
    """An Identity's id (RFC 8621 §6)."""
    return f"I{number}"


def submission_id(number: int) -> str:
    """An EmailSubmission's id (RFC 8621 §7)."""
    return f"S{number}"


def upload_id(number: int) -> str:
    """The blob id of an upload (RFC 8620 §6.1)."""
    return f"U{number}"


def parse_account_id(text: object) -> AccountId | None:
    """The account's number, or None when that is no account id."""
    number = _parse("A", text)
    return None if number is None else AccountId(number)


def parse_email_id(text: object) -> EmailId | None:
    """The email's number, or None when that is no email id."""
    number = _parse("E", text)
    return None if number is None else EmailId(number)


def parse_mailbox_id(text: object) -> MailboxId | None:
    """The mailbox's number, or None when that is no mailbox id."""
    number = _parse("M", text)
    return None if number is None else MailboxId(number)


def parse_thread_id(text: object) -> ThreadId | None:
    """The thread's number, or None when that is no thread id."""
    number = _parse("T", text)
    return None if number is None else ThreadId(number)


def parse_identity_id(text: object) -> int | None:
    """The identity's number, or None when that is no identity id."""
    return _parse("I", text)


def parse_submission_id(text: object) -> int | None:
    """The submission's number, or None when that is no submission id."""
    return _parse("S", text)


def parse_upload_id(text: object) -> int | None:
    """The upload's number, or None when that is no upload id."""
    return _parse("U", text)
