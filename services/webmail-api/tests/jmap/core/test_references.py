"""Result references (RFC 8620 §3.7) and their pointers (RFC 6901)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailquay_webmail_api.jmap.core.errors import MethodError
from mailquay_webmail_api.jmap.core.references import evaluate_pointer, resolve_references

# RFC 8620 §3.7's own example.
THREADS = {
    "accountId": "A1",
    "list": [
        {"id": "trd194", "emailIds": ["msg1020", "msg1021", "msg1023"]},
        {"id": "trd114", "emailIds": ["msg201", "msg223"]},
    ],
}
CHANGES = {"accountId": "A1", "created": ["f1", "f4"], "updated": [], "destroyed": []}
RESPONSES = [("Foo/changes", CHANGES, "t0"), ("Thread/get", THREADS, "t1"), ("error", {}, "t2")]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", THREADS),
        ("/accountId", "A1"),
        ("/list/0/id", "trd194"),
        ("/list/*/id", ["trd194", "trd114"]),
        # What a star collects from lists is one flat list.
        ("/list/*/emailIds", ["msg1020", "msg1021", "msg1023", "msg201", "msg223"]),
        ("/list/*/emailIds/0", ["msg1020", "msg201"]),
    ],
)
def test_a_pointer_leads_somewhere(path, value):
    assert evaluate_pointer(THREADS, path) == value


@pytest.mark.parametrize(
    ("document", "path", "value"),
    [
        ({"a/b": 1}, "/a~1b", 1),
        ({"m~n": 2}, "/m~0n", 2),
        ({"~1": 3}, "/~01", 3),
        ({"": {"": 4}}, "//", 4),
        ({"*": 5}, "/*", 5),
        ({"a": []}, "/a/*", []),
        ({"a": []}, "/a/*/b", []),
        ([[1], [2, 3]], "/*/*", [1, 2, 3]),
    ],
)
def test_pointers_as_rfc_6901_has_them(document, path, value):
    assert evaluate_pointer(document, path) == value


@pytest.mark.parametrize(
    "path",
    [
        "list",
        "/nothing",
        "/list/2",
        "/list/-1",
        "/list/x",
        "/list/00",
        "/list/²",
        "/accountId/0",
        "/list/*/x",
        "/list/" + "1" * 5000,
    ],
)
def test_a_pointer_that_leads_nowhere(path):
    with pytest.raises(MethodError) as error:
        evaluate_pointer(THREADS, path)
    assert error.value.response["type"] == "invalidResultReference"


def test_references_are_resolved_and_all_else_stays():
    arguments = {
        "accountId": "A1",
        "#ids": {"resultOf": "t0", "name": "Foo/changes", "path": "/created"},
    }
    assert resolve_references(arguments, RESPONSES) == {"accountId": "A1", "ids": ["f1", "f4"]}


@pytest.mark.parametrize(
    "reference",
    [
        "/created",
        None,
        {},
        {"resultOf": "t0", "name": "Foo/changes"},
        {"resultOf": "t0", "name": "Foo/get", "path": "/created"},
        {"resultOf": "t9", "name": "Foo/changes", "path": "/created"},
        {"resultOf": "t2", "name": "Foo/get", "path": "/list"},
        {"resultOf": "t0", "name": "Foo/changes", "path": 1},
        {"resultOf": ["t0"], "name": "Foo/changes", "path": "/created"},
    ],
)
def test_a_reference_to_nothing_is_an_error(reference):
    with pytest.raises(MethodError) as error:
        resolve_references({"#ids": reference}, RESPONSES)
    assert error.value.response["type"] == "invalidResultReference"


def test_an_argument_given_twice_is_invalid():
    reference = {"resultOf": "t0", "name": "Foo/changes", "path": "/created"}
    with pytest.raises(MethodError) as error:
        resolve_references({"ids": ["f1"], "#ids": reference}, RESPONSES)
    assert error.value.response["type"] == "invalidArguments"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
)


def paths(document, prefix=""):
    """Every place in a document, by its pointer."""
    yield prefix, document
    items = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list):
        items = enumerate(document)
    for key, value in items:
        token = str(key).replace("~", "~0").replace("/", "~1")
        yield from paths(value, f"{prefix}/{token}")


@given(JSON)
def test_every_place_is_found_by_its_pointer(document):
    for path, value in paths(document):
        assert evaluate_pointer(document, path) == value


@given(JSON, st.text() | st.from_regex(r"(/(\*|~[01]|\d+|[a-z]*))*", fullmatch=True))
def test_any_pointer_gives_a_value_or_the_one_error(document, path):
    try:
        evaluate_pointer(document, path)
    except MethodError as error:
        kind = error.response["type"]
    else:
        return
    assert kind == "invalidResultReference"


def test_what_stars_collect_is_bounded():
    document = [[list(range(1000))] * 1000] * 1000
    with pytest.raises(MethodError):
        evaluate_pointer(document, "/*/*/*")
