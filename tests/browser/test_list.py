"""The list: marks, many at once, scrolling, searching, staying current."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
UNREAD = re.compile(r"\bunread\b")


def test_flags_hold(webmail, post, alice, subject):
    post.text(alice, subject)
    webmail.row(subject).hover()
    webmail.row(subject).get_by_role("button", name="Flag", exact=True).click()
    webmail.page.reload()
    flag = webmail.row(subject).get_by_role("button", name="Remove flag")
    expect(flag).to_have_attribute("aria-pressed", "true")


def test_many_messages_are_archived_at_once_and_brought_back(webmail, post, alice, subject):
    for number in (1, 2, 3):
        post.text(alice, f"{subject} {number}")
        expect(webmail.row(f"{subject} {number}")).to_be_visible()
    webmail.row(f"{subject} 3").get_by_role("checkbox").check(force=True)
    box = webmail.row(f"{subject} 1").get_by_role("checkbox")
    box.click(force=True, modifiers=["Shift"])
    expect(webmail.page.get_by_role("toolbar", name="3 messages selected")).to_be_visible()
    webmail.press("e")
    expect(webmail.says("3 messages moved to Archive")).to_be_visible()
    expect(webmail.row(subject)).to_have_count(0)
    webmail.says("3 messages moved").get_by_role("button", name="Undo").click()
    expect(webmail.row(subject)).to_have_count(3)
    webmail.page.reload()
    expect(webmail.row(subject)).to_have_count(3)


def test_another_devices_changes_are_seen_without_a_reload(window, webmail, post, alice, subject):
    other = window()
    other.sign_in(alice)
    post.text(alice, subject)
    for one in (webmail, other):
        expect(one.row(subject)).to_have_class(UNREAD)
    other.read(subject)
    expect(webmail.row(subject)).not_to_have_class(UNREAD)
    other.press("e")
    expect(webmail.row(subject)).to_be_hidden()


def test_tabs_share_one_stream_and_the_next_takes_over(window, post, alice, subject):
    webmail = window()
    with webmail.page.expect_request("**/eventsource/**"):
        webmail.sign_in(alice)
    streams = []
    context = webmail.page.context
    context.on("request", lambda request: "eventsource" in request.url and streams.append(request))
    tab = context.new_page()
    tab.goto(webmail.url)
    here, there = webmail.row(subject), tab.locator(".row-subject", has_text=subject)
    post.text(alice, subject)
    expect(here).to_be_visible()
    expect(there).to_be_visible()
    assert streams == []
    with context.expect_event("request", lambda request: "eventsource" in request.url):
        webmail.page.close()
    post.text(alice, f"{subject} again")
    expect(tab.locator(".row-subject", has_text=f"{subject} again")).to_be_visible()


def test_a_long_list_is_loaded_as_it_is_scrolled(window, post, bob, subject):
    for number in range(120):
        post.text(bob, f"{subject} no {number:03}")
    webmail = window()
    webmail.sign_in(bob)
    expect(webmail.row(f"{subject} no 119")).to_be_visible()
    assert webmail.page.locator(".row").count() < 50
    first = webmail.row(f"{subject} no 000")
    scroller = webmail.page.locator(".list-scroll")
    for _ in range(100):
        scroller.evaluate("(node) => node.scrollTo(0, node.scrollHeight)")
        if first.count():
            break
        webmail.page.wait_for_timeout(100)
    expect(first).to_be_visible()
    expect(webmail.row(f"{subject} no 119")).to_have_count(0)
    assert webmail.page.locator(".row").count() < 50
    scroller.evaluate("(node) => node.scrollTo(0, 0)")
    expect(webmail.row(f"{subject} no 119")).to_be_visible()


def test_the_search_narrows_by_its_operators(webmail, post, alice, subject):
    word = f"quay{subject[-6:].strip()}"
    post.text(alice, f"{subject} plain", f"about the {word}\n")
    message = post.letter(f"{subject} file", f"about the {word}\n")
    message.add_attachment(b"x" * 3000, maintype="text", subtype="csv", filename="list.csv")
    post.deliver(message, alice)
    expect(webmail.row(f"{subject} file")).to_be_visible()

    box = webmail.page.get_by_role("search").get_by_role("textbox")
    webmail.press("/")
    expect(box).to_be_focused()
    expect(webmail.page.get_by_role("heading", name="Narrow the search")).to_be_visible()
    results = webmail.page.locator(".row")
    for line, found in (
        (word, [f"{subject} file", f"{subject} plain"]),
        (f"{word} has:attachment", [f"{subject} file"]),
        (f"{word} -has:attachment", [f"{subject} plain"]),
        (f'from:otto {word} subject:"plain"', [f"{subject} plain"]),
        (f"{word} larger:2k", [f"{subject} file"]),
        (f"{word} after:1d is:unread", [f"{subject} file", f"{subject} plain"]),
        (f"{word} in:trash", []),
    ):
        box.fill(line)
        webmail.press("Enter")
        for subject_found in found:
            expect(webmail.row(subject_found)).to_be_visible()
        expect(results).to_have_count(len(found))
    expect(webmail.page.get_by_text("Nothing found")).to_be_visible()
    webmail.press("Escape")
    expect(webmail.row(f"{subject} file")).to_be_visible()


def test_a_search_of_all_mail_finds_what_lies_elsewhere(webmail, post, alice, subject):
    post.text(alice, subject)
    webmail.read(subject)
    webmail.press("e")
    expect(webmail.row(subject)).to_be_hidden()
    webmail.page.get_by_role("search").get_by_role("textbox").fill(f'subject:"{subject}"')
    webmail.press("Enter")
    expect(webmail.page.get_by_text("Nothing found")).to_be_visible()
    webmail.page.get_by_role("button", name="Search all mail").click()
    expect(webmail.row(subject)).to_contain_text("Archive")


def test_a_lost_connection_is_told_and_made_up_for(webmail, post, alice, subject):
    webmail.page.context.set_offline(True)
    expect(webmail.page.get_by_text("The mail server cannot be reached.")).to_be_visible()
    post.text(alice, subject)
    webmail.page.context.set_offline(False)
    expect(webmail.row(subject)).to_be_visible()
    expect(webmail.page.get_by_text("The mail server cannot be reached.")).to_be_hidden()
