"""What the store may raise.

::

    StoreError
        StoreUnavailable     Postgres cannot be reached, or gave up; the same may succeed later
            RolledBack       it has undone everything, and may do it if it is asked again
            SchemaBehind     the schema lacks what this release needs
            SchemaAhead      the schema serves newer releases only
        NotFound             no such domain, account, mailbox, …
        AlreadyExists        the name is taken
        Refused              the change is not allowed (INBOX, a parent of itself, …)
            HasInferiors     other mailboxes are below that name
            LimitReached     there are as many as there may be
            RoleTaken        another mailbox has the role
        OverQuota            the account has no room for it
        StateChanged         the account is no longer as the change was meant for
        Forgotten            what has happened since then was trimmed; all is to be read anew
"""

__all__ = [
    "AlreadyExists",
    "Forgotten",
    "HasInferiors",
    "LimitReached",
    "NotFound",
    "OverQuota",
    "Refused",
    "RoleTaken",
    "RolledBack",
    "SchemaAhead",
    "SchemaBehind",
    "StateChanged",
    "StoreError",
    "StoreUnavailable",
]


class StoreError(Exception):
    """Anything that the store raises of its own."""


class StoreUnavailable(StoreError):
    """Postgres is away, overloaded, or broke a deadlock at our cost: try again later."""


class RolledBack(StoreUnavailable):
    """Postgres broke it off by itself, a deadlock for one: nothing of it has happened."""


class SchemaBehind(StoreUnavailable):
    """The schema is missing, or lacks what this release needs."""


class SchemaAhead(StoreUnavailable):
    """The schema has been contracted: it serves newer releases only."""


class NotFound(StoreError):
    """What was named is not there."""


class AlreadyExists(StoreError):
    """The name is taken."""


class Refused(StoreError):
    """The change is not allowed."""


class HasInferiors(Refused):
    """The name has mailboxes below it."""


class LimitReached(Refused):
    """There are as many as there may be."""


class RoleTaken(Refused):
    """Another mailbox has the role."""


class OverQuota(StoreError):
    """The account has no room left."""


class Forgotten(StoreError):
    """What went since then is not known any more: whoever asks has to read everything anew."""


class StateChanged(StoreError):
    """The account is no longer as the change was meant for (RFC 8620 §5.3, ifInState)."""
