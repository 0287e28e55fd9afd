"""Coming in and going out."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_right_password_leads_to_the_inbox_and_a_reload_stays_there(window, alice):
    webmail = window()
    webmail.sign_in(alice)
    expect(webmail.page).to_have_url(re.compile(r"/mail/M\d+$"))
    expect(webmail.page).to_have_title(re.compile("Inbox – Mailquay"))
    webmail.page.reload()
    expect(webmail.folder("Inbox")).to_have_attribute("aria-current", "page")


def test_a_wrong_password_is_told_and_the_address_kept(window, alice):
    webmail = window()
    webmail.open()
    webmail.page.get_by_label("Address").fill(alice.address)
    webmail.page.get_by_label("Password", exact=True).fill("not the one")
    webmail.press("Enter")
    expect(webmail.page.get_by_role("alert")).to_have_text(
        "The address or the password is not right."
    )
    expect(webmail.page.get_by_label("Address")).to_have_value(alice.address)
    expect(webmail.page.get_by_label("Password", exact=True)).to_be_focused()


def test_the_password_is_shown_only_on_request(window):
    webmail = window()
    webmail.open()
    password = webmail.page.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("type", "password")
    webmail.page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")


def test_a_place_is_kept_through_signing_in(window, alice, webmail):
    place = webmail.page.url.removeprefix(webmail.url)
    other = window()
    other.open(place)
    other.page.get_by_label("Address").fill(alice.address)
    other.page.get_by_label("Password", exact=True).fill(alice.password)
    other.press("Enter")
    expect(other.folder("Inbox")).to_be_visible()
    expect(other.page).to_have_url(other.url + place)


def test_signing_out_leaves_nothing_behind(webmail):
    webmail.folder("Sent").click()
    webmail.page.get_by_role("button", name="Account").click()
    webmail.page.get_by_role("menuitem", name="Sign out").click()
    expect(webmail.page.get_by_role("button", name="Sign in")).to_be_visible()
    webmail.page.go_back()
    expect(webmail.page.get_by_role("button", name="Sign in")).to_be_visible()
    webmail.page.reload()
    expect(webmail.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert webmail.page.request.get(webmail.url + "/jmap/session").status == 401


def test_a_session_that_ends_asks_again_and_keeps_what_was_written(
    window: Callable, alice, webmail, subject
):
    webmail.write("nobody@outside.example", subject, "Not lost.")
    webmail.page.context.clear_cookies()
    expect(webmail.page.get_by_text("Your session has ended")).to_be_visible()
    webmail.page.get_by_label("Address").fill(alice.address)
    webmail.page.get_by_label("Password", exact=True).fill(alice.password)
    webmail.press("Enter")
    expect(webmail.composer.get_by_label("Message text")).to_have_value("Not lost.")
    expect(webmail.composer.get_by_text("Draft saved")).to_be_visible()
