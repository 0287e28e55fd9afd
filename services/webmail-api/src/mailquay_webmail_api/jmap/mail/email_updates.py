"""PatchObjects of Email/set, as what is to change in the store (RFC 8621 §4.6). No I/O here.

Only ``keywords`` and ``mailboxIds`` change. A patch of one keyword leaves the others to whoever
changes them meanwhile.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mailquay.store.email_sets import EmailUpdate, KeywordsChange, Rejection
from mailquay.store.types import EmailId, MailboxId
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.core.ids import parse_mailbox_id
from mailquay_webmail_api.jmap.mail.keywords import KEYWORDS_MAX, split_keywords, valid
from mailquay_webmail_api.jmap.mail.limits import MAILBOXES_PER_EMAIL_MAX
from mailquay_webmail_api.jmap.mail.patches import Path, is_as_given, path_text

__all__ = ["read_keywords", "read_mailbox_ids", "read_update", "refusal"]

Resolve = Callable[[str], str | None]

_REFUSALS: Final = {
    Rejection.NOT_FOUND: SetError("notFound"),
    Rejection.NO_SUCH_MAILBOX: SetError.invalid_properties(
        "there is no such mailbox", "mailboxIds"
    ),
    Rejection.IN_NO_MAILBOX: SetError.invalid_properties(
        "an email must be in a mailbox", "mailboxIds"
    ),
    Rejection.TOO_MANY_KEYWORDS: SetError("tooManyKeywords", f"at most {KEYWORDS_MAX}"),
    Rejection.TOO_MANY_MAILBOXES: SetError(
        "tooManyMailboxes", f"at most {MAILBOXES_PER_EMAIL_MAX}"
    ),
}


def refusal(rejection: Rejection) -> dict[str, Any]:
    """The SetError of what the store has refused."""
    return _REFUSALS[rejection].response


def read_keywords(value: object) -> tuple[int, tuple[str, ...]]:
    """``keywords``, whole, as flag bits and the others; null is none at all.

    Raises:
        SetError: invalidProperties.
    """
    if value is None:
        return 0, ()
    if not isinstance(value, dict):
        raise SetError.invalid_properties("keywords is not an object", "keywords")
    for keyword, is_set in value.items():
        _require_keyword(keyword)
        if is_set is not True:
            raise SetError.invalid_properties(f"{keyword} is not true", "keywords")
    return split_keywords(value)


def _require_keyword(keyword: str) -> None:
    if not valid(keyword):
        raise SetError.invalid_properties(f"{keyword!r} is no keyword", "keywords")


def read_mailbox_ids(value: object, resolve: Resolve) -> frozenset[MailboxId]:
    """``mailboxIds``, whole; never empty.

    Raises:
        SetError: invalidProperties.
    """
    if not isinstance(value, dict) or not value:
        raise SetError.invalid_properties("an email must be in a mailbox", "mailboxIds")
    for text, is_in in value.items():
        if is_in is not True:
            raise SetError.invalid_properties(f"{text} is not true", "mailboxIds")
    return frozenset(_mailbox(text, resolve) for text in value)


def _mailbox(text: str, resolve: Resolve) -> MailboxId:
    number = parse_mailbox_id(resolve(text))
    if number is None:
        raise SetError.invalid_properties(f"there is no mailbox {text}", "mailboxIds")
    return number


def read_update(
    email_id: EmailId,
    paths: Mapping[Path, Any],
    current: Mapping[str, Any],
    resolve: Resolve,
) -> EmailUpdate:
    """What a patch wants to change.

    Args:
        email_id: of which email.
        paths: the patch.
        current: the email's properties that the patch names and cannot set.
        resolve: gives the id behind a creation id.

    Raises:
        SetError: invalidPatch or invalidProperties.
    """
    keywords = {path: value for path, value in paths.items() if path[0] == "keywords"}
    mailboxes = {path: value for path, value in paths.items() if path[0] == "mailboxIds"}
    wrong = [
        path_text(path) for path, value in paths.items()
        if path[0] not in ("keywords", "mailboxIds")
        and not is_as_given(dict(current), path, value)
    ]  # fmt: skip
    if wrong:
        raise SetError.invalid_properties(f"{wrong[0]} cannot be changed", *wrong)
    for path in (*keywords, *mailboxes):
        if len(path) > 2:
            raise SetError("invalidPatch", f"{path_text(path)} leads into what is not there")
    added, removed, replaces = _read_mailboxes(mailboxes, resolve)
    return EmailUpdate(email_id, _read_keywords(keywords), added, removed, replaces)


def _read_keywords(paths: Mapping[Path, Any]) -> KeywordsChange | None:
    if not paths:
        return None
    if ("keywords",) in paths:
        flags, words = read_keywords(paths["keywords",])
        return KeywordsChange(add_flags=flags, add=words, replace=True)
    added, removed = _members("keywords", paths)
    for keyword in (*added, *removed):
        _require_keyword(keyword)
    add_flags, add = split_keywords(added)
    remove_flags, remove = split_keywords(removed)
    return KeywordsChange(add_flags, remove_flags, add, remove)


def _read_mailboxes(
    paths: Mapping[Path, Any], resolve: Resolve
) -> tuple[frozenset[MailboxId], frozenset[MailboxId], bool]:
    if ("mailboxIds",) in paths:
        return read_mailbox_ids(paths["mailboxIds",], resolve), frozenset(), True
    added, removed = _members("mailboxIds", paths)
    # To leave a mailbox that is not there changes nothing (RFC 8620 §5.3).
    left = (parse_mailbox_id(resolve(text)) for text in removed)
    return (
        frozenset(_mailbox(text, resolve) for text in added),
        frozenset(number for number in left if number is not None),
        False,
    )


def _members(name: str, paths: Mapping[Path, Any]) -> tuple[list[str], list[str]]:
    """Which keys of a set come in and go out."""
    added, removed = [], []
    for (_, key), value in paths.items():
        if value is True:
            added.append(key)
        elif value is None:
            removed.append(key)
        else:
            raise SetError.invalid_properties(f"{name}/{key} is neither true nor null", name)
    return added, removed
