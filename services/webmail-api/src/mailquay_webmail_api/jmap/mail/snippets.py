"""SearchSnippet/get: where a search has found its words (RFC 8621 §5)."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from mailquay.message.content import text_parts
from mailquay.message.structure import decode_structure
from mailquay.store.email_conditions import (
    Condition,
    Every,
    FieldContains,
    InBody,
    KeptField,
    Some,
)
from mailquay_webmail_api.jmap.core.arguments import Arguments
from mailquay_webmail_api.jmap.core.context import Context, JsonObject
from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.ids import email_id, parse_email_id
from mailquay_webmail_api.jmap.mail.email_filter import read_email_filter
from mailquay_webmail_api.jmap.mail.message_search import read_if_there

__all__ = ["get_snippets", "mark", "snippet", "word_pattern"]

#: A preview's bytes at most, HTML and all (RFC 8621 §5).
PREVIEW_MAX_BYTES: Final = 255
#: Text before the first word found, for it to be read in its place.
_LEAD: Final = 40
_AT_ONCE: Final = 16


async def get_snippets(context: Context, given: JsonObject) -> JsonObject:
    """SearchSnippet/get."""
    arguments = Arguments(given)
    filter_ = arguments.value("filter")
    condition = read_email_filter(context, filter_)
    email_ids = arguments.strings("emailIds")
    arguments.finish()
    if len(email_ids) > context.limits.max_objects_in_get:
        raise MethodError("requestTooLarge")
    ids = list(dict.fromkeys(context.resolve_id(text) or text for text in email_ids))
    of_subject = word_pattern(_subject_words(condition))
    of_body = word_pattern(_body_words(condition))
    numbers = [number for number in map(parse_email_id, ids) if number is not None]
    _, found = await context.store.email_objects.get(context.account.id, numbers, ["subject"])
    previews = await _previews(context, list(found), of_body) if of_body else {}
    shown = {
        email_id(email.id): {
            "emailId": email_id(email.id),
            "subject": mark(email.columns["subject"], of_subject) if of_subject else None,
            "preview": previews.get(email.id),
        }
        for email in found.values()
    }
    return {
        "accountId": given["accountId"],
        "filter": filter_,
        "list": [shown[text] for text in ids if text in shown],
        "notFound": [text for text in ids if text not in shown] or None,
    }


def _subject_words(condition: Condition) -> Iterator[str]:
    """What a match may owe to its subject; what must not be there is not shown."""
    match condition:
        case Every(terms) | Some(terms):
            for term in terms:
                yield from _subject_words(term)
        case FieldContains(KeptField.SUBJECT, text):
            yield text


def _body_words(condition: Condition) -> Iterator[str]:
    match condition:
        case Every(terms) | Some(terms):
            for term in terms:
                yield from _body_words(term)
        case InBody(text):
            yield text


def word_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Any of the words, the longest first, space standing for any space; None for no words."""
    longest_first = sorted(set(words), key=len, reverse=True)
    if not longest_first:
        return None
    return re.compile(
        "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest_first),
        re.IGNORECASE,
    )


async def _previews(
    context: Context, emails: Sequence[int], words: re.Pattern[str]
) -> dict[int, str | None]:
    bodies = list((await context.store.emails.bodies(context.account.id, emails)).values())
    found: dict[int, str | None] = {}
    for start in range(0, len(bodies), _AT_ONCE):
        some = bodies[start : start + _AT_ONCE]
        raws = await asyncio.gather(*(read_if_there(context, body) for body in some))
        for body, raw in zip(some, raws, strict=True):
            found[body.email_id] = await asyncio.to_thread(_preview, raw, body.structure, words)
    return found


def _preview(raw: bytes, structure: bytes, words: re.Pattern[str]) -> str | None:
    for text in text_parts(raw, decode_structure(structure)):
        if (shown := snippet(" ".join(text.split()), words)) is not None:
            return shown
    return None


def mark(text: str, words: re.Pattern[str]) -> str | None:
    """The text as HTML with the words marked; None when none is in it."""
    pieces, position = [], 0
    for match in words.finditer(text):
        pieces.append(escape(text[position : match.start()], quote=False))
        pieces.append(f"<mark>{escape(match[0], quote=False)}</mark>")
        position = match.end()
    return "".join([*pieces, escape(text[position:], quote=False)]) if pieces else None


def snippet(text: str, words: re.Pattern[str]) -> str | None:
    """The text around the first word found as HTML, at most `PREVIEW_MAX_BYTES` long."""
    first = words.search(text)
    if first is None:
        return None
    start = max(first.start() - _LEAD, 0)
    if start:
        # From a word's beginning, if one is near.
        space = text.find(" ", start, first.start())
        start = space + 1 if space >= 0 else start
    before = "…" if start else ""
    end = min(len(text), max(start + PREVIEW_MAX_BYTES, first.end()))
    while end > start:
        after = "…" if end < len(text) else ""
        shown = mark(text[start:end].rstrip(), words)
        if shown is not None and len((before + shown + after).encode()) <= PREVIEW_MAX_BYTES:
            return before + shown + after
        end -= max((end - start) // 16, 1)
    return None
