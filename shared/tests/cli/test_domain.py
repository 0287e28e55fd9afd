"""``mailquay domain``."""

import pytest

from mailquay.cli.exits import Exit


def test_domain_is_added_listed_shown_and_removed(mailquay):
    assert mailquay("domain", "add", "Example.TEST.", "--json").data == {
        "name": "example.test", "catch_all": None, "subaddress_separator": "+",
    }  # fmt: skip
    assert "example.test" in mailquay("domain", "list").output
    mailquay("account", "add", "ada@example.test", "--generate")
    mailquay("alias", "add", "team@example.test", "ada@example.test")
    shown = mailquay("domain", "show", "example.test", "--json").data
    assert shown["accounts"] == ["ada@example.test"]
    assert shown["aliases"] == ["team@example.test"]

    refused = mailquay("domain", "remove", "example.test", status=Exit.REFUSED)
    assert "still has accounts" in refused.error
    mailquay("account", "remove", "ada@example.test", "--yes")
    assert mailquay("domain", "remove", "example.test", "--json").data == {
        "removed": "example.test"
    }
    names = [each["name"] for each in mailquay("domain", "list", "--json").data]
    assert "example.test" not in names
    aliases = [each["address"] for each in mailquay("alias", "list", "--json").data]
    assert "team@example.test" not in aliases


def test_international_domain_is_kept_in_its_ascii_form(mailquay):
    assert mailquay("domain", "add", "bücher.test", "--json").data["name"] == "xn--bcher-kva.test"
    assert mailquay("domain", "show", "BÜCHER.test", "--json").data["name"] == "xn--bcher-kva.test"


def test_catch_all_is_set_and_taken_back(mailquay, domain):
    set_to = mailquay("domain", "catch-all", domain, f"All@{domain}", "--json").data
    assert set_to["catch_all"] == f"all@{domain}"
    assert mailquay("domain", "show", domain, "--json").data["catch_all"] == f"all@{domain}"
    assert mailquay("domain", "catch-all", domain, "none", "--json").data["catch_all"] is None


@pytest.mark.parametrize(
    ("arguments", "status", "kind"),
    [
        (("add", "no..domain"), Exit.MALFORMED, "malformed"),
        (("show", "nowhere.test"), Exit.NOT_FOUND, "not_found"),
        (("remove", "nowhere.test"), Exit.NOT_FOUND, "not_found"),
        (("catch-all", "nowhere.test", "none"), Exit.NOT_FOUND, "not_found"),
    ],
)
def test_what_cannot_be_done_is_told_by_status_and_in_json(mailquay, arguments, status, kind):
    told = mailquay("domain", *arguments, "--json", status=status).failure
    assert told["error"] == kind
    assert told["message"]


def test_name_that_is_taken_is_told(mailquay, domain):
    assert "is there already" in mailquay("domain", "add", domain, status=Exit.EXISTS).error
