"""The schema, as SQLAlchemy tables; Alembic's migrations are compared with it.

Rules that hold for every table:

* What belongs to an account carries ``account_id`` first in its key, so that the tables can be
  spread over a distributed Postgres without a change of query.
* Ids come from sequences and are never reused; they are the object ids of RFC 8474 and JMAP.
* One counter an account, ``account_state.modseq``, orders every change (RFC 7162, RFC 8620 §5.2).

No I/O here.
"""

from mailquay.store.tables import (
    accounts,
    bodies,
    emails,
    mailboxes,
    queue,
    schema,
    sharing,
    tasks,
)
from mailquay.store.tables.columns import METADATA

__all__ = [
    "METADATA",
    "accounts",
    "bodies",
    "emails",
    "mailboxes",
    "queue",
    "schema",
    "sharing",
    "tasks",
]
