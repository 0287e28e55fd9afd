"""Email/query and Email/queryChanges over sockets (RFC 8621 §4.4, §4.5)."""

import random
from datetime import UTC, datetime, timedelta

import pytest

START = datetime(2026, 1, 1, tzinfo=UTC)
SEEN, FLAGGED, DRAFT = 1, 4, 16


@pytest.fixture
def shelf(mail):
    """Emails by name, a minute apart."""
    pdf = (
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        "Please find the harbour plan\n--b\nContent-Type: application/pdf; name=a.pdf\n\nx\n--b--\n"
    )
    specs = {
        "tea": ("Message-ID: <1@x>\nFrom: Zoe <zoe@x>\nTo: b@y\nSubject: tea\n\nGreen leaves\n", {}),
        "reply": (
            "Message-ID: <2@x>\nReferences: <1@x>\nFrom: =?utf-8?q?J=C3=B6rg?= <j@x>\n"
            "Cc: carol@y\nSubject: Re: tea\n\nBlack leaves\n",
            {"flags": SEEN | FLAGGED, "names": ("Archive",)},
        ),
        "plan": (f"From: ann@x\nX-Spam: very YES\nList-Id: <list.x>\nSubject: plan\n{pdf}", {"keywords": ("$Work",)}),
        "html": (
            "From: bob@x\nSubject: news\nContent-Type: text/html\n\n"
            "<style>hidden</style><p>Quarterly <b>harbour</b>\nreport</p>\n",
            {"flags": SEEN, "names": ("Inbox", "Archive")},
        ),
        "draft": ("Bcc: secret@z\nSubject: \n\n" + "x" * 5000, {"flags": DRAFT, "names": ("Drafts",)}),
        "hidden": ("From: Zoe <zoe@x>\nSubject: tea\n\nGreen leaves\n", {"flags": 8}),
    }  # fmt: skip
    found = {}
    for minute, (name, (raw, options)) in enumerate(specs.items()):
        boxes = options.pop("names", ("Inbox",))
        found[name] = mail.deliver(raw, *boxes, at=START + timedelta(minutes=minute), **options)
    return found


def named(shelf, ids) -> list[str]:
    back = {email_id: name for name, email_id in shelf.items()}
    return [back[email_id] for email_id in ids]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (None, "tea reply plan html draft"),
        ({}, "tea reply plan html draft"),
        ({"before": "2026-01-01T00:01:00Z"}, "tea"),
        ({"after": "2026-01-01T00:03:00Z"}, "html draft"),
        ({"after": "2026-01-01T00:01:00Z", "before": "2026-01-01T00:02:00Z"}, "reply"),
        ({"minSize": 5000}, "draft"),
        ({"maxSize": 90}, "tea"),
        ({"hasKeyword": "$seen"}, "reply html"),
        ({"notKeyword": "$seen"}, "tea plan draft"),
        ({"hasKeyword": "$work"}, "plan"),
        ({"hasKeyword": "$WORK"}, "plan"),
        ({"notKeyword": "$work", "hasKeyword": "$draft"}, "draft"),
        ({"allInThreadHaveKeyword": "$seen"}, "html"),
        ({"someInThreadHaveKeyword": "$seen"}, "tea reply html"),
        ({"noneInThreadHaveKeyword": "$seen"}, "plan draft"),
        ({"someInThreadHaveKeyword": "$work"}, "plan"),
        ({"hasAttachment": True}, "plan"),
        ({"hasAttachment": False}, "tea reply html draft"),
        ({"from": "ZOE"}, "tea"),
        ({"from": "jörg"}, "reply"),
        ({"to": "b@y"}, "tea"),
        ({"cc": "carol"}, "reply"),
        ({"bcc": "secret"}, "draft"),
        ({"subject": "tea"}, "tea reply"),
        ({"subject": "re: tea"}, "reply"),
        ({"subject": '"re: t"'}, "reply"),
        ({"subject": "%"}, ""),
        ({"body": "leaves"}, "tea reply"),
        ({"body": "LEAVES black"}, "reply"),
        ({"body": '"green leaves"'}, "tea"),
        ({"body": '"leaves green"'}, ""),
        ({"body": "hidden"}, ""),
        ({"body": "style"}, ""),
        ({"body": '"harbour report"'}, "html"),
        ({"text": "harbour"}, "plan html"),
        ({"text": "harbour news"}, "html"),
        ({"text": "zoe green"}, "tea"),
        ({"text": "   "}, "tea reply plan html draft"),
        ({"header": ["X-Spam"]}, "plan"),
        ({"header": ["x-spam", "yes"]}, "plan"),
        ({"header": ["x-spam", "no"]}, ""),
        ({"header": ["List-Id", "LIST"]}, "plan"),
        ({"header": ["List-Id"]}, "plan"),
        ({"header": ["Subject"]}, "tea reply plan html"),
        ({"header": ["From", "ann"]}, "plan"),
        ({"header": ["References", "1@x"]}, "reply"),
        (
            {"operator": "AND", "conditions": [{"body": "leaves"}, {"notKeyword": "$seen"}]},
            "tea",
        ),
        (
            {"operator": "OR", "conditions": [{"body": "black"}, {"hasKeyword": "$draft"}]},
            "reply draft",
        ),
        (
            {"operator": "NOT", "conditions": [{"body": "leaves"}, {"hasAttachment": True}]},
            "html draft",
        ),
        (
            {
                "operator": "NOT",
                "conditions": [{"operator": "NOT", "conditions": [{"body": "leaves"}]}],
            },
            "tea reply",
        ),
        ({"operator": "AND", "conditions": []}, "tea reply plan html draft"),
        ({"operator": "OR", "conditions": []}, ""),
    ],
)
def test_filters(mail, shelf, condition, names):
    assert named(shelf, mail.query(condition)) == names.split()


def test_filters_of_mailboxes(mail, shelf):
    inbox, archive = mail.box["Inbox"], mail.box["Archive"]

    def found(condition):
        return " ".join(named(shelf, mail.query(condition)))

    assert found({"inMailbox": inbox}) == "tea plan html"
    assert found({"inMailbox": inbox, "hasKeyword": "$seen"}) == "html"
    assert found({"inMailbox": "M99999999"}) == ""
    assert found({"inMailbox": "nonsense"}) == ""
    assert found({"inMailboxOtherThan": [inbox]}) == "reply html draft"
    assert found({"inMailboxOtherThan": [inbox, archive]}) == "draft"
    assert found({"inMailboxOtherThan": []}) == "tea reply plan html draft"
    both = {"operator": "AND", "conditions": [{"inMailbox": inbox}, {"inMailbox": archive}]}
    assert found(both) == "html"
    neither = {"operator": "NOT", "conditions": [{"inMailbox": inbox}, {"inMailbox": archive}]}
    assert found(neither) == "draft"
    assert found({"inMailbox": inbox, "text": "harbour"}) == "plan html"


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ([{"property": "receivedAt", "isAscending": False}], "draft html plan reply tea"),
        ([{"property": "size"}], "tea html reply plan draft"),
        ([{"property": "from"}], "draft plan html reply tea"),
        (
            [{"property": "to", "isAscending": False}, {"property": "receivedAt"}],
            "tea reply plan html draft",
        ),
        ([{"property": "subject"}, {"property": "receivedAt"}], "draft html plan tea reply"),
        ([{"property": "sentAt"}], "tea reply plan html draft"),
        (
            [
                {"property": "hasKeyword", "keyword": "$seen", "isAscending": False},
                {"property": "receivedAt"},
            ],
            "reply html tea plan draft",
        ),
        (
            [
                {"property": "allInThreadHaveKeyword", "keyword": "$seen"},
                {"property": "receivedAt"},
            ],
            "tea reply plan draft html",
        ),
        # The example of RFC 8621 §4.4.2
        (
            [
                {
                    "property": "someInThreadHaveKeyword",
                    "keyword": "$flagged",
                    "isAscending": False,
                },
                {"property": "subject", "collation": "i;ascii-casemap"},
                {"property": "receivedAt", "isAscending": False},
            ],
            "reply tea draft html plan",
        ),
    ],
)
def test_sorts(mail, shelf, sort, names):
    assert named(shelf, mail.query(sort=sort)) == names.split()


def test_without_a_sort_the_newest_comes_first(mail, shelf):
    for sort in (None, []):
        ids = mail.call("Email/query", sort=sort)["ids"]
        assert named(shelf, ids) == ["draft", "html", "plan", "reply", "tea"]


def test_windows(mail, shelf):
    sort = [{"property": "receivedAt"}]

    def found(**arguments):
        answer = mail.call("Email/query", sort=sort, **arguments)
        return " ".join(named(shelf, answer["ids"])), answer["position"]

    assert found(position=1, limit=2) == ("reply plan", 1)
    assert found(position=-2) == ("html draft", 3)
    assert found(position=-99, limit=1) == ("tea", 0)
    assert found(position=99) == ("", 99)
    assert found(limit=0) == ("", 0)
    assert found(anchor=shelf["plan"], anchorOffset=-1, limit=2) == ("reply plan", 1)
    assert found(anchor=shelf["plan"], position=4) == ("plan html draft", 2)
    assert found(position=4, anchorOffset=-3) == ("draft", 4)
    assert found(anchor=shelf["tea"], anchorOffset=-5, limit=1) == ("tea", 0)
    for anchor in (shelf["hidden"], "E99999999", "nonsense"):
        assert mail.error("Email/query", anchor=anchor)["type"] == "anchorNotFound"


def test_totals_and_limits_are_told_as_asked(mail, shelf):
    answer = mail.call("Email/query", calculateTotal=True, limit=2)
    assert (answer["total"], "limit" in answer) == (5, False)
    answer = mail.call("Email/query", filter={"body": "leaves"}, calculateTotal=True)
    assert (answer["total"], answer["canCalculateChanges"]) == (2, False)
    answer = mail.call("Email/query")
    assert "total" not in answer
    # Without a limit of the client's there is one of ours.
    assert answer["limit"] > 0
    assert answer["canCalculateChanges"] is True


def test_a_thread_is_there_once(mail, shelf):
    first = mail.query(collapseThreads=True)
    assert named(shelf, first) == ["tea", "plan", "html", "draft"]
    answer = mail.call("Email/query", collapseThreads=True, calculateTotal=True, limit=2)
    assert (named(shelf, answer["ids"]), answer["total"]) == (["draft", "html"], 4)
    # What does not match hides nothing.
    seen = mail.query({"hasKeyword": "$seen"}, collapseThreads=True)
    assert named(shelf, seen) == ["reply", "html"]


def test_the_example_of_the_rfc_fills_a_screen(mail, shelf):
    # RFC 8621 §4.10
    query, emails, threads, rows = mail.calls(
        (
            "Email/query",
            {
                "filter": {"inMailbox": mail.box["Inbox"]},
                "sort": [{"isAscending": False, "property": "receivedAt"}],
                "collapseThreads": True, "position": 0, "limit": 30, "calculateTotal": True,
            },
        ),
        (
            "Email/get",
            {
                "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"},
                "properties": ["threadId"],
            },
        ),
        (
            "Thread/get",
            {"#ids": {"resultOf": "1", "name": "Email/get", "path": "/list/*/threadId"}},
        ),
        (
            "Email/get",
            {
                "#ids": {"resultOf": "2", "name": "Thread/get", "path": "/list/*/emailIds"},
                "properties": ["threadId", "mailboxIds", "keywords", "from", "subject", "preview"],
            },
        ),
    )  # fmt: skip
    assert query[1]["total"] == 3
    assert len(emails[1]["list"]) == 3
    assert len(threads[1]["list"]) == 3
    # The answer to the tea lies in the archive, and is of its thread.
    assert {row["id"] for row in rows[1]["list"]} == {
        shelf[n] for n in ("tea", "reply", "plan", "html")
    }


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"filter": "x"}, "invalidArguments"),
        ({"filter": {"nonsense": 1}}, "unsupportedFilter"),
        ({"filter": {"inMailbox": 5}}, "invalidArguments"),
        ({"filter": {"inMailboxOtherThan": "M1"}}, "invalidArguments"),
        ({"filter": {"before": "yesterday"}}, "invalidArguments"),
        ({"filter": {"after": "2026-01-01T00:00:00+01:00"}}, "invalidArguments"),
        ({"filter": {"minSize": -1}}, "invalidArguments"),
        ({"filter": {"maxSize": "5"}}, "invalidArguments"),
        ({"filter": {"hasKeyword": "a b"}}, "invalidArguments"),
        ({"filter": {"hasAttachment": 1}}, "invalidArguments"),
        ({"filter": {"text": 5}}, "invalidArguments"),
        ({"filter": {"header": []}}, "invalidArguments"),
        ({"filter": {"header": ["a", "b", "c"]}}, "invalidArguments"),
        ({"filter": {"operator": "AND", "conditions": {}}}, "invalidArguments"),
        ({"sort": "receivedAt"}, "invalidArguments"),
        ({"sort": [{"property": "hasKeyword"}]}, "invalidArguments"),
        ({"sort": [{"property": "hasKeyword", "keyword": "a b"}]}, "invalidArguments"),
        ({"sort": [{"property": "threadId"}]}, "unsupportedSort"),
        ({"sort": [{"property": "subject", "collation": "i;klingon"}]}, "unsupportedSort"),
        ({"limit": -1}, "invalidArguments"),
        ({"limit": 1.5}, "invalidArguments"),
        ({"position": "0"}, "invalidArguments"),
        ({"collapseThreads": 1}, "invalidArguments"),
        ({"calculateTotal": "yes"}, "invalidArguments"),
        ({"nonsense": 1}, "invalidArguments"),
    ],
)
def test_query_refuses_what_makes_no_sense(mail, arguments, kind):
    assert mail.error("Email/query", **arguments)["type"] == kind


def test_a_filter_without_end_is_refused(mail):
    deep = {"text": "x"}
    for _ in range(30):
        deep = {"operator": "NOT", "conditions": [deep]}
    assert mail.error("Email/query", filter=deep)["type"] == "unsupportedFilter"
    wide = {"operator": "OR", "conditions": [{"text": "x"}] * 600}
    assert mail.error("Email/query", filter=wide)["type"] == "unsupportedFilter"


def test_only_the_newest_messages_are_looked_into(mail, deployment):
    web = deployment.start("webmail-api", WEB__SEARCH_MAX_MESSAGES="100")
    small = type(mail)(deployment, web.ports["http"], mail.account)
    old = small.deliver("Subject: oldest harbour\n\nneedle\n", at=START)
    for n in range(100):
        small.create(subject=str(n), textBody=[{"partId": "t"}], bodyValues={"t": {"value": "hay"}})
    assert small.query({"text": "needle"}) == []
    assert small.query({"text": "harbour"}) == [old]
    assert mail.query({"text": "needle"}) == [old]
    small.http.close()


def test_what_was_looked_for_is_found_again_and_what_is_new_too(mail, shelf):
    assert named(shelf, mail.query({"body": "leaves"})) == ["tea", "reply"]
    new = mail.deliver("Subject: more\n\nmore leaves\n")
    assert mail.query({"body": "leaves"})[-1] == new
    mail.set(destroy=[shelf["tea"]])
    assert mail.query({"body": "leaves"}) == [shelf["reply"], new]


def test_a_message_that_is_lost_keeps_no_other_from_being_found(mail):
    folder = mail.deployment.folder / "blobs" / "packs"
    before = set(folder.rglob("*")) if folder.exists() else set()
    lost = mail.deliver("Subject: lost\n\nneedle\n")
    (pack,) = [path for path in set(folder.rglob("*")) - before if path.is_file()]
    kept = mail.deliver("Subject: kept\n\nneedle\n")
    pack.unlink()
    assert mail.query({"body": "needle"}) == [kept]
    assert mail.query({"subject": "lost"}) == [lost]
    answer = mail.call("SearchSnippet/get", filter={"body": "needle"}, emailIds=[lost, kept])
    assert [item["preview"] for item in answer["list"]] == [None, "<mark>needle</mark>"]


def follow(mail, ids: list[str], since: str, **arguments) -> tuple[list[str], str]:
    """Bring results up to date as RFC 8620 §5.6 says."""
    changes = mail.call("Email/queryChanges", sinceQueryState=since, **arguments)
    ids = [number for number in ids if number not in changes["removed"]]
    assert changes["added"] == sorted(changes["added"], key=lambda item: item["index"])
    for item in changes["added"]:
        ids.insert(item["index"], item["id"])
    return ids, changes["newQueryState"]


QUERIES = [
    {"filter": None, "sort": [{"property": "receivedAt", "isAscending": False}]},
    {"filter": {"hasKeyword": "$seen"}, "sort": [{"property": "subject"}]},
    {"filter": {"someInThreadHaveKeyword": "$flagged"}, "sort": [{"property": "size"}]},
    {
        "filter": None, "collapseThreads": True,
        "sort": [
            {"property": "allInThreadHaveKeyword", "keyword": "$seen"}, {"property": "receivedAt"},
        ],
    },
    {"filter": {"notKeyword": "$flagged"}, "collapseThreads": True, "sort": None},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_query_changes_lead_from_one_result_to_the_next(mail, shelf, number):
    arguments = QUERIES[number]
    rng = random.Random(number)
    answer = mail.call("Email/query", **arguments)
    ids, state = answer["ids"], answer["queryState"]
    emails = [email_id for name, email_id in shelf.items() if name != "hidden"]
    boxes = [mail.box[name] for name in ("Inbox", "Archive", "Trash")]
    for step in range(12):
        match rng.choice(["deliver", "reply", "keyword", "keyword", "move", "destroy"]):
            case "deliver":
                emails.append(mail.deliver(f"Subject: {rng.random()}\n\nx\n"))
            case "reply":
                raw = f"Message-ID: <r{step}@x>\nReferences: <1@x>\nSubject: Re: tea\n\nx\n"
                emails.append(mail.deliver(raw, at=START + timedelta(seconds=rng.randint(0, 400))))
            case "keyword":
                keyword = rng.choice(["$seen", "$flagged"])
                patch = {f"keywords/{keyword}": rng.choice([True, None])}
                mail.set(update={rng.choice(emails): patch})
            case "move":
                mail.set(update={rng.choice(emails): {"mailboxIds": {rng.choice(boxes): True}}})
            case "destroy":
                gone = emails.pop(rng.randrange(len(emails)))
                mail.set(destroy=[gone])
        if rng.random() < 0.6:
            ids, state = follow(mail, ids, state, **arguments)
            now = mail.call("Email/query", calculateTotal=True, **arguments)
            assert (ids, state) == (now["ids"], now["queryState"])


def test_query_changes_tell_the_total_and_refuse_too_many(mail, shelf):
    state = mail.call("Email/query")["queryState"]
    mail.set(update={shelf["tea"]: {"keywords/$seen": True}, shelf["plan"]: {"keywords/a": True}})
    changes = mail.call("Email/queryChanges", sinceQueryState=state, calculateTotal=True)
    assert changes["total"] == 5
    assert set(changes["removed"]) == {shelf["tea"], shelf["plan"]}
    assert changes["oldQueryState"] == state
    error = mail.error("Email/queryChanges", sinceQueryState=state, maxChanges=3)
    assert error["type"] == "tooManyChanges"
    changes = mail.call("Email/queryChanges", sinceQueryState=state, maxChanges=4, upToId="E1")
    assert "total" not in changes


def test_query_changes_that_cannot_be_told(mail, shelf):
    state = mail.call("Email/query")["queryState"]
    for filter_, since in (({"body": "x"}, state), ({"text": "x"}, state), (None, "nonsense")):
        error = mail.error("Email/queryChanges", filter=filter_, sinceQueryState=since)
        assert error["type"] == "cannotCalculateChanges"
    assert mail.error("Email/queryChanges")["type"] == "invalidArguments"
    assert (
        mail.error("Email/queryChanges", sinceQueryState=state, maxChanges=0)["type"]
        == "invalidArguments"
    )


def test_email_and_thread_changes(mail, shelf):
    since = mail.call("Email/get", ids=[])["state"]
    new = mail.deliver("Subject: new\n\nx\n")
    mail.set(update={shelf["tea"]: {"keywords/$seen": True}}, destroy=[shelf["plan"]])
    changes = mail.call("Email/changes", sinceState=since)
    assert changes["created"] == [new]
    assert changes["updated"] == [shelf["tea"]]
    assert changes["destroyed"] == [shelf["plan"]]
    assert changes["hasMoreChanges"] is False
    threads = mail.call("Thread/changes", sinceState=since)
    assert threads["created"] == [mail.get(new, "threadId")["threadId"]]
    assert (threads["updated"], len(threads["destroyed"])) == ([], 1)
    told, state = [], since
    while True:
        step = mail.call("Email/changes", sinceState=state, maxChanges=1)
        told += step["created"] + step["updated"] + step["destroyed"]
        assert step["oldState"] == state
        state = step["newState"]
        if not step["hasMoreChanges"]:
            break
    assert sorted(told) == sorted([new, shelf["tea"], shelf["plan"]])
    assert state == changes["newState"]
