"""Looking into messages for what the database does not know of them (RFC 8621 §4.4.1).

Bodies never change, so what was looked for once is remembered: the next page of the same search
reads nothing. Only the newest messages are looked into, as many as the settings say; of the older
ones a search knows the fields that are kept.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from mailquay.blobs import BlobError, BlobStore, BlobUnavailable
from mailquay.delivery.facts import HEADER_FIELDS
from mailquay.message.content import text_parts
from mailquay.message.header import Header
from mailquay.message.structure import decode_structure
from mailquay.store.email_conditions import (
    Condition,
    InBody,
    InHeader,
    MessageTerm,
    candidates,
    message_terms,
    substitute,
)
from mailquay.store.emails import Body
from mailquay.store.types import AccountId, EmailId
from mailquay_webmail_api.jmap.core.context import Context

__all__ = ["look_into_messages", "read_if_there"]

_LOG: Final = logging.getLogger(__name__)
#: Messages read and searched in one thread's hand-over.
_BODIES: Final = 64
#: Searches that a process remembers; each holds the numbers of the emails it has looked into.
_REMEMBERED: Final = 32


@dataclass(slots=True)
class _Findings:
    """In which emails a term was looked for, and in which it was found."""

    looked_into: set[int] = field(default_factory=set)
    found: set[int] = field(default_factory=set)


class _Memory:
    """The latest searches of a process."""

    def __init__(self) -> None:
        self._findings: OrderedDict[tuple[AccountId, MessageTerm], _Findings] = OrderedDict()

    def findings(self, account_id: AccountId, term: MessageTerm) -> _Findings:
        """What is known of a term; the one used longest ago is forgotten."""
        key = (account_id, term)
        findings = self._findings.setdefault(key, _Findings())
        self._findings.move_to_end(key)
        if len(self._findings) > _REMEMBERED:
            self._findings.popitem(last=False)
        return findings


#: One for each store of bodies, gone when that is.
_MEMORIES: Final[WeakKeyDictionary[BlobStore, _Memory]] = WeakKeyDictionary()


async def look_into_messages(context: Context, condition: Condition) -> Condition:
    """The condition with the emails found in the place of what only messages tell.

    Raises:
        StoreUnavailable, BlobError: a message cannot be read now.
    """
    terms = list(dict.fromkeys(message_terms(condition)))
    if not terms:
        return condition
    account_id = context.account.id
    memory = _MEMORIES.setdefault(context.blobs, _Memory())
    findings = {term: memory.findings(account_id, term) for term in terms}
    emails = await context.store.email_queries.newest(
        account_id, candidates(condition), context.settings.web.search_max_messages
    )
    kept = {term: known for term, known in findings.items() if _is_kept(term)}
    await _look_into_kept_fields(context, emails, kept)
    await _look_into_bodies(context, emails, {t: f for t, f in findings.items() if t not in kept})
    chosen = set(emails)
    return substitute(condition, {t: tuple(f.found & chosen) for t, f in findings.items()})


def _is_kept(term: MessageTerm) -> bool:
    return isinstance(term, InHeader) and term.name.encode("utf-8", "replace") in HEADER_FIELDS


async def _look_into_kept_fields(
    context: Context, emails: Sequence[EmailId], findings: dict[MessageTerm, _Findings]
) -> None:
    """What is kept with each email needs no body; too long a header was not kept."""
    wanted = [e for e in emails if any(e not in f.looked_into for f in findings.values())]
    if not wanted:
        return
    rows = await context.store.emails.columns(context.account.id, wanted, ["header_fields"])
    await asyncio.to_thread(_match_kept, {e: row[0] for e, row in rows.items()}, findings)
    long = [email for email, row in rows.items() if not row[0]]
    await _look_into_bodies(context, [EmailId(email) for email in long], findings)


def _match_kept(headers: dict[int, bytes], findings: dict[MessageTerm, _Findings]) -> None:
    for email, fields in headers.items():
        if fields:
            for term, known in findings.items():
                known.looked_into.add(email)
                if _matches(term, fields, len(fields), ()):
                    known.found.add(email)


async def _look_into_bodies(
    context: Context, emails: Sequence[EmailId], findings: dict[MessageTerm, _Findings]
) -> None:
    wanted = [e for e in emails if any(e not in f.looked_into for f in findings.values())]
    if not wanted:
        return
    located = await context.store.emails.bodies(context.account.id, wanted)
    # Neighbours in a pack are read one after the other.
    order = sorted(located.values(), key=lambda body: (body.pack_id.int, body.pack_offset))
    for start in range(0, len(order), _BODIES):
        bodies = order[start : start + _BODIES]
        raws = await asyncio.gather(*(read_if_there(context, body) for body in bodies))
        await asyncio.to_thread(_match, bodies, raws, findings)


async def read_if_there(context: Context, body: Body) -> bytes:
    """A message; nothing of one that is lost, so that the others can still be searched.

    Raises:
        BlobUnavailable: nobody can say now.
    """
    try:
        return await context.blobs.get(body)
    except BlobUnavailable:
        raise
    except BlobError as error:
        _LOG.error("email %d cannot be searched: %s", body.email_id, error)
        return b""


def _match(
    bodies: Sequence[Body], raws: Sequence[bytes], findings: dict[MessageTerm, _Findings]
) -> None:
    wants_text = any(isinstance(term, InBody) for term in findings)
    for body, raw in zip(bodies, raws, strict=True):
        texts: list[str] = []
        if wants_text:
            root = decode_structure(body.structure)
            texts = [" ".join(text.lower().split()) for text in text_parts(raw, root)]
        for term, known in findings.items():
            known.looked_into.add(body.email_id)
            if _matches(term, raw, body.header_length, texts):
                known.found.add(body.email_id)


def _matches(term: MessageTerm, raw: bytes, header_length: int, texts: Sequence[str]) -> bool:
    if isinstance(term, InBody):
        return any(term.text in text for text in texts)
    return _has_field(raw, header_length, term)


def _has_field(raw: bytes, length: int, term: InHeader) -> bool:
    header = Header(raw, 0, length)
    name = term.name.encode("utf-8", "replace")
    if header.get_raw(name) is None:
        return False
    return not term.text or term.text in header.all_decoded(name).lower()
