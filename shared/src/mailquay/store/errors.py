"""What the store may raise.

::

    StoreError
        StoreUnavailable     Postgres cannot be reached, or gave up; the same may succeed later
        NotFound             no such domain, account, mailbox, …
        AlreadyExists        the name is taken
        Refused              the change is not allowed (INBOX, a parent of itself, …)
        OverQuota            the account has no room for it
"""

__all__ = ["AlreadyExists", "NotFound", "OverQuota", "Refused", "StoreError", "StoreUnavailable"]


class StoreError(Exception):
    """Anything that the store raises of its own."""


class StoreUnavailable(StoreError):
    """Postgres is away, overloaded, or broke a deadlock at our cost: try again later."""


class NotFound(StoreError):
    """What was named is not there."""


class AlreadyExists(StoreError):
    """The name is taken."""


class Refused(StoreError):
    """The change is not allowed."""


class OverQuota(StoreError):
    """The account has no room left."""
