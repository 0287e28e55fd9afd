"""Identities (RFC 8621 §6)."""

import pytest

SERVER_SET = {"id", "mayDelete"}


@pytest.fixture
def made(anna):
    """An identity of the test's own."""
    identity = {"email": "anna@example.org", "name": "Made"}
    done = anna.call("Identity/set", create={"k": identity})
    identity_id = done["created"]["k"]["id"]
    yield identity_id
    anna.call("Identity/set", destroy=[identity_id])


def get(anna, *ids, **more):
    return anna.call("Identity/get", ids=list(ids), **more)["list"]


def test_an_account_has_its_own_from_the_start(anna):
    own = anna.call("Identity/get", ids=None)["list"][0]
    assert own == {
        "id": own["id"],
        "name": "Anna",
        "email": "anna@example.org",
        "replyTo": None,
        "bcc": None,
        "textSignature": "",
        "htmlSignature": "",
        "mayDelete": False,
    }


def test_the_accounts_own_cannot_be_destroyed(anna):
    own = anna.call("Identity/get", ids=None)["list"][0]["id"]
    done = anna.call("Identity/set", destroy=[own])
    assert done["notDestroyed"][own]["type"] == "forbidden"


def test_an_identity_is_made_and_told_what_the_server_has_set(anna):
    given = {
        "name": "Anna at work",
        "email": "Anna+Work@Example.org",
        "replyTo": [{"name": None, "email": "team@example.org"}],
        "bcc": [{"name": "Archive", "email": "archive@example.net"}],
        "textSignature": "-- \nAnna",
        "htmlSignature": "<b>Anna</b>",
    }
    done = anna.call("Identity/set", create={"k": given})
    made = done["created"]["k"]
    assert made == {"id": made["id"], "mayDelete": True, "email": "anna+work@example.org"}
    (shown,) = get(anna, made["id"])
    assert shown == {**given, **made}
    assert done["oldState"] != done["newState"]
    assert anna.call("Identity/set", destroy=[made["id"]])["destroyed"] == [made["id"]]
    assert anna.call("Identity/get", ids=[made["id"]])["notFound"] == [made["id"]]


@pytest.mark.parametrize(
    ("given", "kind", "named"),
    [
        ({"email": "bert@example.org"}, "forbiddenFrom", None),
        ({"email": "anna@elsewhere.example"}, "forbiddenFrom", None),
        ({}, "invalidProperties", ["email"]),
        ({"email": 1}, "invalidProperties", ["email"]),
        ({"email": "not an address"}, "invalidProperties", ["email"]),
        ({"email": "anna@example.org", "colour": 1}, "invalidProperties", ["colour"]),
        ({"email": "anna@example.org", "id": "I1"}, "invalidProperties", ["id"]),
        ({"email": "anna@example.org", "mayDelete": True}, "invalidProperties", ["mayDelete"]),
        ({"email": "anna@example.org", "name": 1}, "invalidProperties", ["name"]),
        ({"email": "anna@example.org", "name": "x" * 501}, "invalidProperties", ["name"]),
        (
            {"email": "anna@example.org", "textSignature": "x" * 70_000},
            "invalidProperties",
            ["textSignature"],
        ),
        ({"email": "anna@example.org", "replyTo": "x"}, "invalidProperties", ["replyTo"]),
        ({"email": "anna@example.org", "bcc": [{"name": "x"}]}, "invalidProperties", ["bcc"]),
        ({"email": "anna@example.org", "bcc": [{"email": "x"}]}, "invalidProperties", ["bcc"]),
        (
            {"email": "anna@example.org", "bcc": [{"email": "a@b.example", "x": 1}]},
            "invalidProperties",
            ["bcc"],
        ),
    ],
)
def test_what_cannot_be_is_refused_and_named(anna, given, kind, named):
    done = anna.call("Identity/set", create={"k": given})
    assert done["created"] is None
    assert done["notCreated"]["k"]["type"] == kind
    assert done["notCreated"]["k"].get("properties") == named
    assert done["oldState"] == done["newState"]


def test_an_identity_is_changed_property_by_property(anna, made):
    patch = {"name": "Other", "replyTo": [{"name": "R", "email": "r@example.org"}]}
    done = anna.call("Identity/set", update={made: patch})
    assert done["updated"] == {made: None}
    (shown,) = get(anna, made)
    assert (shown["name"], shown["replyTo"]) == ("Other", patch["replyTo"])
    # null puts the default back; what is as it was may be given.
    patch = {"name": None, "replyTo": None, "id": made, "email": "anna@example.org"}
    assert anna.call("Identity/set", update={made: patch})["updated"] == {made: None}
    (shown,) = get(anna, made)
    assert (shown["name"], shown["replyTo"]) == ("", None)


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"email": "anna+x@example.org"}, "invalidProperties"),
        ({"id": "I999"}, "invalidProperties"),
        ({"mayDelete": False}, "invalidProperties"),
        ({"colour": 1}, "invalidProperties"),
        ({"replyTo/0/name": "x"}, "invalidPatch"),
        ({"name": "fine", "bcc": 1}, "invalidProperties"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(anna, made, patch, kind):
    before = get(anna, made)
    done = anna.call("Identity/set", update={made: patch})
    assert done["notUpdated"][made]["type"] == kind
    assert get(anna, made) == before


def test_what_is_not_there_cannot_be_changed(anna, bert):
    own = bert.call("Identity/get", ids=None)["list"][0]["id"]
    ids = ["I999", "x", "#nothing", own]
    changed = anna.call("Identity/set", update={text: {"name": "x"} for text in ids})
    assert changed["notUpdated"] == {text: {"type": "notFound"} for text in ids}
    destroyed = anna.call("Identity/set", destroy=ids)
    assert destroyed["notDestroyed"] == {text: {"type": "notFound"} for text in ids}


def test_one_request_may_make_change_and_destroy_the_same(anna):
    one = {"email": "anna@example.org"}
    done = anna.call(
        "Identity/set",
        create={"k": one, "l": one},
        update={"#k": {"name": "new"}, "#l": {"name": "new"}},
        destroy=["#l"],
    )
    k, l_ = done["created"]["k"]["id"], done["created"]["l"]["id"]
    assert done["updated"] == {k: None}
    assert done["notUpdated"] == {l_: {"type": "willDestroy"}}
    assert done["destroyed"] == [l_]
    assert [item["name"] for item in get(anna, k, l_)] == ["new"]
    anna.call("Identity/set", destroy=[k])


def test_a_set_in_another_state_does_nothing(anna):
    error = anna.error("Identity/set", ifInState="0", create={"k": {"email": "anna@example.org"}})
    assert error["type"] == "stateMismatch"
    state = anna.call("Identity/get", ids=[])["state"]
    assert anna.call("Identity/set", ifInState=state)["newState"] == state


def test_more_objects_than_may_be_are_too_many(anna):
    error = anna.error("Identity/set", destroy=[f"I{n}" for n in range(501)])
    assert error["type"] == "requestTooLarge"


@pytest.mark.parametrize(
    "arguments",
    [
        {"create": []},
        {"create": {"k": 1}},
        {"create": {"not an id!": {}}},
        {"update": {"I1": None}},
        {"destroy": "I1"},
        {"destroy": [1]},
        {"ifInState": 1},
        {"extra": 1},
    ],
)
def test_an_invalid_argument_is_an_error_of_the_call(anna, arguments):
    assert anna.error("Identity/set", **arguments)["type"] == "invalidArguments"


def test_an_accounts_identities_are_bounded(deployment, web, bert):
    one = {"email": "bert@example.org"}
    done = bert.call("Identity/set", create={f"k{n}": one for n in range(100)})
    assert len(done["created"]) == 99
    (error,) = done["notCreated"].values()
    assert error["type"] == "overQuota"


def test_changes_are_told_since_a_state(anna):
    state = anna.call("Identity/get", ids=[])["state"]
    one = {"email": "anna@example.org"}
    done = anna.call("Identity/set", create={"k": one, "l": one, "m": one})
    k, l_, m = (done["created"][name]["id"] for name in "klm")
    anna.call("Identity/set", update={k: {"name": "x"}}, destroy=[l_])
    changes = anna.call("Identity/changes", sinceState=state)
    assert (changes["oldState"], changes["hasMoreChanges"]) == (state, False)
    assert (set(changes["created"]), changes["updated"], changes["destroyed"]) == ({k, m}, [], [])
    later = anna.call("Identity/changes", sinceState=done["newState"])
    assert (later["created"], later["updated"], later["destroyed"]) == ([], [k], [l_])
    now = anna.call("Identity/changes", sinceState=changes["newState"])
    assert now["newState"] == changes["newState"]
    assert (now["created"], now["updated"], now["destroyed"]) == ([], [], [])
    anna.call("Identity/set", destroy=[k, m])


def test_changes_in_slices_come_to_the_same(anna):
    state = anna.call("Identity/get", ids=[])["state"]
    one = {"email": "anna@example.org"}
    done = anna.call("Identity/set", create={f"k{n}": one for n in range(5)})
    made = [item["id"] for item in done["created"].values()]
    anna.call("Identity/set", update={made[0]: {"name": "x"}}, destroy=[made[1]])
    known: set[str] = set()
    has_more = True
    while has_more:
        changes = anna.call("Identity/changes", sinceState=state, maxChanges=1)
        told = changes["created"] + changes["updated"] + changes["destroyed"]
        assert len(told) <= 1
        known |= set(changes["created"])
        known -= set(changes["destroyed"])
        state, has_more = changes["newState"], changes["hasMoreChanges"]
    assert known == set(made) - {made[1]}
    anna.call("Identity/set", destroy=sorted(known))


@pytest.mark.parametrize("state", ["", "x", "-1", "01", "999999999999"])
def test_a_state_that_never_was_cannot_be_counted_from(anna, state):
    assert anna.error("Identity/changes", sinceState=state)["type"] == "cannotCalculateChanges"


def test_only_what_is_asked_for_is_shown(anna):
    shown = anna.call("Identity/get", ids=None, properties=["email"])["list"][0]
    assert set(shown) == {"id", "email"}
