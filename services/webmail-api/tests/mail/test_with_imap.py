"""JMAP and IMAP look at the same mail (RFC 8621 §4.1.1, RFC 8474)."""

import re

NOTE = "Message-ID: <note@x>\nSubject: note\nFrom: a@x\n\nHello\n"


def flags(client, mailbox: str) -> list[set[str]]:
    client.select(mailbox)
    _, found = client.fetch("1:*", "(FLAGS)")
    return [set(re.search(rb"FLAGS \((.*?)\)", line)[1].decode().split()) for line in found if line]


def ids(client, mailbox: str) -> list[str]:
    _, (count,) = client.select(mailbox)
    if count == b"0":
        return []
    _, found = client.fetch("1:*", "(EMAILID)")
    return [re.search(rb"EMAILID \((\w+)\)", line)[1].decode() for line in found if line]


def listed(client, command: str = "list") -> set[str]:
    _, found = getattr(client, command)()
    return {re.search(rb'"/" "?(.*?)"?$', line)[1].decode() for line in found}


def test_keywords_are_flags(mail, imap):
    email_id = mail.deliver(NOTE, "Inbox", "Archive")
    mail.set(
        update={
            email_id: {
                "keywords": {
                    "$seen": True, "$flagged": True, "$answered": True, "$draft": True, "$work": True,
                }
            }
        }
    )  # fmt: skip
    client = imap()
    for mailbox in ("INBOX", "Archive"):
        (found,) = flags(client, mailbox)
        assert found - {"\\Recent"} == {"\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$work"}
    client.select("INBOX")
    client.store("1", "FLAGS", "(\\Flagged $Other)")
    client.select("Archive")
    client.store("1", "-FLAGS", "(\\Seen \\Draft)")
    email = mail.get(email_id, "keywords")
    # Seen only where all places are; anything else where one is.
    assert email["keywords"] == {"$flagged": True, "$answered": True, "$work": True, "$other": True}


def test_mailbox_ids_are_places(mail, imap):
    email_id = mail.deliver(NOTE)
    client = imap()
    assert ids(client, "INBOX") == [email_id]
    mail.set(update={email_id: {f"mailboxIds/{mail.box['Archive']}": True}})
    assert (ids(client, "INBOX"), ids(client, "Archive")) == ([email_id], [email_id])
    client.select("INBOX")
    client.uid("MOVE", "1", "Trash")
    boxes = mail.get(email_id, "mailboxIds")["mailboxIds"]
    assert boxes == {mail.box["Archive"]: True, mail.box["Trash"]: True}
    mail.set(update={email_id: {"mailboxIds": {mail.box["Junk"]: True}}})
    assert (ids(client, "Archive"), ids(client, "Trash")) == ([], [])
    assert ids(client, "Junk") == [email_id]
    mail.set(destroy=[email_id])
    assert ids(client, "Junk") == []


def test_uids_of_jmap_moves_are_in_order_and_never_used_twice(mail, imap):
    emails = [mail.deliver(NOTE) for _ in range(3)]
    client = imap()
    for target in ("Archive", "Inbox"):
        mail.set(update={e: {"mailboxIds": {mail.box[target]: True}} for e in emails})
    client.select("INBOX")
    _, found = client.uid("SEARCH", "ALL")
    assert found == [b"4 5 6"]
    assert ids(client, "INBOX") == emails


def test_what_has_deleted_is_out_of_sight_until_it_is_taken_back(mail, imap):
    email_id = mail.deliver(NOTE)
    client = imap()
    client.select("INBOX")
    state = mail.call("Email/get", ids=[])["state"]
    client.store("1", "+FLAGS", "(\\Deleted)")
    assert mail.call("Email/get", ids=[email_id])["notFound"] == [email_id]
    assert mail.query() == []
    assert mail.mailbox("Inbox")["totalEmails"] == 0
    gone = mail.call("Email/changes", sinceState=state)
    assert gone["destroyed"] == [email_id]
    done = mail.call("Email/set", destroy=[email_id])
    assert done["notDestroyed"][email_id]["type"] == "notFound"
    client.store("1", "-FLAGS", "(\\Deleted)")
    assert mail.call("Email/changes", sinceState=gone["newState"])["created"] == [email_id]
    assert mail.mailbox("Inbox")["totalEmails"] == 1
    client.store("1", "+FLAGS", "(\\Deleted)")
    client.expunge()
    assert mail.call("Email/get", ids=[email_id])["notFound"] == [email_id]


def test_a_draft_of_jmap_is_a_message_of_imap(mail, imap):
    email_id = mail.create(subject="Grüße", keywords={"$draft": True})
    client = imap()
    assert ids(client, "Drafts") == [email_id]
    _, found = client.fetch("1", "(BODY.PEEK[])")
    assert found[0][1] == mail.raw(email_id)
    client.append("Drafts", "(\\Draft)", None, b"Subject: by IMAP\r\n\r\nx\r\n")
    assert len(mail.query({"inMailbox": mail.box["Drafts"]})) == 2


def test_mailboxes_are_the_same_tree(mail, imap):
    client = imap()
    made = mail.call(
        "Mailbox/set",
        create={
            "a": {"name": "Projects", "role": "important"},
            "b": {"name": "Harbour", "parentId": "#a"},
            "c": {"name": "below", "parentId": mail.box["Inbox"]},
        },
    )["created"]
    assert {"Projects", "Projects/Harbour", "INBOX/below"} <= listed(client)
    client.rename("Projects", "Archive/Old")
    boxes = mail.mailboxes()
    assert boxes["Old"]["id"] == made["a"]["id"]
    assert boxes["Old"]["parentId"] == mail.box["Archive"]
    assert boxes["Harbour"]["parentId"] == made["a"]["id"]
    mail.call("Mailbox/set", update={made["b"]["id"]: {"parentId": None, "isSubscribed": False}})
    assert {"Harbour", "Archive/Old"} <= listed(client)
    assert "Harbour" not in listed(client, "lsub")
    client.create("Made/by/IMAP")
    assert mail.mailboxes()["IMAP"]["parentId"] == mail.mailboxes()["by"]["id"]
    mail.call("Mailbox/set", destroy=[made["b"]["id"]])
    assert "Harbour" not in listed(client)


def test_a_name_without_a_mailbox_holds_no_emails(mail, imap):
    client = imap()
    client.create("top/below")
    client.delete("top")
    top = mail.mailboxes()["top"]
    assert not top["myRights"]["mayAddItems"]
    assert top["myRights"]["mayDelete"]
    email_id = mail.deliver(NOTE)
    done = mail.call("Email/set", update={email_id: {f"mailboxIds/{top['id']}": True}})
    assert done["notUpdated"][email_id]["properties"] == ["mailboxIds"]
    place = {"mailboxIds": {top["id"]: True}}
    assert mail.refused(**place)["properties"] == ["mailboxIds"]


def test_a_waiting_imap_session_hears_of_jmap_changes(mail, imap):
    client = imap()
    client.select("INBOX")
    mail.deliver(NOTE)
    client.noop()
    tag = client._new_tag()
    client.send(tag + b" IDLE\r\n")
    assert client.readline().startswith(b"+")
    email_id = mail.create(mailboxIds={mail.box["Inbox"]: True})
    assert client.readline().startswith(b"* 2 EXISTS")
    mail.set(update={email_id: {"keywords/$flagged": True}})
    while b"FLAGS" not in (line := client.readline()):
        assert line
    assert b"\\Flagged" in line
    mail.set(destroy=[email_id])
    while b"EXPUNGE" not in (line := client.readline()):
        assert line
    client.send(b"DONE\r\n")
    while not client.readline().startswith(tag):
        pass
