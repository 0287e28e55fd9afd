"""Changing many emails at once, wherever they are (RFC 8621 §4.6): one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from mailquay.store.engine import Connection, Engine
from mailquay.store.errors import StateChanged
from mailquay.store.places import lock_state, remove_places
from mailquay.store.types import AccountId, EmailId, Flag, MailboxId, ModSeq

__all__ = ["EmailSets", "EmailUpdate", "EmailsSet", "KeywordsChange", "Rejection"]

#: The flags that are keywords to JMAP (RFC 8621 §4.1.1).
_KEYWORD_FLAGS: Final = int(Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED | Flag.DRAFT)


class Rejection(Enum):
    """Why an email was left as it is."""

    NOT_FOUND = "notFound"
    NO_SUCH_MAILBOX = "a mailbox is not there, or holds no messages"
    IN_NO_MAILBOX = "an email must be in a mailbox"
    TOO_MANY_KEYWORDS = "tooManyKeywords"
    TOO_MANY_MAILBOXES = "tooManyMailboxes"


@dataclass(frozen=True, slots=True)
class KeywordsChange:
    """Keywords to take away, then those to set; ``replace``: nothing else stays."""

    add_flags: int = 0
    remove_flags: int = 0
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    replace: bool = False

    def flags(self, old: int) -> int:
        """A place's flags after it."""
        if self.replace:
            return old & ~_KEYWORD_FLAGS | self.add_flags
        return old & ~self.remove_flags | self.add_flags

    def keywords(self, old: Iterable[str]) -> tuple[str, ...]:
        """A place's keywords after it; those that stay keep their spelling."""
        wanted = {word.lower(): word for word in self.add}
        kept = {word.lower(): word for word in old}
        if self.replace:
            kept = {key: word for key, word in kept.items() if key in wanted}
        for word in self.remove:
            kept.pop(word.lower(), None)
        return tuple({**wanted, **kept}.values())


@dataclass(frozen=True, slots=True)
class EmailUpdate:
    """What is to change of one email; None leaves it."""

    email_id: EmailId
    keywords: KeywordsChange | None = None
    add_mailboxes: frozenset[MailboxId] = frozenset()
    remove_mailboxes: frozenset[MailboxId] = frozenset()
    #: All others go.
    replace_mailboxes: bool = False

    def mailboxes(self, old: frozenset[MailboxId]) -> frozenset[MailboxId]:
        """The mailboxes it is in after it."""
        if self.replace_mailboxes:
            return self.add_mailboxes
        return old - self.remove_mailboxes | self.add_mailboxes


@dataclass(frozen=True, slots=True)
class EmailsSet:
    """What was done; ``before`` and ``modseq`` are the same when nothing has changed."""

    before: ModSeq
    modseq: ModSeq
    mailbox_ids: tuple[MailboxId, ...]
    rejected: Mapping[EmailId, Rejection]


@dataclass(frozen=True, slots=True)
class _Place:
    mailbox_id: MailboxId
    uid: int
    flags: int
    keywords: tuple[str, ...]

    @property
    def is_visible(self) -> bool:
        return not self.flags & Flag.DELETED


@dataclass(slots=True)
class _Work:
    """What is to be written, gathered over all emails."""

    changed: list[tuple[_Place, int, tuple[str, ...]]] = field(default_factory=list)
    added: list[tuple[MailboxId, EmailId, int, tuple[str, ...]]] = field(default_factory=list)
    removed: defaultdict[MailboxId, list[int]] = field(default_factory=lambda: defaultdict(list))

    def mailbox_ids(self) -> set[MailboxId]:
        changed = {place.mailbox_id for place, _, _ in self.changed}
        return changed | {row[0] for row in self.added} | set(self.removed)


_CHANGE: Final = """
    UPDATE mailbox_email p SET
        flags = u.flags, modseq = $5,
        keywords = CASE WHEN u.keywords = '' THEN NULL ELSE string_to_array(u.keywords, ' ') END
    FROM unnest($2::bigint[], $3::bigint[], $4::smallint[], $6::text[])
         AS u(mailbox_id, uid, flags, keywords)
    WHERE p.account_id = $1 AND p.mailbox_id = u.mailbox_id AND p.uid = u.uid
"""

_COUNT_UNSEEN: Final = """
    UPDATE mailbox m SET unseen = m.unseen + u.unseen, highestmodseq = $4
    FROM unnest($2::bigint[], $3::bigint[]) AS u(id, unseen)
    WHERE m.account_id = $1 AND m.id = u.id
"""

_ADD: Final = """
    WITH added AS (
        SELECT u.mailbox_id, u.email_id, u.flags, u.keywords, e.thread_id, e.size, e.received_at,
               row_number() OVER (PARTITION BY u.mailbox_id ORDER BY u.email_id) - 1 AS place
        FROM unnest($2::bigint[], $3::bigint[], $4::smallint[], $5::text[])
             AS u(mailbox_id, email_id, flags, keywords)
        JOIN email e ON e.account_id = $1 AND e.id = u.email_id
    ), counted AS (
        UPDATE mailbox m SET
            uidnext = m.uidnext + g.messages, messages = m.messages + g.messages,
            unseen = m.unseen + g.unseen, bytes = m.bytes + g.bytes, highestmodseq = $6
        FROM (
            SELECT mailbox_id, count(*) AS messages, sum(size) AS bytes,
                   count(*) FILTER (WHERE flags & 1 = 0) AS unseen
            FROM added GROUP BY mailbox_id
        ) g
        WHERE m.account_id = $1 AND m.id = g.mailbox_id
        RETURNING m.id, m.uidnext - g.messages AS first
    )
    INSERT INTO mailbox_email (account_id, mailbox_id, uid, email_id, modseq, created_modseq,
                               flags, keywords, size, received_at, saved_at, thread_id)
    SELECT $1, a.mailbox_id, c.first + a.place, a.email_id, $6, $6, a.flags,
           CASE WHEN a.keywords = '' THEN NULL ELSE string_to_array(a.keywords, ' ') END,
           a.size, a.received_at, now(), a.thread_id
    FROM added a JOIN counted c ON c.id = a.mailbox_id
"""


class EmailSets:
    """Updates and destroys emails."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def apply(
        self,
        account_id: AccountId,
        updates: Sequence[EmailUpdate],
        destroy: Sequence[EmailId] = (),
        *,
        max_keywords: int,
        max_mailboxes: int,
        if_state: int | None = None,
    ) -> EmailsSet:
        """Change emails, each as a whole or not at all, then take others out of every mailbox.

        The number of statements grows with the mailboxes, not with the emails.

        Raises:
            NotFound: the account is gone.
            StateChanged: its modseq is not ``if_state``.
        """
        work = _Work()
        rejected: dict[EmailId, Rejection] = {}
        async with self._engine.transaction() as c:
            modseq = await lock_state(c, account_id)
            before = ModSeq(modseq - 1)
            if if_state not in (None, before):
                raise StateChanged(f"the account is at {before}, not at {if_state}")
            places = await _places(c, account_id, [*(u.email_id for u in updates), *destroy])
            holding = await _lock_mailboxes(c, account_id, updates, places)
            for update in updates:
                found = places.get(update.email_id, [])
                after = update.mailboxes(_visible_in(found))
                if not any(place.is_visible for place in found):
                    rejected[update.email_id] = Rejection.NOT_FOUND
                elif not after:
                    rejected[update.email_id] = Rejection.IN_NO_MAILBOX
                elif not update.add_mailboxes <= holding:
                    rejected[update.email_id] = Rejection.NO_SUCH_MAILBOX
                elif len(after) > max_mailboxes:
                    rejected[update.email_id] = Rejection.TOO_MANY_MAILBOXES
                elif _keywords_of(update, found) > max_keywords:
                    rejected[update.email_id] = Rejection.TOO_MANY_KEYWORDS
                else:
                    _plan(work, update, found, after)
            for email_id in destroy:
                found = places.get(email_id, [])
                if not any(place.is_visible for place in found):
                    rejected[email_id] = Rejection.NOT_FOUND
                    continue
                for place in found:
                    work.removed[place.mailbox_id].append(place.uid)
            mailbox_ids = tuple(sorted(work.mailbox_ids()))
            if not mailbox_ids:
                return EmailsSet(before, before, (), rejected)
            await _write(c, account_id, work, modseq)
        return EmailsSet(before, modseq, mailbox_ids, rejected)


async def _places(
    c: Connection, account_id: AccountId, email_ids: Sequence[int]
) -> dict[EmailId, list[_Place]]:
    rows = await c.fetch(
        "SELECT email_id, mailbox_id, uid, flags, keywords FROM mailbox_email "
        "WHERE account_id = $1 AND email_id = ANY($2::bigint[]) ORDER BY mailbox_id, uid",
        account_id, email_ids,
    )  # fmt: skip
    found: dict[EmailId, list[_Place]] = {}
    for email_id, mailbox_id, uid, flags, keywords in rows:
        place = _Place(MailboxId(mailbox_id), uid, flags, tuple(keywords or ()))
        found.setdefault(EmailId(email_id), []).append(place)
    return found


async def _lock_mailboxes(
    c: Connection,
    account_id: AccountId,
    updates: Sequence[EmailUpdate],
    places: Mapping[EmailId, Sequence[_Place]],
) -> set[MailboxId]:
    """Lock the mailboxes that may change, by id; return those that hold messages."""
    named = {place.mailbox_id for found in places.values() for place in found}
    for update in updates:
        named |= update.add_mailboxes
    rows = await c.fetch(
        "SELECT id FROM mailbox WHERE account_id = $1 AND id = ANY($2::bigint[]) "
        "AND is_selectable ORDER BY id FOR UPDATE",
        account_id, list(named),
    )  # fmt: skip
    return {MailboxId(row[0]) for row in rows}


def _visible_in(places: Sequence[_Place]) -> frozenset[MailboxId]:
    return frozenset(place.mailbox_id for place in places if place.is_visible)


def _email_flags(places: Sequence[_Place]) -> int:
    """As `email_objects.FLAGS_OF_PLACES`."""
    visible = [place.flags for place in places if place.is_visible]
    seen = int(Flag.SEEN) if all(flags & Flag.SEEN for flags in visible) else 0
    others = 0
    for flags in visible:
        others |= flags
    return seen | others & (_KEYWORD_FLAGS & ~Flag.SEEN)


def _email_keywords(places: Sequence[_Place]) -> tuple[str, ...]:
    words = (word for place in places if place.is_visible for word in place.keywords)
    return tuple({word.lower(): word for word in words}.values())


def _keywords_of(update: EmailUpdate, places: Sequence[_Place]) -> int:
    """How many keywords of its own the email would have; 0 when it gets none."""
    if update.keywords is None or not update.keywords.add:
        return 0
    return len(update.keywords.keywords(_email_keywords(places)))


def _plan(
    work: _Work, update: EmailUpdate, places: Sequence[_Place], after: frozenset[MailboxId]
) -> None:
    """Say what happens to each of the email's places, and which it gets."""
    for place in places:
        if place.mailbox_id not in after:
            work.removed[place.mailbox_id].append(place.uid)
        elif update.keywords is not None and place.is_visible:
            flags = update.keywords.flags(place.flags)
            keywords = update.keywords.keywords(place.keywords)
            if flags != place.flags or set(keywords) != set(place.keywords):
                work.changed.append((place, flags, keywords))
    flags, keywords = _email_flags(places), _email_keywords(places)
    if update.keywords is not None:
        flags, keywords = update.keywords.flags(flags), update.keywords.keywords(keywords)
    for mailbox_id in sorted(after - _visible_in(places)):
        work.added.append((mailbox_id, update.email_id, flags, keywords))


async def _write(c: Connection, account_id: AccountId, work: _Work, modseq: ModSeq) -> None:
    await c.execute(
        "UPDATE account_state SET modseq = $2 WHERE account_id = $1", account_id, modseq
    )
    if work.changed:
        await c.execute(
            _CHANGE, account_id, [place.mailbox_id for place, _, _ in work.changed],
            [place.uid for place, _, _ in work.changed],
            [int(flags) for _, flags, _ in work.changed], modseq,
            [" ".join(keywords) for _, _, keywords in work.changed],
        )  # fmt: skip
        unseen: defaultdict[MailboxId, int] = defaultdict(int)
        for place, flags, _ in work.changed:
            unseen[place.mailbox_id] += (place.flags & 1) - (flags & 1)
        await c.execute(_COUNT_UNSEEN, account_id, list(unseen), list(unseen.values()), modseq)
    if work.added:
        await c.execute(
            _ADD, account_id, [row[0] for row in work.added], [row[1] for row in work.added],
            [int(row[2]) for row in work.added], [" ".join(row[3]) for row in work.added], modseq,
        )  # fmt: skip
    # Last, as an email without any place is forgotten.
    for mailbox_id, uids in sorted(work.removed.items()):
        await remove_places(c, account_id, mailbox_id, uids, modseq)
