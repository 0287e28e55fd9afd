"""Mailbox/get, /changes, /query and /queryChanges over sockets (RFC 8621 §2.1 to §2.4)."""

import pytest

COUNTS = ["totalEmails", "unreadEmails", "totalThreads", "unreadThreads"]
RIGHTS = {
    "mayReadItems", "mayAddItems", "mayRemoveItems", "maySetSeen", "maySetKeywords",
    "mayCreateChild", "mayRename", "mayDelete", "maySubmit",
}  # fmt: skip


def make(mail, **mailboxes) -> dict[str, str]:
    """Create mailboxes by creation id; returns their ids."""
    done = mail.call("Mailbox/set", create=mailboxes)
    assert done["notCreated"] is None, done
    return {key: made["id"] for key, made in done["created"].items()}


def test_the_capability_says_what_an_account_may_hold(mail):
    session = mail.http.get("/jmap/session").json()
    account = session["accounts"][mail.account_id]
    capability = account["accountCapabilities"]["urn:ietf:params:jmap:mail"]
    assert set(capability) == {
        "maxMailboxesPerEmail", "maxMailboxDepth", "maxSizeMailboxName",
        "maxSizeAttachmentsPerEmail", "emailQuerySortOptions", "mayCreateTopLevelMailbox",
    }  # fmt: skip
    assert capability["maxSizeMailboxName"] >= 100
    assert set(capability["emailQuerySortOptions"]) == {
        "receivedAt", "size", "from", "to", "subject", "sentAt", "hasKeyword",
        "allInThreadHaveKeyword", "someInThreadHaveKeyword",
    }  # fmt: skip
    core = session["capabilities"]["urn:ietf:params:jmap:core"]
    assert set(core["collationAlgorithms"]) == {
        "i;ascii-casemap", "i;octet", "i;unicode-casemap",
    }  # fmt: skip


def test_get_tells_all_of_every_mailbox(mail):
    answer = mail.call("Mailbox/get", ids=None)
    boxes = {box["name"]: box for box in answer["list"]}
    assert set(boxes) == {"Inbox", "Drafts", "Sent", "Archive", "Junk", "Trash"}
    assert answer["notFound"] == []
    inbox = boxes["Inbox"]
    assert set(inbox["myRights"]) == RIGHTS
    assert not inbox["myRights"]["mayRename"]
    assert not inbox["myRights"]["mayDelete"]
    assert all(boxes["Sent"]["myRights"].values())
    del inbox["myRights"], inbox["id"]
    assert inbox == {
        "name": "Inbox", "parentId": None, "role": "inbox", "sortOrder": 1, "totalEmails": 0,
        "unreadEmails": 0, "totalThreads": 0, "unreadThreads": 0, "isSubscribed": True,
    }  # fmt: skip


def test_get_tells_what_is_asked_for_and_what_is_not_there(mail):
    inbox = mail.box["Inbox"]
    ids = [inbox, "M999999999", "nonsense", inbox]
    answer = mail.call("Mailbox/get", ids=ids, properties=["name", "totalEmails"])
    assert answer["list"] == [{"id": inbox, "name": "Inbox", "totalEmails": 0}]
    assert answer["notFound"] == ["M999999999", "nonsense"]
    assert mail.call("Mailbox/get", ids=[], properties=[])["list"] == []


def test_get_refuses_what_makes_no_sense(mail):
    assert mail.error("Mailbox/get", ids="x")["type"] == "invalidArguments"
    assert (
        mail.error("Mailbox/get", ids=None, properties=["nonsense"])["type"] == "invalidArguments"
    )
    assert mail.error("Mailbox/get", ids=None, nonsense=1)["type"] == "invalidArguments"
    assert mail.error("Mailbox/get", ids=["M1"] * 501)["type"] == "requestTooLarge"


def test_numbers_follow_the_messages(mail):
    seen, draft, deleted = 1, 16, 8
    mail.deliver("Subject: a\n\nx\n")
    mail.deliver("Subject: b\n\nx\n", flags=seen)
    mail.deliver("Subject: c\n\nx\n", flags=draft)
    mail.deliver("Subject: d\n\nx\n", flags=deleted)
    box = mail.mailbox("Inbox")
    assert [box[name] for name in COUNTS] == [3, 1, 3, 1]


def test_changes_say_when_only_numbers_have_changed(mail):
    since = mail.call("Mailbox/get", ids=[])["state"]
    mail.deliver("Subject: a\n\nx\n")
    # The example of RFC 8621 §2.6: what has changed is fetched in the same request.
    changes, created, updated = mail.calls(
        ("Mailbox/changes", {"sinceState": since}),
        (
            "Mailbox/get",
            {"#ids": {"resultOf": "0", "name": "Mailbox/changes", "path": "/created"}},
        ),
        (
            "Mailbox/get",
            {
                "#ids": {"resultOf": "0", "name": "Mailbox/changes", "path": "/updated"},
                "#properties": {
                    "resultOf": "0", "name": "Mailbox/changes", "path": "/updatedProperties",
                },
            },
        ),
    )  # fmt: skip
    assert changes[1]["updated"] == [mail.box["Inbox"]]
    assert changes[1]["updatedProperties"] == COUNTS
    assert (changes[1]["created"], changes[1]["destroyed"]) == ([], [])
    assert (changes[1]["oldState"], changes[1]["hasMoreChanges"]) == (since, False)
    assert created[1]["list"] == []
    assert updated[1]["list"] == [
        {"id": mail.box["Inbox"], **dict.fromkeys(COUNTS, 1)},
    ]
    assert changes[1]["newState"] == updated[1]["state"]


def test_changes_tell_of_mailboxes_that_came_changed_and_went(mail):
    since = mail.call("Mailbox/get", ids=[])["state"]
    new = make(mail, k={"name": "New"})["k"]
    mail.call("Mailbox/set", update={mail.box["Sent"]: {"name": "Gone out"}})
    mail.call("Mailbox/set", destroy=[mail.box["Junk"]])
    mail.deliver("Subject: a\n\nx\n")
    changes = mail.call("Mailbox/changes", sinceState=since)
    assert changes["created"] == [new]
    assert set(changes["updated"]) == {mail.box["Sent"], mail.box["Inbox"]}
    assert changes["destroyed"] == [mail.box["Junk"]]
    assert changes["updatedProperties"] is None
    told = []
    while True:
        step = mail.call("Mailbox/changes", sinceState=since, maxChanges=1)
        told += step["created"] + step["updated"] + step["destroyed"]
        since = step["newState"]
        if not step["hasMoreChanges"]:
            break
    assert sorted(told) == sorted([new, mail.box["Sent"], mail.box["Inbox"], mail.box["Junk"]])
    assert since == changes["newState"]


@pytest.mark.parametrize("since", ["", "abc", "99999999", "-1", "1-", "1-2-3", "9" * 30])
@pytest.mark.parametrize("kind", ["Mailbox", "Email", "Thread"])
def test_changes_since_what_was_no_state_cannot_be_calculated(mail, kind, since):
    error = mail.error(f"{kind}/changes", sinceState=since)
    assert error["type"] == "cannotCalculateChanges"


@pytest.mark.parametrize("kind", ["Mailbox", "Email", "Thread"])
def test_changes_refuse_what_makes_no_sense(mail, kind):
    assert mail.error(f"{kind}/changes")["type"] == "invalidArguments"
    assert mail.error(f"{kind}/changes", sinceState=5)["type"] == "invalidArguments"
    for limit in (0, -1, "5", 1.5):
        error = mail.error(f"{kind}/changes", sinceState="1", maxChanges=limit)
        assert error["type"] == "invalidArguments"


def tree(mail) -> dict[str, str]:
    """A small tree: b(a(z), c), a."""
    ids = make(mail, b={"name": "b"}, top={"name": "a", "sortOrder": 9})
    ids |= make(
        mail, ba={"name": "a", "parentId": ids["b"]}, bc={"name": "c", "parentId": ids["b"]}
    )
    return ids | make(mail, baz={"name": "z", "parentId": ids["ba"], "isSubscribed": False})


def query(mail, **arguments) -> list[str]:
    names = {box["id"]: box["name"] for box in mail.call("Mailbox/get", ids=None)["list"]}
    return [names[number] for number in mail.call("Mailbox/query", **arguments)["ids"]]


def test_query_sorts_and_windows(mail):
    by_order = [{"property": "sortOrder"}]
    assert query(mail, sort=by_order) == ["Inbox", "Drafts", "Sent", "Archive", "Junk", "Trash"]
    by_name = [{"property": "name", "isAscending": False}]
    assert query(mail, sort=by_name) == ["Trash", "Sent", "Junk", "Inbox", "Drafts", "Archive"]
    answer = mail.call("Mailbox/query", sort=by_order, position=-2, limit=1, calculateTotal=True)
    assert answer["ids"] == [mail.box["Junk"]]
    assert (answer["position"], answer["total"], "limit" in answer) == (4, 6, False)
    answer = mail.call(
        "Mailbox/query", sort=by_order, anchor=mail.box["Archive"], anchorOffset=-1, limit=2
    )
    assert answer["ids"] == [mail.box["Sent"], mail.box["Archive"]]
    assert "total" not in answer
    assert answer["canCalculateChanges"] is True
    assert mail.call("Mailbox/query", position=99)["ids"] == []
    assert mail.error("Mailbox/query", anchor="M999999")["type"] == "anchorNotFound"
    assert mail.error("Mailbox/query", anchor="nonsense")["type"] == "anchorNotFound"
    assert mail.error("Mailbox/query", limit=-1)["type"] == "invalidArguments"


def test_query_filters(mail):
    ids = tree(mail)
    by_name = [{"property": "name"}]

    def found(**condition):
        return query(mail, filter=condition, sort=by_name)

    assert found(role="trash") == ["Trash"]
    assert found(role=None) == ["a", "a", "b", "c", "z"]
    assert found(hasAnyRole=False) == ["a", "a", "b", "c", "z"]
    assert found(hasAnyRole=True, name="R") == ["Archive", "Drafts", "Trash"]
    assert found(parentId=ids["b"]) == ["a", "c"]
    assert found(parentId=None, hasAnyRole=False) == ["a", "b"]
    assert found(parentId="M99999") == []
    assert found(isSubscribed=False) == ["z"]
    assert found(name="NB") == ["Inbox"]
    some = {"operator": "OR", "conditions": [{"role": "sent"}, {"name": "z"}]}
    assert query(mail, filter=some, sort=by_name) == ["Sent", "z"]
    none = {"operator": "NOT", "conditions": [{"hasAnyRole": True}, {"parentId": ids["b"]}]}
    assert query(mail, filter=none, sort=by_name) == ["a", "b", "z"]


def test_query_sorts_and_filters_as_a_tree(mail):
    tree(mail)
    own = {"hasAnyRole": False}
    by_name = [{"property": "name"}]
    assert query(mail, filter=own, sort=by_name, sortAsTree=True) == ["a", "b", "a", "z", "c"]
    back = [{"property": "name", "isAscending": False}]
    assert query(mail, filter=own, sort=back, sortAsTree=True) == ["b", "c", "a", "z", "a"]
    # Without what is above it nothing is found.
    not_b = {
        "operator": "AND",
        "conditions": [own, {"operator": "NOT", "conditions": [{"name": "b"}]}],
    }
    assert query(mail, filter=not_b, sort=by_name) == ["a", "a", "c", "z"]
    assert query(mail, filter=not_b, sort=by_name, filterAsTree=True) == ["a"]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"filter": []}, "invalidArguments"),
        ({"filter": {"nonsense": 1}}, "unsupportedFilter"),
        ({"filter": {"name": 5}}, "invalidArguments"),
        ({"filter": {"role": 5}}, "invalidArguments"),
        ({"filter": {"parentId": 5}}, "invalidArguments"),
        ({"filter": {"hasAnyRole": None}}, "invalidArguments"),
        ({"filter": {"isSubscribed": "yes"}}, "invalidArguments"),
        ({"filter": {"operator": "XOR", "conditions": []}}, "invalidArguments"),
        ({"filter": {"operator": "AND"}}, "invalidArguments"),
        ({"filter": {"operator": "AND", "conditions": [], "name": "x"}}, "invalidArguments"),
        ({"sort": {}}, "invalidArguments"),
        ({"sort": [{}]}, "invalidArguments"),
        ({"sort": [{"property": "name", "isAscending": 1}]}, "invalidArguments"),
        ({"sort": [{"property": "role"}]}, "unsupportedSort"),
        ({"sort": [{"property": "name", "collation": "i;klingon"}]}, "unsupportedSort"),
        ({"sortAsTree": 1}, "invalidArguments"),
        ({"filterAsTree": None}, "invalidArguments"),
        ({"nonsense": 1}, "invalidArguments"),
    ],
)
def test_query_refuses_what_makes_no_sense(mail, arguments, kind):
    assert mail.error("Mailbox/query", **arguments)["type"] == kind


def follow(mail, ids: list[str], since: str, **arguments) -> tuple[list[str], str]:
    """Bring results up to date as RFC 8620 §5.6 says."""
    changes = mail.call("Mailbox/queryChanges", sinceQueryState=since, **arguments)
    ids = [number for number in ids if number not in changes["removed"]]
    for item in changes["added"]:
        ids.insert(item["index"], item["id"])
    return ids, changes["newQueryState"]


@pytest.mark.parametrize("as_tree", [False, True])
def test_query_changes_lead_from_one_result_to_the_next(mail, as_tree):
    ids = tree(mail)
    arguments = {
        "filter": {"isSubscribed": True}, "sort": [{"property": "name"}],
        "sortAsTree": as_tree, "filterAsTree": as_tree,
    }  # fmt: skip
    first = mail.call("Mailbox/query", **arguments)
    mail.call(
        "Mailbox/set",
        create={"n": {"name": "New", "parentId": ids["bc"]}},
        update={
            ids["top"]: {"name": "zz"}, ids["baz"]: {"isSubscribed": True},
            ids["b"]: {"isSubscribed": False},
        },
        destroy=[mail.box["Junk"]],
    )  # fmt: skip
    mail.deliver("Subject: a\n\nx\n")
    now = mail.call("Mailbox/query", **arguments)
    assert follow(mail, first["ids"], first["queryState"], **arguments) == (
        now["ids"], now["queryState"],
    )  # fmt: skip
    changes = mail.call(
        "Mailbox/queryChanges",
        sinceQueryState=first["queryState"],
        calculateTotal=True,
        **arguments,
    )
    assert changes["total"] == len(now["ids"])
    # Nobody's numbers are a reason to put it in anew.
    assert mail.box["Inbox"] not in changes["removed"]


def test_query_changes_may_be_too_many_or_of_no_state(mail):
    since = mail.call("Mailbox/query")["queryState"]
    make(mail, a={"name": "a"}, b={"name": "b"})
    error = mail.error("Mailbox/queryChanges", sinceQueryState=since, maxChanges=1)
    assert error["type"] == "tooManyChanges"
    error = mail.error("Mailbox/queryChanges", sinceQueryState="nonsense")
    assert error["type"] == "cannotCalculateChanges"
    assert mail.error("Mailbox/queryChanges")["type"] == "invalidArguments"
