"""A session's maildrop: INBOX as it stood at sign-in; nothing that comes later is in it.

Several sessions may have one at the same time ([IN-USE] is never said): a snapshot needs no lock,
and what one of them deletes on QUIT is gone for the others as it is for an IMAP client.
"""

from dataclasses import dataclass, field

from mailquay.blobs import BlobStore
from mailquay.store import NotFound, Store
from mailquay.store.accounts import Account
from mailquay.store.emails import Body, Place
from mailquay.store.ids import email_object_id
from mailquay.store.types import MailboxId, ModSeq

__all__ = ["MailDrop", "NoSuchMessage"]


class NoSuchMessage(Exception):
    """There is no message of that number, or it is marked as deleted, or gone."""


@dataclass(slots=True)
class MailDrop:
    """Messages by number, from 1; deletions are kept here until QUIT."""

    account: Account
    mailbox_id: MailboxId
    places: list[Place]
    deleted: set[int] = field(default_factory=set)
    _repeated: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Find the messages that are in INBOX a second time, by uid."""
        seen: set[int] = set()
        for place in self.places:
            if place.email_id in seen:
                self._repeated.add(place.uid)
            seen.add(place.email_id)

    @classmethod
    async def open(cls, store: Store, account: Account) -> "MailDrop":
        """Take the snapshot.

        Raises:
            NotFound: the account is gone.
            StoreUnavailable: it cannot be read.
        """
        inbox = await store.mailboxes.find(account.id, "INBOX")
        if inbox is None:
            raise NotFound("the account is gone")
        return cls(account, inbox.id, await store.emails.places(account.id, inbox.id))

    def place(self, number: int) -> Place:
        """A message that is there still.

        Raises:
            NoSuchMessage
        """
        if not 1 <= number <= len(self.places) or number in self.deleted:
            raise NoSuchMessage
        return self.places[number - 1]

    def present(self) -> list[tuple[int, Place]]:
        """All messages that are there still, with their numbers."""
        return [(n, p) for n, p in enumerate(self.places, 1) if n not in self.deleted]

    def unique_id(self, place: Place) -> str:
        """UIDL: the EMAILID (RFC 8474); a second copy of the same message is told by its uid."""
        found = email_object_id(place.email_id)
        return f"{found}-{place.uid}" if place.uid in self._repeated else found

    async def body(self, store: Store, blobs: BlobStore, number: int) -> tuple[bytes, Body]:
        """A message's bytes, and how they are cut.

        Raises:
            NoSuchMessage: also when another session has expunged it.
            StoreUnavailable, BlobError
        """
        place = self.place(number)
        located = await store.emails.bodies(self.account.id, [place.email_id])
        body = located.get(place.email_id)
        if body is None:
            raise NoSuchMessage
        return await blobs.get(body), body

    async def update(self, store: Store) -> ModSeq | None:
        """The UPDATE state (RFC 1939 §6): remove what was marked; None when nothing was.

        Raises:
            NotFound: the account is gone.
            StoreUnavailable: nothing, or everything, was removed.
        """
        uids = [self.places[number - 1].uid for number in sorted(self.deleted)]
        if not uids:
            return None
        _, modseq = await store.emails.expunge(
            self.account.id, self.mailbox_id, uids, only_deleted=False
        )
        return modseq
