"""Patches, keywords and the words of a search, without a server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay.store.types import EmailId, MailboxId
from mailquay_webmail_api.jmap.core.errors import SetError
from mailquay_webmail_api.jmap.mail.email_updates import read_update
from mailquay_webmail_api.jmap.mail.keywords import show_keywords, split_keywords, valid
from mailquay_webmail_api.jmap.mail.patches import is_as_given, path_text, read_patch
from mailquay_webmail_api.jmap.mail.words import tokens


def test_keys_are_json_pointers():
    patch = {"keywords/a~1b": True, "mailboxIds/M~01": None, "keywords/$seen": True}
    assert read_patch(patch) == {
        ("keywords", "a/b"): True, ("mailboxIds", "M~1"): None, ("keywords", "$seen"): True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "patch",
    [
        {"keywords": {}, "keywords/a": True},
        {"a/b/c": 1, "a/b": 1},
        {"a": 1, "a/b/c": 1},
        {"a~": 1},
        {"a~2b": 1},
        {"a~1": 1, "a~1/b": 1},
    ],
)
def test_a_patch_inside_of_another_is_none(patch):
    with pytest.raises(SetError) as refused:
        read_patch(patch)
    assert refused.value.response["type"] == "invalidPatch"


@given(st.dictionaries(st.text(st.sampled_from("ab/~01"), max_size=6), st.none(), max_size=5))
def test_any_keys_are_paths_or_refused(patch):
    try:
        paths = read_patch(patch)
    except SetError:
        return
    assert [path_text(path) for path in paths] == list(patch)
    for one in paths:
        for other in paths:
            assert one is other or one != other[: len(one)]


def test_what_cannot_be_set_may_be_given_as_it_is():
    current = {"size": 5, "from": [{"name": None, "email": "a@x"}], "deep": {"a": True}}
    assert is_as_given(current, ("size",), 5)
    assert is_as_given(current, ("from",), [{"name": None, "email": "a@x"}])
    assert is_as_given(current, ("deep", "a"), True)
    assert not is_as_given(current, ("size",), 6)
    assert not is_as_given(current, ("deep", "b"), None)
    assert not is_as_given(current, ("from", "0"), {"name": None, "email": "a@x"})


def update(patch, current=None):
    return read_update(EmailId(1), read_patch(patch), current or {}, lambda text: text)


def test_one_keyword_leaves_the_others():
    change = update(
        {"keywords/$Seen": True, "keywords/a": True, "keywords/$flagged": None}
    ).keywords
    assert (change.add_flags, change.add) == (1, ("a",))
    assert (change.remove_flags, change.remove, change.replace) == (4, (), False)


def test_all_keywords_replace_the_others():
    change = update({"keywords": {"$Draft": True, "A": True}}).keywords
    assert (change.add_flags, change.add, change.replace) == (16, ("a",), True)
    assert update({"keywords": None}).keywords.replace


def test_mailboxes_come_and_go_or_are_replaced():
    change = update({"mailboxIds/M1": True, "mailboxIds/M2": None, "mailboxIds/gone": None})
    assert (change.add_mailboxes, change.remove_mailboxes) == ({MailboxId(1)}, {MailboxId(2)})
    assert not change.replace_mailboxes
    change = update({"mailboxIds": {"M3": True}})
    assert (change.add_mailboxes, change.replace_mailboxes) == ({MailboxId(3)}, True)


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"keywords": []}, "invalidProperties"),
        ({"keywords": {"a": False}}, "invalidProperties"),
        ({"keywords": {"a b": True}}, "invalidProperties"),
        ({"keywords/a": False}, "invalidProperties"),
        ({"keywords/a": "yes"}, "invalidProperties"),
        ({"keywords/": True}, "invalidProperties"),
        ({"keywords/a/b": True}, "invalidPatch"),
        ({"mailboxIds": None}, "invalidProperties"),
        ({"mailboxIds": {}}, "invalidProperties"),
        ({"mailboxIds": {"M1": None}}, "invalidProperties"),
        ({"mailboxIds": {"E1": True}}, "invalidProperties"),
        ({"mailboxIds/nonsense": True}, "invalidProperties"),
        ({"mailboxIds/M1/x": True}, "invalidPatch"),
        ({"subject": "new"}, "invalidProperties"),
        ({"nonsense": 1}, "invalidProperties"),
    ],
)
def test_a_patch_of_the_wrong_kind_is_refused(patch, kind):
    with pytest.raises(SetError) as refused:
        update(patch, {"subject": "old"})
    assert refused.value.response["type"] == kind


def test_what_stays_as_it_is_may_be_in_a_patch():
    assert update({"subject": "old"}, {"subject": "old"}).keywords is None


@pytest.mark.parametrize("keyword", ["$seen", "a", "!#&'+,-./:;<=>?@[^_`|}~", "x" * 255])
def test_keywords(keyword):
    assert valid(keyword)


@pytest.mark.parametrize(
    "keyword", ["", "a b", "a(", ")", "{", "]", "%", "*", '"', "\\", "ä", "a\n", "x" * 256, 1, None]
)
def test_no_keywords(keyword):
    assert not valid(keyword)


@given(st.lists(st.sampled_from(["$seen", "$SEEN", "$draft", "A", "a", "$junk"])))
def test_keywords_are_shown_as_they_were_given_in_lower_case(words):
    assert show_keywords(*split_keywords(words)) == dict.fromkeys(map(str.lower, words), True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  foo\tBar foo ", ["foo", "bar"]),
        ('say "hello  world" now', ["say", "hello world", "now"]),
        ("'it was' me", ["it was", "me"]),
        ("don't rock'n'roll", ["don't", "rock'n'roll"]),
        (r'"a \"b\" \\ c"', [r'a "b" \ c']),
        ('"open end', ['"open', "end"]),
        ('""', []),
    ],
)
def test_words_and_phrases(text, words):
    assert tokens(text) == words


@given(st.text())
def test_any_text_has_words(text):
    for word in tokens(text):
        assert word
        assert word == word.lower()
