"""Mailbox/set over sockets (RFC 8621 §2.5)."""

import pytest


def names(mail) -> dict[str, str | None]:
    """Each mailbox of no role with its parent's name."""
    boxes = {box["id"]: box for box in mail.call("Mailbox/get", ids=None)["list"]}
    return {
        box["name"]: boxes[box["parentId"]]["name"] if box["parentId"] else None
        for box in boxes.values()
        if box["role"] is None
    }


def make(mail, **mailboxes) -> dict[str, str]:
    done = mail.call("Mailbox/set", create=mailboxes)
    assert done["notCreated"] is None, done
    return {key: made["id"] for key, made in done["created"].items()}


def test_created_mailboxes_tell_what_the_server_has_set(mail):
    before = mail.call("Mailbox/get", ids=[])["state"]
    done = mail.call("Mailbox/set", create={"k": {"name": "Plans"}})
    made = done["created"]["k"]
    assert set(made["myRights"].values()) == {True}
    del made["myRights"]
    box_id = made.pop("id")
    assert made == {
        "parentId": None, "role": None, "sortOrder": 0, "isSubscribed": True, "totalEmails": 0,
        "unreadEmails": 0, "totalThreads": 0, "unreadThreads": 0,
    }  # fmt: skip
    assert done["oldState"] == before
    answer = mail.call("Mailbox/get", ids=[box_id])
    assert answer["state"] == done["newState"] != before
    assert answer["list"][0]["name"] == "Plans"
    for name in ("updated", "destroyed", "notCreated", "notUpdated", "notDestroyed"):
        assert done[name] is None


def test_a_mailbox_has_what_it_is_given(mail):
    inbox = mail.box["Inbox"]
    given = {
        "name": "Übung", "parentId": inbox, "role": "important", "sortOrder": 7,
        "isSubscribed": False,
    }  # fmt: skip
    box_id = make(mail, k=given)["k"]
    (box,) = mail.call("Mailbox/get", ids=[box_id], properties=list(given))["list"]
    assert box == {"id": box_id, **given}


def test_a_name_comes_in_one_normal_form(mail):
    done = mail.call("Mailbox/set", create={"k": {"name": "e\u0301"}})
    made = done["created"]["k"]
    assert made["name"] == "é"
    error = mail.call("Mailbox/set", create={"k": {"name": "é"}})["notCreated"]["k"]
    assert (error["type"], error["properties"]) == ("invalidProperties", ["name"])
    done = mail.call("Mailbox/set", update={made["id"]: {"name": "u\u0308"}})
    assert done["updated"] == {made["id"]: {"name": "ü"}}


def test_creations_refer_to_each_other_in_any_order(mail):
    done = mail.call(
        "Mailbox/set",
        create={
            "c": {"name": "c", "parentId": "#b"},
            "b": {"name": "b", "parentId": "#a"},
            "a": {"name": "a"},
        },
    )
    assert set(done["created"]) == {"a", "b", "c"}
    assert names(mail) == {"a": None, "b": "a", "c": "b"}
    # And in a later call of the same request.
    _, second = mail.calls(
        ("Mailbox/set", {"create": {"x": {"name": "x"}}}),
        ("Mailbox/set", {"create": {"y": {"name": "y", "parentId": "#x"}}}),
    )
    assert second[1]["notCreated"] is None
    assert names(mail)["y"] == "x"


def test_one_that_fails_takes_those_below_it_along(mail):
    done = mail.call(
        "Mailbox/set",
        create={
            "bad": {"name": "a/b"},
            "below": {"name": "x", "parentId": "#bad"},
            "round": {"name": "r", "parentId": "#about"},
            "about": {"name": "s", "parentId": "#round"},
            "good": {"name": "good"},
        },
    )
    assert set(done["created"]) == {"good"}
    errors = {key: error["properties"] for key, error in done["notCreated"].items()}
    assert errors == {
        "bad": ["name"], "below": ["parentId"], "round": ["parentId"], "about": ["parentId"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "properties"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": 5}, ["name"]),
        ({"name": "a/b"}, ["name"]),
        ({"name": "."}, ["name"]),
        ({"name": "a\u0007"}, ["name"]),
        ({"name": "ä" * 128}, ["name"]),
        ({"name": "inbox"}, ["name"]),
        ({"name": "Sent"}, ["name"]),
        ({"name": "Other users"}, ["name"]),
        ({"name": "x", "parentId": "M99999999"}, ["parentId"]),
        ({"name": "x", "parentId": "#nobody"}, ["parentId"]),
        ({"name": "x", "parentId": 5}, ["parentId"]),
        ({"name": "x", "role": "sent"}, ["role"]),
        ({"name": "x", "role": "inbox"}, ["role"]),
        ({"name": "x", "role": "nonsense"}, ["role"]),
        ({"name": "x", "role": "Archive"}, ["role"]),
        ({"name": "x", "sortOrder": -1}, ["sortOrder"]),
        ({"name": "x", "sortOrder": 1 << 31}, ["sortOrder"]),
        ({"name": "x", "sortOrder": "5"}, ["sortOrder"]),
        ({"name": "x", "isSubscribed": None}, ["isSubscribed"]),
        ({"name": 5, "role": 5, "sortOrder": 1.5}, ["name", "role", "sortOrder"]),
        ({"name": "x", "id": "M1", "totalEmails": 0}, ["id", "totalEmails"]),
        ({"name": "x", "myRights": {}}, ["myRights"]),
    ],
)
def test_what_cannot_be_created_is_told_by_its_properties(mail, given, properties):
    done = mail.call("Mailbox/set", create={"k": given})
    error = done["notCreated"]["k"]
    assert (error["type"], error["properties"]) == ("invalidProperties", properties)
    assert done["oldState"] == done["newState"]


def test_a_mailbox_is_renamed_and_moved_with_all_below_it(mail):
    ids = make(mail, a={"name": "a"}, b={"name": "b"})
    ids |= make(mail, c={"name": "c", "parentId": ids["a"]})
    ids |= make(mail, d={"name": "d", "parentId": ids["c"]})
    email = mail.deliver("Subject: x\n\nx\n")
    mail.set(update={email: {"mailboxIds": {ids["d"]: True}}})
    done = mail.call("Mailbox/set", update={ids["c"]: {"name": "C", "parentId": ids["b"]}})
    assert done["updated"] == {ids["c"]: None}
    assert names(mail) == {"a": None, "b": None, "C": "b", "d": "C"}
    assert mail.get(email, "mailboxIds")["mailboxIds"] == {ids["d"]: True}
    mail.call("Mailbox/set", update={ids["c"]: {"parentId": None}})
    assert names(mail)["C"] is None


def test_two_mailboxes_trade_names_roles_and_places(mail):
    # RFC 8620 §5.3: what counts is the state at the end.
    ids = make(mail, a={"name": "a"}, b={"name": "b"})
    done = mail.call("Mailbox/set", update={ids["a"]: {"name": "b"}, ids["b"]: {"name": "a"}})
    assert set(done["updated"]) == set(ids.values())
    boxes = mail.mailboxes()
    assert (boxes["a"]["id"], boxes["b"]["id"]) == (ids["b"], ids["a"])
    sent, archive = mail.box["Sent"], mail.box["Archive"]
    done = mail.call("Mailbox/set", update={sent: {"role": "archive"}, archive: {"role": "sent"}})
    assert done["notUpdated"] is None
    assert mail.mailboxes()["Sent"]["role"] == "archive"


def test_of_updates_that_clash_the_first_stands(mail):
    ids = make(mail, a={"name": "a"}, b={"name": "b"}, c={"name": "c"})
    done = mail.call(
        "Mailbox/set",
        update={
            ids["a"]: {"name": "x"}, ids["b"]: {"name": "x"}, ids["c"]: {"sortOrder": 5},
        },
    )  # fmt: skip
    assert set(done["updated"]) == {ids["a"], ids["c"]}
    assert done["notUpdated"][ids["b"]]["properties"] == ["name"]
    assert set(names(mail)) == {"x", "b", "c"}


def test_a_mailbox_does_not_go_into_itself(mail):
    ids = make(mail, a={"name": "a"})
    ids |= make(mail, b={"name": "b", "parentId": ids["a"]})
    for parent in (ids["a"], ids["b"]):
        done = mail.call("Mailbox/set", update={ids["a"]: {"parentId": parent}})
        assert done["notUpdated"][ids["a"]]["properties"] == ["parentId"]


def test_too_deep_is_refused_wherever_it_happens(mail):
    parent, chain = None, []
    for level in range(50):
        parent = make(mail, k={"name": f"{level}", "parentId": parent})["k"]
        chain.append(parent)
    error = mail.call("Mailbox/set", create={"k": {"name": "x", "parentId": parent}})
    assert error["notCreated"]["k"]["type"] == "invalidProperties"
    other = make(mail, k={"name": "other"})["k"]
    error = mail.call("Mailbox/set", update={chain[0]: {"parentId": other}})
    assert error["notUpdated"][chain[0]]["type"] == "invalidProperties"


def test_the_inbox_stays_what_it_is(mail):
    inbox = mail.box["Inbox"]
    for patch in ({"name": "Other"}, {"parentId": mail.box["Sent"]}, {"role": None}):
        done = mail.call("Mailbox/set", update={inbox: patch})
        assert done["notUpdated"][inbox]["type"] == "forbidden"
    done = mail.call("Mailbox/set", update={inbox: {"name": "Inbox", "sortOrder": 3}})
    assert done["updated"] == {inbox: None}
    assert mail.mailbox("Inbox")["sortOrder"] == 3
    done = mail.call("Mailbox/set", destroy=[inbox], onDestroyRemoveEmails=True)
    assert done["notDestroyed"][inbox]["type"] == "forbidden"


def test_a_whole_mailbox_is_a_patch_of_itself(mail):
    ids = make(mail, a={"name": "a"})
    (box,) = mail.call("Mailbox/get", ids=[ids["a"]])["list"]
    done = mail.call("Mailbox/set", update={ids["a"]: {**box, "name": "b"}})
    assert done["notUpdated"] is None
    done = mail.call("Mailbox/set", update={ids["a"]: {**box, "totalEmails": 5}})
    assert done["notUpdated"][ids["a"]]["properties"] == ["totalEmails"]
    done = mail.call("Mailbox/set", update={ids["a"]: {"myRights/mayDelete": True}})
    assert done["notUpdated"] is None


def test_null_is_the_default(mail):
    box_id = make(mail, k={"name": "a", "parentId": mail.box["Sent"], "sortOrder": 5})["k"]
    done = mail.call(
        "Mailbox/set", update={box_id: {"parentId": None, "sortOrder": None, "role": None}}
    )
    assert done["notUpdated"] is None
    (box,) = mail.call("Mailbox/get", ids=[box_id])["list"]
    assert (box["parentId"], box["sortOrder"], box["role"]) == (None, 0, None)
    done = mail.call("Mailbox/set", update={box_id: {"name": None}})
    assert done["notUpdated"][box_id]["properties"] == ["name"]


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"nonsense": 1}, "invalidProperties"),
        ({"name/x": 1}, "invalidProperties"),
        ({"myRights": {}, "myRights/mayDelete": True}, "invalidPatch"),
        ({"id": "M1"}, "invalidProperties"),
    ],
)
def test_a_patch_that_is_none_is_refused(mail, patch, kind):
    sent = mail.box["Sent"]
    done = mail.call("Mailbox/set", update={sent: patch})
    assert done["notUpdated"][sent]["type"] == kind


def test_what_is_not_there_is_not_found(mail):
    done = mail.call(
        "Mailbox/set",
        update={"M99999999": {"name": "x"}, "nonsense": {}},
        destroy=["M99999999", "x"],
    )
    for errors in (done["notUpdated"], done["notDestroyed"]):
        assert {error["type"] for error in errors.values()} == {"notFound"}
    done = mail.call(
        "Mailbox/set", update={mail.box["Junk"]: {"name": "x"}}, destroy=[mail.box["Junk"]]
    )
    assert done["notUpdated"][mail.box["Junk"]]["type"] == "willDestroy"
    assert done["destroyed"] == [mail.box["Junk"]]


def test_a_mailbox_with_others_below_stays(mail):
    ids = make(mail, a={"name": "a"})
    ids |= make(mail, b={"name": "b", "parentId": ids["a"]})
    done = mail.call("Mailbox/set", destroy=[ids["a"]])
    assert done["notDestroyed"][ids["a"]]["type"] == "mailboxHasChild"
    # All of a branch may go in one call, whatever the order.
    done = mail.call("Mailbox/set", destroy=[ids["a"], ids["b"]])
    assert set(done["destroyed"]) == set(ids.values())


def test_a_mailbox_with_emails_stays_unless_they_are_to_go(mail):
    box_id = make(mail, k={"name": "a"})["k"]
    only = mail.deliver("Subject: x\n\nx\n")
    both = mail.deliver("Subject: y\n\nx\n")
    mail.set(
        update={
            only: {"mailboxIds": {box_id: True}},
            both: {f"mailboxIds/{box_id}": True},
        }
    )
    done = mail.call("Mailbox/set", destroy=[box_id])
    assert done["notDestroyed"][box_id]["type"] == "mailboxHasEmail"
    done = mail.call("Mailbox/set", destroy=[box_id], onDestroyRemoveEmails=True)
    assert done["destroyed"] == [box_id]
    assert mail.call("Email/get", ids=[only])["notFound"] == [only]
    assert mail.get(both, "mailboxIds")["mailboxIds"] == {mail.box["Inbox"]: True}


def test_nothing_is_done_in_another_state(mail):
    since = mail.call("Mailbox/get", ids=[])["state"]
    for state in ("0", "nonsense", since + "0"):
        error = mail.error("Mailbox/set", ifInState=state, create={"k": {"name": "x"}})
        assert error["type"] == "stateMismatch"
    done = mail.call("Mailbox/set", ifInState=since, create={"k": {"name": "x"}})
    assert done["oldState"] == since
    assert mail.error("Mailbox/set", ifInState=since)["type"] == "stateMismatch"


def test_a_call_that_makes_no_sense_is_refused(mail):
    assert mail.error("Mailbox/set", create=[])["type"] == "invalidArguments"
    assert mail.error("Mailbox/set", create={"k": 5})["type"] == "invalidArguments"
    assert mail.error("Mailbox/set", create={"a b": {}})["type"] == "invalidArguments"
    assert mail.error("Mailbox/set", onDestroyRemoveEmails="yes")["type"] == "invalidArguments"
    assert mail.error("Mailbox/set", destroy=["M1"] * 501)["type"] == "requestTooLarge"
