"""Reading what others have made, without letting it do anything."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HOSTILE = """
<html><head><title>x</title><script>document.title = 'owned'; top.owned = 1</script></head>
<body onload="top.owned = 2"><h2>Seals</h2>
<p onclick="top.owned = 3">Eleven of them.</p>
<img src="https://pictures.example/seals.png" alt="Seals" width="40" height="40">
<img src="x" onerror="top.owned = 4">
<a href="javascript:top.owned = 5">press</a>
<a href="https://elsewhere.example/page">elsewhere</a>
<iframe src="https://elsewhere.example/"></iframe>
<form action="https://elsewhere.example/"><input name="password"><button>Go</button></form>
<svg><script>top.owned = 6</script></svg>
<style>@import url(https://pictures.example/style.css); body { color: #222 }</style>
<div style="background: url(https://pictures.example/back.png)">back</div>
</body></html>
"""
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000208020000"
    "00fdd49a730000001349444154789c63fccf00014c101a4a0000200001020103a54b6e7e0000000049454e44ae426082"
)
FILE = b"%PDF-1.4\n" + bytes(range(256)) * 40


def test_nothing_in_a_message_runs_and_nothing_is_fetched_until_asked(
    webmail, post, alice, fetched, subject
):
    message = post.letter(subject, "Seals")
    message.add_alternative(HOSTILE, subtype="html")
    post.deliver(message, alice)
    webmail.read(subject)
    expect(webmail.html.get_by_role("heading", name="Seals")).to_be_visible()
    expect(webmail.page.get_by_text("Remote pictures are hidden")).to_be_visible()
    webmail.html.get_by_text("Eleven of them.").click()
    assert fetched == []
    assert webmail.page.evaluate("window.owned ?? null") is None
    assert (
        webmail.html.locator("script, iframe, form, input, object, embed, [onclick]").count() == 0
    )

    webmail.page.get_by_role("button", name="Show pictures").click()
    picture = webmail.html.get_by_role("img", name="Seals")
    expect(picture).to_have_js_property("naturalWidth", 1)
    assert "https://pictures.example/seals.png" in fetched
    assert not any("elsewhere" in url for url in fetched)
    assert webmail.page.evaluate("window.owned ?? null") is None
    expect(webmail.page).to_have_title(re.compile("Mailquay"))
    # The policy says what it has forbidden: what stands in the styles. All else would be news.
    webmail.complaints[:] = [
        one for one in webmail.complaints if "Content Security Policy" not in one
    ]


def test_a_messages_page_is_as_harmless_outside_of_its_frame(webmail, post, alice, subject):
    message = post.letter(subject, "x")
    message.add_alternative("<p>page</p>", subtype="html")
    post.deliver(message, alice)
    webmail.read(subject)
    expect(webmail.html.get_by_text("page")).to_be_visible()
    frame = webmail.page.locator("iframe[title=Message]")
    assert "allow-scripts" not in (frame.get_attribute("sandbox") or "allow-scripts")
    page = webmail.page.request.get(webmail.url + (frame.get_attribute("src") or ""))
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox " in policy
    assert "allow-scripts" not in policy
    assert "http" not in policy, "nothing is fetched from elsewhere"


def test_pictures_are_asked_for_anew_for_each_message(webmail, post, alice, fetched, subject):
    for name in ("first", "second"):
        message = post.letter(f"{subject} {name}", "x")
        html = f'<p>{name}</p><img src="https://pictures.example/{name}.png" alt="it">'
        message.add_alternative(html, subtype="html")
        post.deliver(message, alice)
    webmail.read(f"{subject} first")
    webmail.page.get_by_role("button", name="Show pictures").click()
    expect(webmail.html.get_by_role("img", name="it")).to_have_js_property("naturalWidth", 1)
    webmail.read(f"{subject} second")
    expect(webmail.page.get_by_role("button", name="Show pictures")).to_be_visible()
    assert fetched == ["https://pictures.example/first.png"]


def test_a_picture_that_came_with_the_message_is_shown_in_its_place(webmail, post, alice, subject):
    message = post.letter(subject, "x")
    message.add_alternative('<p>look</p><img src="cid:quay@x.example" alt="Quay">', subtype="html")
    html = message.get_payload()[1]
    html.add_related(PICTURE, "image", "png", cid="<quay@x.example>")
    post.deliver(message, alice)
    webmail.read(subject)
    expect(webmail.html.get_by_role("img", name="Quay")).to_have_js_property("naturalWidth", 2)
    expect(webmail.page.get_by_role("button", name="Show pictures")).to_be_hidden()
    expect(webmail.page.get_by_role("list", name="Attachments")).to_be_hidden()


def test_a_link_opens_elsewhere_and_does_not_know_where_from(
    webmail, post, alice, fetched, subject
):
    message = post.letter(subject, "x")
    html = '<a href="https://elsewhere.example/page">read on</a>'
    message.add_alternative(html, subtype="html")
    post.deliver(message, alice)
    webmail.read(subject)
    with webmail.page.context.expect_page() as opened:
        webmail.html.get_by_role("link", name="read on").click()
    page = opened.value
    page.wait_for_load_state()
    assert page.url == "https://elsewhere.example/page"
    assert page.evaluate("[window.opener, document.referrer]") == [None, ""]


def test_an_address_in_a_message_is_written_to_here(webmail, post, alice, subject):
    message = post.letter(subject, "x")
    html = '<a href="mailto:ana@outside.example?subject=East%20wall">Ana</a>'
    message.add_alternative(html, subtype="html")
    post.deliver(message, alice)
    webmail.read(subject)
    webmail.html.get_by_role("link", name="Ana").click()
    expect(webmail.composer.get_by_label("Subject")).to_have_value("East wall")
    expect(webmail.composer.locator(".address-chip")).to_have_text("ana@outside.example")


def test_plain_text_has_links_and_folds_long_quotes(webmail, post, alice, subject):
    quote = "".join(f"> line {number}\n" for number in range(9))
    post.text(alice, subject, f"See https://quay.example/a_(b).\n<b>not bold</b>\n\n{quote}\nBye\n")
    webmail.read(subject)
    link = webmail.reader.get_by_role("link", name="https://quay.example/a_(b)")
    expect(link).to_have_attribute("href", "https://quay.example/a_(b)")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(webmail.reader.get_by_text("<b>not bold</b>")).to_be_visible()
    expect(webmail.reader.get_by_text("> line 8")).to_be_hidden()
    webmail.reader.get_by_text("9 quoted lines").click()
    expect(webmail.reader.get_by_text("> line 8")).to_be_visible()


def test_attachments_are_listed_shown_and_downloaded(webmail, post, alice, subject):
    message = post.letter(subject, "Two files.\n")
    message.add_attachment(FILE, maintype="application", subtype="pdf", filename="Plan é.pdf")
    message.add_attachment(PICTURE, maintype="image", subtype="png", filename="quay.png")
    post.deliver(message, alice)
    webmail.read(subject)
    files = webmail.page.get_by_role("list", name="Attachments")
    with webmail.page.expect_download() as download:
        files.get_by_role("link", name="Plan é.pdf").click()
    assert download.value.suggested_filename == "Plan é.pdf"
    assert download.value.path().read_bytes() == FILE
    files.get_by_role("button", name="quay.png").click()
    shown = webmail.page.get_by_role("dialog", name="quay.png").get_by_role("img")
    expect(shown).to_have_js_property("naturalWidth", 2)
    webmail.press("Escape")
    expect(shown).to_be_hidden()


def test_a_message_is_read_by_opening_it_and_unread_on_request(webmail, post, alice, subject):
    post.text(alice, subject)
    row = webmail.row(subject)
    expect(row).to_have_class(re.compile(r"\bunread\b"))
    webmail.read(subject)
    expect(row).not_to_have_class(re.compile(r"\bunread\b"))
    webmail.page.get_by_role("button", name="Mark unread").click()
    expect(row).to_have_class(re.compile(r"\bunread\b"))
    webmail.page.reload()
    expect(webmail.row(subject)).to_be_visible()


def test_a_message_is_read_with_what_else_was_said(webmail, post, alice, subject):
    first = post.letter(subject, "The question.\n")
    post.deliver(first, alice)
    answer = post.letter(f"Re: {subject}", "The answer.\n")
    answer["In-Reply-To"] = answer["References"] = first["Message-ID"]
    post.deliver(answer, alice)
    webmail.read(f"Re: {subject}")
    conversation = webmail.page.get_by_role("region", name="Conversation")
    conversation.get_by_role("link", name="The question.").click()
    expect(webmail.reader.get_by_role("heading", level=1)).to_have_text(subject)
    expect(conversation.get_by_role("link", name="The answer.")).to_be_visible()


def test_a_message_that_is_gone_says_so(webmail):
    webmail.open(webmail.page.url.removeprefix(webmail.url) + "/E999999999")
    expect(webmail.page.get_by_text("This message is no longer there.")).to_be_visible()
    webmail.page.get_by_role("button", name="Back to the list").click()
    expect(webmail.page).to_have_url(re.compile(r"/mail/M\d+$"))


def test_a_message_that_cannot_be_loaded_says_so_and_is_tried_again(webmail, post, alice, subject):
    message = post.letter(subject, "x")
    message.add_alternative("<p>here it is</p>", subtype="html")
    post.deliver(message, alice)
    webmail.page.route("**/html?images=0", lambda route: route.abort(), times=1)
    webmail.read(subject)
    expect(webmail.page.get_by_text("The message could not be loaded.")).to_be_visible()
    webmail.page.get_by_role("button", name="Try again").click()
    expect(webmail.html.get_by_text("here it is")).to_be_visible()
