"""The store: everything in Postgres, one repository an aggregate."""

from contextlib import AbstractAsyncContextManager

from mailquay.runtime.settings import DatabaseSettings
from mailquay.store.accounts import Accounts
from mailquay.store.acl import Acl
from mailquay.store.changes import Changes
from mailquay.store.declarations import Declarations
from mailquay.store.deliveries import Deliveries
from mailquay.store.email_objects import EmailObjects
from mailquay.store.email_queries import EmailQueries
from mailquay.store.email_sets import EmailSets
from mailquay.store.emails import Emails
from mailquay.store.engine import Engine
from mailquay.store.identities import Identities
from mailquay.store.mailbox_edits import MailboxEdits
from mailquay.store.mailbox_objects import MailboxObjects
from mailquay.store.mailboxes import Mailboxes
from mailquay.store.packs import Packs
from mailquay.store.policies import Policies
from mailquay.store.queue import Queue
from mailquay.store.recipients import Recipients
from mailquay.store.relays import Relays
from mailquay.store.reports import Reports
from mailquay.store.schema import THIS_RELEASE
from mailquay.store.search import Searches
from mailquay.store.sessions import WebSessions
from mailquay.store.states import States
from mailquay.store.status import Statuses
from mailquay.store.submissions import Submissions
from mailquay.store.summary import Summary
from mailquay.store.tasks import Tasks
from mailquay.store.trimming import Trims
from mailquay.store.uploads import Uploads

__all__ = ["Store"]


class Store:
    """The repositories over one pool of connections."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.accounts = Accounts(engine)
        self.declarations = Declarations(engine)
        self.recipients = Recipients(engine)
        self.mailboxes = Mailboxes(engine)
        self.acl = Acl(engine)
        self.mailbox_objects = MailboxObjects(engine)
        self.mailbox_edits = MailboxEdits(engine)
        self.emails = Emails(engine)
        self.email_objects = EmailObjects(engine)
        self.email_queries = EmailQueries(engine)
        self.email_sets = EmailSets(engine)
        self.changes = Changes(engine)
        self.searches = Searches(engine)
        self.statuses = Statuses(engine)
        self.deliveries = Deliveries(engine)
        self.queue = Queue(engine)
        self.policies = Policies(engine)
        self.relays = Relays(engine)
        self.reports = Reports(engine)
        self.packs = Packs(engine)
        self.uploads = Uploads(engine)
        self.identities = Identities(engine)
        self.submissions = Submissions(engine)
        self.sessions = WebSessions(engine)
        self.states = States(engine)
        self.trims = Trims(engine)
        self.tasks = Tasks(engine)
        self.summary = Summary(engine)

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> "Store":
        """Open the pool.

        Raises:
            StoreUnavailable: Postgres does not answer.
        """
        return cls(await Engine.open(settings))

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.close()

    def alone(self, task: str) -> AbstractAsyncContextManager[bool]:
        """Keep other processes from a task meanwhile; False: one of them is at it."""
        return self._engine.alone(task)

    def measure(self) -> None:
        """Set the metrics of the pool; to be called every few seconds."""
        self._engine.measure()

    async def check(self) -> None:
        """Ask Postgres whether it answers and this release can run on its schema: for readiness.

        Raises:
            StoreUnavailable: it does not answer.
            SchemaBehind, SchemaAhead: this release cannot run on its schema.
        """
        if (why := THIS_RELEASE.misfit(await self._engine.schema())) is not None:
            raise why
