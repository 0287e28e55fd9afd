"""Writing: drafts, attachments, sending, replies."""

import imaplib
import re
import ssl
from email import message_from_bytes, policy

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_message_reaches_the_other_one_without_a_reload(window, webmail, alice, bob, subject):
    other = window()
    other.sign_in(bob)
    webmail.write(bob.address, subject, "Hello Bob,\n\nit works. Grüße\n")
    webmail.press("Control+Enter")
    expect(webmail.says("Message sent")).to_be_visible()
    expect(webmail.composer).to_be_hidden()

    expect(other.row(subject)).to_be_visible()
    expect(other.page.get_by_role("status").get_by_text(f": {subject}")).to_be_attached()
    other.read(subject)
    expect(other.reader.get_by_text("it works. Grüße")).to_be_visible()

    other.press("r")
    expect(other.composer.get_by_label("Subject")).to_have_value(f"Re: {subject}")
    text = other.composer.get_by_label("Message text")
    expect(text).to_have_value(
        re.compile(r"^\n\nOn .+ wrote:\n> Hello Bob,\n>\n> it works. Grüße\n")
    )
    expect(text).to_be_focused()
    other.page.keyboard.type("Good!")
    other.composer.get_by_role("button", name="Send").click()
    expect(webmail.row(f"Re: {subject}")).to_be_visible()
    expect(other.row(subject).locator(".row-top .icon").first).to_be_visible()

    webmail.folder("Sent").click()
    webmail.read(subject)
    expect(webmail.reader.get_by_text("it works. Grüße")).to_be_visible()


def test_a_sent_message_can_be_called_back(webmail, bob, subject):
    webmail.write(bob.address, subject, "Too early.")
    webmail.composer.get_by_role("button", name="Send").click()
    webmail.says("Sending to").get_by_role("button", name="Undo").click()
    expect(webmail.composer.get_by_label("Message text")).to_have_value("Too early.")
    webmail.composer.get_by_role("button", name="Save and close").click()
    webmail.folder("Sent").click()
    expect(webmail.page.get_by_role("heading", name="Sent", level=1)).to_be_visible()
    expect(webmail.row(subject)).to_be_hidden()
    webmail.folder("Drafts").click()
    expect(webmail.row(subject)).to_be_visible()


def test_a_message_goes_out_when_its_writer_leaves_at_once(window, webmail, bob, subject):
    webmail.write(bob.address, subject, "On the run.")
    webmail.composer.get_by_role("button", name="Send").click()
    expect(webmail.says("Sending to")).to_be_visible()
    webmail.page.close()
    other = window()
    other.sign_in(bob)
    expect(other.row(subject)).to_be_visible()


def test_a_draft_is_stored_by_itself_and_opened_again(webmail, subject):
    webmail.write("ana@outside.example", subject, "Dear Ana,")
    expect(webmail.composer.get_by_text("Draft saved")).to_be_visible()
    webmail.page.reload()
    webmail.folder("Drafts").click()
    webmail.row(subject).get_by_role("link").click()
    text = webmail.composer.get_by_label("Message text")
    expect(text).to_have_value("Dear Ana,")
    expect(webmail.composer.locator(".address-chip")).to_have_text("ana@outside.example")

    text.fill("Dear Ana, once more")
    webmail.press("Escape")
    expect(webmail.composer).to_be_hidden()
    expect(webmail.row(subject)).to_have_count(1)
    expect(webmail.row(subject)).to_contain_text("once more")

    webmail.row(subject).get_by_role("link").click()
    webmail.composer.get_by_role("button", name="Discard draft").click()
    webmail.page.get_by_role("dialog").get_by_role("button", name="Discard", exact=True).click()
    expect(webmail.row(subject)).to_be_hidden()


def test_attachments_arrive_as_they_were(webmail, bob, platform, subject, tmp_path):
    plan = tmp_path / "Plan é.bin"
    plan.write_bytes(bytes(range(256)) * 500)
    webmail.write(bob.address, subject, "Two files.")
    webmail.composer.locator("input[type=file]").set_input_files(plan)
    files = webmail.composer.get_by_role("list", name="Attachments")
    expect(files).to_contain_text("Plan é.bin")
    _drop(webmail, "notes.txt", "dropped")
    expect(files).to_contain_text("notes.txt")
    # A save gives the stored files new blob ids; they must not get lost by it.
    expect(webmail.composer.get_by_text("Draft saved")).to_be_visible()
    webmail.composer.get_by_label("Message text").fill("Two files, still.")
    webmail.press("Control+Enter")
    expect(webmail.says("Message sent")).to_be_visible()

    message = message_from_bytes(_fetch(platform, bob, subject), policy=policy.default)
    names = {
        part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()
    }
    assert names == {"Plan é.bin": plan.read_bytes(), "notes.txt": b"dropped"}


def _drop(webmail, name: str, text: str) -> None:
    """Let a file fall onto the composer, as a file manager does."""
    script = """([name, text]) => {
      const data = new DataTransfer();
      data.items.add(new File([text], name, { type: "text/plain" }));
      return data;
    }"""
    data = webmail.page.evaluate_handle(script, [name, text])
    for kind in ("dragover", "drop"):
        webmail.composer.dispatch_event(kind, {"dataTransfer": data})


def _fetch(platform, person, subject: str) -> bytes:
    facts = platform.facts
    trusting = ssl.create_default_context(cafile=facts["ca_file"])
    with imaplib.IMAP4_SSL(facts["host"], facts["ports"]["imaps"], ssl_context=trusting) as client:
        client.login(person.address, person.password)
        client.select("INBOX", readonly=True)
        _, (found,) = client.uid("SEARCH", f'SUBJECT "{subject}"')
        _, ((_, raw), *_) = client.uid("FETCH", found.decode(), "(BODY.PEEK[])")
    return raw


def test_a_forward_takes_the_attachments_along(webmail, post, alice, bob, window, subject):
    message = post.letter(subject, "The plan.\n")
    message.add_attachment(b"plan", maintype="application", subtype="pdf", filename="plan.pdf")
    post.deliver(message, alice)
    webmail.read(subject)
    webmail.press("f")
    expect(webmail.composer.get_by_label("Subject")).to_have_value(f"Fwd: {subject}")
    expect(webmail.composer.get_by_role("list", name="Attachments")).to_contain_text("plan.pdf")
    webmail.composer.get_by_label("To", exact=True).fill(f"{bob.address},")
    webmail.press("Control+Enter")
    expect(webmail.says("Message sent")).to_be_visible()
    other = window()
    other.sign_in(bob)
    other.read(f"Fwd: {subject}")
    expect(other.page.get_by_role("list", name="Attachments")).to_contain_text("plan.pdf")
    expect(other.reader.get_by_text("Forwarded message")).to_be_visible()


def test_a_reply_to_all_leaves_out_oneself(webmail, post, alice, subject):
    message = post.letter(subject, "To many.\n")
    message["To"] = f"{alice.address}, Ana <ana@outside.example>"
    message["Cc"] = "list@outside.example"
    post.deliver(message, alice)
    webmail.read(subject)
    webmail.press("a")
    chips = webmail.composer.locator(".address-chip")
    expect(chips).to_have_text(["Otto Outside", "Ana", "list@outside.example"])


def test_what_cannot_be_sent_says_why(webmail, subject):
    webmail.write("nobody", subject, "x")
    send = webmail.composer.get_by_role("button", name="Send")
    send.click()
    expect(webmail.composer.get_by_role("alert")).to_have_text("“nobody” is not an address.")
    webmail.composer.get_by_role("button", name="Remove nobody").click()
    send.click()
    expect(webmail.composer.get_by_role("alert")).to_have_text("Add a recipient first.")


def test_a_forgotten_attachment_is_noticed(webmail, bob, subject):
    webmail.write(bob.address, subject, "The plan is attached.")
    webmail.press("Control+Enter")
    dialog = webmail.page.get_by_role("dialog", name="Send without an attachment?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(webmail.composer.get_by_label("Message text")).to_have_value("The plan is attached.")


def test_people_one_has_written_to_are_suggested(webmail, post, alice, subject):
    post.text(alice, subject)
    expect(webmail.row(subject)).to_be_visible()
    webmail.press("c")
    webmail.composer.get_by_label("To", exact=True).press_sequentially("otto")
    option = webmail.composer.get_by_role("option", name="Otto Outside")
    expect(option).to_be_visible()
    webmail.press("Enter")
    expect(webmail.composer.locator(".address-chip")).to_have_text("Otto Outside")
