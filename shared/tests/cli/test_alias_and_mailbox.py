"""``mailquay alias`` and ``mailquay mailbox``."""

from mailquay.cli.exits import Exit


def test_alias_grows_shrinks_and_goes(mailquay, domain):
    team = f"team@{domain}"
    first = mailquay("alias", "add", team, "Ada@Example.com", "bob@example.net", "--json").data
    assert first == {"address": team, "targets": ["ada@example.com", "bob@example.net"]}
    mailquay("alias", "add", team, "cyd@example.org")
    mailquay("alias", "remove", team, "bob@example.net")
    listed = {each["address"]: each["targets"] for each in mailquay("alias", "list", "--json").data}
    assert listed[team] == ["ada@example.com", "cyd@example.org"]
    mailquay("alias", "remove", team)
    mailquay("alias", "remove", team, status=Exit.NOT_FOUND)


def test_alias_must_be_of_a_domain_here_and_no_account(mailquay, domain):
    mailquay("alias", "add", "team@nowhere.test", "ada@example.com", status=Exit.NOT_FOUND)
    mailquay("account", "add", f"ada@{domain}", "--generate")
    mailquay("alias", "add", f"ada@{domain}", "bob@example.net", status=Exit.EXISTS)
    mailquay("alias", "add", f"x@{domain}", "no address", status=Exit.MALFORMED)


def test_account_shows_the_aliases_that_lead_to_it(mailquay, domain):
    mailquay("account", "add", f"ada@{domain}", "--generate")
    mailquay("alias", "add", f"team@{domain}", f"ada@{domain}")
    shown = mailquay("account", "show", f"ada@{domain}", "--json").data
    assert shown["aliases"] == [f"team@{domain}"]


def test_mailboxes_are_listed_with_inbox_first(mailquay, domain):
    mailquay("account", "add", f"ada@{domain}", "--generate")
    listed = mailquay("mailbox", "list", f"ada@{domain}", "--json").data
    assert [(m["name"], m["role"], m["messages"], m["uidnext"]) for m in listed[:2]] == [
        ("INBOX", "inbox", 0, 1),
        ("Drafts", "drafts", 0, 1),
    ]
    mailquay("mailbox", "list", f"nobody@{domain}", status=Exit.NOT_FOUND)
