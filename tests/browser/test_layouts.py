"""On a phone, in the dark, by keys alone."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_phone_shows_one_pane_at_a_time_and_back_leads_back(window, post, alice, subject):
    webmail = window(**PHONE)
    webmail.open()
    webmail.page.get_by_label("Address").fill(alice.address)
    webmail.page.get_by_label("Password", exact=True).fill(alice.password)
    webmail.page.get_by_role("button", name="Sign in").tap()
    post.text(alice, subject, "Short.\n")
    webmail.row(subject).get_by_role("link").tap()
    expect(webmail.reader.get_by_text("Short.")).to_be_visible()
    expect(webmail.page.locator(".list-pane")).to_be_hidden()
    webmail.page.go_back()
    expect(webmail.row(subject)).to_be_visible()
    expect(webmail.page.locator(".reader-pane")).to_be_hidden()

    expect(webmail.folder("Sent")).to_be_hidden()
    webmail.page.get_by_role("button", name="Folders").tap()
    webmail.folder("Sent").tap()
    expect(webmail.page.get_by_role("heading", name="Sent", level=1)).to_be_visible()
    expect(webmail.folder("Sent")).to_be_hidden()

    webmail.page.get_by_role("button", name="New message").last.tap()
    box = webmail.composer.bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"]) == (0, 0, 390)
    webmail.page.go_back()
    expect(webmail.composer).to_be_hidden()
    assert webmail.page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_dark_is_dark_and_can_be_chosen(window, post, alice, subject):
    webmail = window(color_scheme="dark")
    webmail.sign_in(alice)
    message = post.letter(subject, "x")
    message.add_alternative("<p>plain words</p>", subtype="html")
    post.deliver(message, alice)
    webmail.read(subject)
    assert _lightness(webmail, "body") < 60
    expect(webmail.html.get_by_text("plain words")).to_be_visible()
    # A message without colours of its own is dark too.
    words = webmail.html.get_by_text("plain words")
    assert _light(words.evaluate("(node) => getComputedStyle(node).color")) > 180

    webmail.page.get_by_role("button", name="Account").click()
    webmail.page.get_by_role("menuitemradio", name="Light").click()
    assert _lightness(webmail, "body") > 200
    webmail.page.reload()
    expect(webmail.folder("Inbox")).to_be_visible()
    assert _lightness(webmail, "body") > 200


def _lightness(webmail, selector: str) -> float:
    node = webmail.page.locator(selector)
    return _light(node.evaluate("(node) => getComputedStyle(node).backgroundColor"))


def _light(colour: str) -> float:
    red, green, blue = (float(value) for value in re.findall(r"[\d.]+", colour)[:3])
    return (red + green + blue) / 3


def test_everything_can_be_done_by_keys(webmail, post, alice, subject):
    for number in (1, 2):
        post.text(alice, f"{subject} {number}", "Read me.\n")
        expect(webmail.row(f"{subject} {number}")).to_be_visible()
    webmail.press("j")
    expect(webmail.row(f"{subject} 2").get_by_role("link")).to_be_focused()
    webmail.press("j", "Enter")
    title = webmail.page.get_by_role("heading", level=1, name=f"{subject} 1")
    expect(title).to_be_visible()
    webmail.press("s")
    expect(webmail.row(f"{subject} 1").get_by_role("button", name="Remove flag")).to_be_attached()
    webmail.press("k")
    expect(webmail.page.get_by_role("heading", level=1, name=f"{subject} 2")).to_be_visible()
    webmail.press("Escape")
    expect(webmail.reader).to_be_hidden()
    webmail.press("x")
    expect(webmail.page.get_by_role("toolbar", name="1 message selected")).to_be_visible()
    webmail.press("Escape", "g", "s")
    expect(webmail.page.get_by_role("heading", name="Sent", level=1)).to_be_visible()
    webmail.press("g", "i", "?")
    expect(webmail.page.get_by_role("dialog", name="Keys and search")).to_be_visible()
    webmail.press("Escape", "c")
    expect(webmail.composer.get_by_label("To", exact=True)).to_be_focused()
    webmail.press("Escape")
    expect(webmail.composer).to_be_hidden()


def test_a_key_works_also_while_the_focus_is_in_a_messages_frame(webmail, post, alice, subject):
    message = post.letter(subject, "x")
    message.add_alternative("<p>press here</p>", subtype="html")
    post.deliver(message, alice)
    webmail.read(subject)
    webmail.html.get_by_text("press here").click()
    webmail.press("r")
    expect(webmail.composer.get_by_label("Subject")).to_have_value(f"Re: {subject}")
