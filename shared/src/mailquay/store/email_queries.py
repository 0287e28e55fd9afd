"""Finding emails of an account, each once, sorted and windowed (RFC 8621 §4.4).

The places of the emails are enough for what is asked most: a mailbox, by the date of receipt. The
wide rows of the emails are joined only where a condition or a sort wants them. What only a body
tells comes in as `Ids`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from mailquay.store.email_conditions import (
    Condition,
    Every,
    FieldContains,
    HasAttachment,
    HasField,
    HasKeyword,
    Ids,
    InBody,
    InHeader,
    InMailbox,
    InOtherMailbox,
    NoneOf,
    Quantifier,
    Received,
    SizeBelow,
    Some,
    ThreadHasKeyword,
)
from mailquay.store.email_objects import FLAGS_OF_PLACES
from mailquay.store.engine import Engine
from mailquay.store.errors import NotFound
from mailquay.store.types import AccountId, EmailId, ModSeq

__all__ = [
    "COLLATIONS",
    "Anchor",
    "EmailQueries",
    "EmailQuery",
    "Found",
    "OrderBy",
    "OrderKey",
    "Window",
]


class OrderKey(Enum):
    """What to sort by, as SQL over ``m``, an email's places, and ``e``, its row."""

    RECEIVED_AT = "m.received_at"
    SIZE = "m.size"
    SENT_AT = "coalesce(e.sent_at, m.received_at)"
    SUBJECT = "e.base_subject"
    FROM = "from_"
    TO = "to_"
    KEYWORD = "keyword"


_TEXT_KEYS: Final = (OrderKey.SUBJECT, OrderKey.FROM, OrderKey.TO)
_EMAIL_KEYS: Final = (OrderKey.SENT_AT, *_TEXT_KEYS)
#: Texts are compared by these (RFC 4790), as SQL; without one, as the database's language does.
COLLATIONS: Final = {
    None: "lower({})",
    "i;unicode-casemap": 'upper({}) COLLATE "C"',
    "i;ascii-casemap": "translate({}, 'abcdefghijklmnopqrstuvwxyz', "
    "'ABCDEFGHIJKLMNOPQRSTUVWXYZ') COLLATE \"C\"",
    "i;octet": '{} COLLATE "C"',
}
# The first address' name, else its address (RFC 8621 §4.4.2), out of the field's decoded text.
_FIRST_NAME: Final = r"""
    coalesce(
        nullif(btrim(substring({0} from '^\s*"((?:[^"\\]|\\.)*)"\s*<')), ''),
        nullif(btrim(substring({0} from '^([^<",]*)<')), ''),
        substring({0} from '^[^,]*<([^>]*)>'),
        btrim(split_part({0}, ',', 1)))
"""


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One key of a sort; ``keyword`` is a condition that sorts false before true."""

    key: OrderKey
    ascending: bool = True
    collation: str | None = None
    keyword: HasKeyword | ThreadHasKeyword | None = None


@dataclass(frozen=True, slots=True)
class EmailQuery:
    """Which emails, in which order; ``collapse``: only the first of each thread."""

    condition: Condition
    order: tuple[OrderBy, ...] = ()
    collapse: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """The window begins so far from that email."""

    email_id: int
    offset: int


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of the results; a negative ``position`` counts from the end."""

    position: int
    limit: int
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A window's emails, where it begins, and how many there are in all."""

    state: ModSeq
    ids: tuple[EmailId, ...]
    position: int
    total: int
    has_anchor: bool


class EmailQueries:
    """Runs queries; each call is one statement."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def window(self, account_id: AccountId, query: EmailQuery, window: Window) -> Found:
        """A window of the results.

        Raises:
            NotFound: the account is gone.
        """
        sql = _Statement(account_id)
        results = sql.results(query)
        total = "(SELECT count(*) FROM found)"
        if window.anchor is not None:
            anchor = sql.argument(window.anchor.email_id)
            offset = sql.argument(window.anchor.offset)
            start = f"(SELECT greatest(n + {offset}::bigint, 0) FROM found WHERE id = {anchor})"
        else:
            position = sql.argument(window.position)
            start = (
                f"(SELECT CASE WHEN {position}::bigint >= 0 THEN {position}::bigint "
                f"ELSE greatest({position}::bigint + {total}, 0) END)"
            )
        limit = sql.argument(window.limit)
        statement = (
            f"WITH found AS MATERIALIZED ({results}), start AS (SELECT {start} AS n) "
            f"SELECT s.modseq, start.n, {total}, ARRAY(SELECT f.id FROM found f, start WHERE "
            f"f.n >= start.n AND f.n < start.n + {limit}::bigint ORDER BY f.n) "
            "FROM account_state s, start WHERE s.account_id = $1"
        )
        async with self._engine.search() as c:
            row = await c.fetchrow(statement, *sql.arguments)
        if row is None:
            raise NotFound(f"there is no account {account_id}")
        ids = tuple(EmailId(number) for number in row[3])
        has_anchor = row[1] is not None
        return Found(ModSeq(row[0]), ids, row[1] if has_anchor else 0, row[2], has_anchor)

    async def places_among(
        self, account_id: AccountId, query: EmailQuery, email_ids: Sequence[int]
    ) -> tuple[ModSeq, int, list[tuple[EmailId, int]]]:
        """The account's modseq, how many results there are, and where in them those emails are.

        Raises:
            NotFound: the account is gone.
        """
        sql = _Statement(account_id)
        results = sql.results(query)
        among = sql.argument(list(email_ids))
        statement = (
            f"WITH found AS MATERIALIZED ({results}) "
            "SELECT s.modseq, (SELECT count(*) FROM found), f.id, f.n FROM account_state s "
            f"LEFT JOIN found f ON f.id = ANY({among}::bigint[]) WHERE s.account_id = $1 "
            "ORDER BY f.n"
        )
        async with self._engine.search() as c:
            rows = await c.fetch(statement, *sql.arguments)
        if not rows:
            raise NotFound(f"there is no account {account_id}")
        places = [(EmailId(row[2]), int(row[3])) for row in rows if row[2] is not None]
        return ModSeq(rows[0][0]), rows[0][1], places

    async def newest(
        self, account_id: AccountId, condition: Condition, limit: int
    ) -> list[EmailId]:
        """At most ``limit`` emails that match, those received last first."""
        sql = _Statement(account_id)
        results = sql.results(EmailQuery(condition, (OrderBy(OrderKey.RECEIVED_AT, False),)))
        statement = f"SELECT id FROM ({results}) found WHERE n < {sql.argument(limit)} ORDER BY n"
        async with self._engine.search() as c:
            rows = await c.fetch(statement, *sql.arguments)
        return [EmailId(row[0]) for row in rows]


class _Statement:
    """Builds a statement; every value is an argument, and only our own names are text."""

    def __init__(self, account_id: AccountId) -> None:
        self.arguments: list[Any] = [account_id]
        self._keywords: list[str] = []
        self._wants_email = False
        self._wants_all_places = False

    def argument(self, value: Any) -> str:
        """A place for a value."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def results(self, query: EmailQuery) -> str:
        """``id`` and ``n``, its place in the results, of every email that matches."""
        mailbox_id, condition = _take_mailbox(query.condition)
        where = self._condition(condition)
        order = ", ".join([*(self._order(key) for key in query.order), "m.id DESC"])
        email = "JOIN email e ON e.account_id = $1 AND e.id = m.id " if self._wants_email else ""
        numbered = (
            f"SELECT m.id, m.thread_id, row_number() OVER (ORDER BY {order}) - 1 AS n "
            f"FROM ({self._places(mailbox_id)}) m {email}WHERE {where}"
        )
        if not query.collapse:
            return numbered
        # The first of each thread stays (RFC 8621 §4.4.3), and those are numbered anew.
        return (
            "SELECT id, row_number() OVER (ORDER BY n) - 1 AS n FROM (SELECT id, n, row_number() "
            f"OVER (PARTITION BY thread_id ORDER BY n) AS nth FROM ({numbered}) a) b WHERE nth = 1"
        )

    def _places(self, mailbox_id: int | None) -> str:
        """The emails by their places, of one mailbox or of all."""
        columns = "email_id AS id, thread_id, received_at, size"
        if self._wants_all_places:
            columns += f", {FLAGS_OF_PLACES} AS flags, array_agg(mailbox_id) AS mailbox_ids"
            columns += "".join(
                f", bool_or({keyword} = ANY(lower(keywords::text)::text[])) AS keyword_{n}"
                for n, keyword in enumerate(self._keywords)
            )
        within = ""
        if mailbox_id is not None:
            one = f"mailbox_id = {self.argument(mailbox_id)}"
            within = f" AND {one}"
            if self._wants_all_places:
                # The email's other places have a say in its keywords.
                within = (
                    " AND email_id IN (SELECT email_id FROM mailbox_email WHERE account_id = $1 "
                    f"AND {one} AND flags & 8 = 0)"
                )
        return (
            f"SELECT {columns} FROM mailbox_email WHERE account_id = $1 AND flags & 8 = 0{within} "
            "GROUP BY email_id, thread_id, received_at, size"
        )

    def _condition(self, condition: Condition) -> str:
        match condition:
            case Every(terms):
                return "(" + " AND ".join(["true", *map(self._condition, terms)]) + ")"
            case Some(terms):
                return "(" + " OR ".join(["false", *map(self._condition, terms)]) + ")"
            case NoneOf(terms):
                return f"NOT {self._condition(Some(terms))}"
            case Ids(ids):
                return f"(m.id = ANY({self.argument(list(ids))}::bigint[]))"
            case InMailbox(mailbox_id):
                self._wants_all_places = True
                return f"({self.argument(mailbox_id)} = ANY(m.mailbox_ids))"
            case InOtherMailbox(mailbox_ids):
                self._wants_all_places = True
                return f"(NOT m.mailbox_ids <@ {self.argument(list(mailbox_ids))}::bigint[])"
            case HasKeyword():
                return self._keyword(condition)
            case ThreadHasKeyword():
                return self._thread_keyword(condition)
            case Received():
                return self._received(condition)
            case SizeBelow(size):
                return f"(m.size < {self.argument(size)})"
            case InBody() | InHeader():
                raise AssertionError("what only messages tell was to be put in as ids")
        return self._email_condition(condition)

    def _email_condition(self, condition: HasAttachment | HasField | FieldContains) -> str:
        self._wants_email = True
        match condition:
            case HasAttachment():
                return "e.has_attachment"
            case HasField(field):
                return f"({field.value} <> '')"
            case FieldContains(field, text):
                return f"({field.value} ILIKE {self.argument(_like(text))})"

    def _keyword(self, term: HasKeyword) -> str:
        self._wants_all_places = True
        if term.flag:
            return f"(m.flags & {term.flag} <> 0)"
        # A column among those of an email's places.
        self._keywords.append(self.argument(term.keyword.lower()))
        return f"coalesce(m.keyword_{len(self._keywords) - 1}, false)"

    def _received(self, term: Received) -> str:
        parts = ["true"]
        if term.since is not None:
            parts.append(f"m.received_at >= {self.argument(term.since)}")
        if term.before is not None:
            parts.append(f"m.received_at < {self.argument(term.before)}")
        return f"({' AND '.join(parts)})"

    def _thread_keyword(self, term: ThreadHasKeyword) -> str:
        """Threads with the keyword, found once and not for each email."""
        if term.keyword.flag:
            has = f"{FLAGS_OF_PLACES} & {term.keyword.flag} <> 0"
        else:
            keyword = self.argument(term.keyword.keyword.lower())
            has = f"coalesce(bool_or({keyword} = ANY(lower(keywords::text)::text[])), false)"
        every = "bool_and" if term.quantifier is Quantifier.ALL else "bool_or"
        return (
            f"(m.thread_id IN (SELECT thread_id FROM (SELECT thread_id, {has} AS has "
            "FROM mailbox_email WHERE account_id = $1 AND flags & 8 = 0 "
            f"GROUP BY thread_id, email_id) t GROUP BY thread_id HAVING {every}(has)))"
        )

    def _order(self, by: OrderBy) -> str:
        if by.key is OrderKey.KEYWORD:
            assert by.keyword is not None, "a sort by keyword names it"
            expression = self._condition(by.keyword)
        else:
            self._wants_email = self._wants_email or by.key in _EMAIL_KEYS
            expression = by.key.value
        if by.key in (OrderKey.FROM, OrderKey.TO):
            expression = _FIRST_NAME.format(f"e.{by.key.value}")
        if by.key in _TEXT_KEYS:
            expression = COLLATIONS[by.collation].format(expression)
        return f"{expression} {'ASC' if by.ascending else 'DESC'}"


def _take_mailbox(condition: Condition) -> tuple[int | None, Condition]:
    """A mailbox that every match is in, which then is where the search begins; and the rest."""
    match condition:
        case InMailbox(mailbox_id):
            return mailbox_id, Every()
        case Every(terms):
            for place, term in enumerate(terms):
                if isinstance(term, InMailbox):
                    return term.mailbox_id, Every((*terms[:place], *terms[place + 1 :]))
    return None, condition


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
