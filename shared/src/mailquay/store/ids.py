"""Object ids as clients see them: MAILBOXID, EMAILID, THREADID (RFC 8474), JMAP's ids, UIDL.

A letter for the kind and the number that the store gave; unique, and never given out again.
"""

__all__ = ["email_object_id", "mailbox_object_id", "thread_object_id"]


def mailbox_object_id(number: int) -> str:
    """MAILBOXID."""
    return f"M{number}"


def email_object_id(number: int) -> str:
    """EMAILID, and POP3's unique-id."""
    return f"E{number}"


def thread_object_id(number: int) -> str:
    """THREADID."""
    return f"T{number}"
