"""Folders, and moving messages between them."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def name(subject):
    return f"F{subject[-6:].strip()}"


def make_folder(webmail, name: str, inside: str = "At the top") -> None:
    webmail.page.get_by_role("button", name="New folder").click()
    dialog = webmail.page.get_by_role("dialog", name="New folder")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Inside").select_option(inside)
    dialog.get_by_role("button", name="Create").click()
    expect(webmail.folder(name)).to_be_visible()


def choose(webmail, folder: str, task: str) -> None:
    webmail.folder(folder).hover()
    webmail.page.get_by_role("button", name=f"Options of {folder}", exact=True).click()
    webmail.page.get_by_role("menuitem", name=task).click()


def test_a_folder_is_made_renamed_moved_and_deleted(webmail, name):
    make_folder(webmail, name)
    make_folder(webmail, f"{name}in", inside=name)
    webmail.page.get_by_role("button", name=f"Close {name}", exact=True).click()
    expect(webmail.folder(f"{name}in")).to_be_hidden()
    webmail.page.get_by_role("button", name=f"Open {name}", exact=True).click()

    choose(webmail, f"{name}in", "Rename or move")
    dialog = webmail.page.get_by_role("dialog", name="Rename folder")
    dialog.get_by_label("Name").fill(f"{name}out")
    dialog.get_by_label("Inside").select_option("At the top")
    dialog.get_by_role("button", name="Save").click()
    expect(webmail.folder(f"{name}out")).to_be_visible()
    expect(webmail.page.get_by_role("button", name=f"Close {name}", exact=True)).to_be_hidden()

    for folder in (f"{name}out", name):
        choose(webmail, folder, "Delete")
        webmail.page.get_by_role("dialog").get_by_role("button", name="Delete folder").click()
        expect(webmail.folder(folder)).to_be_hidden()


def test_a_name_that_is_taken_is_told(webmail, name):
    make_folder(webmail, name)
    webmail.page.get_by_role("button", name="New folder").click()
    dialog = webmail.page.get_by_role("dialog", name="New folder")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create").click()
    expect(dialog.get_by_role("alert")).to_be_visible()


def test_a_folder_with_folders_in_it_is_not_deleted(webmail, name):
    make_folder(webmail, name)
    make_folder(webmail, f"{name}in", inside=name)
    choose(webmail, name, "Delete")
    dialog = webmail.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete folder").click()
    expect(dialog.get_by_role("alert")).to_contain_text("holds other folders")


def test_messages_are_moved_by_dialog_and_by_hand_and_counted(webmail, post, alice, subject, name):
    make_folder(webmail, name)
    for number in (1, 2):
        post.text(alice, f"{subject} {number}")
    expect(webmail.row(f"{subject} 2")).to_be_visible()

    webmail.row(f"{subject} 1").drag_to(webmail.folder(name))
    expect(webmail.row(f"{subject} 1")).to_be_hidden()
    expect(webmail.folder(name)).to_have_accessible_name(re.compile("1 unread"))

    webmail.read(f"{subject} 2")
    webmail.press("v")
    dialog = webmail.page.get_by_role("dialog", name="Move to")
    dialog.get_by_role("combobox", name="Find a folder").fill(name)
    webmail.press("Enter")
    expect(webmail.row(f"{subject} 2")).to_be_hidden()

    webmail.folder(name).click()
    expect(webmail.row(f"{subject} 1")).to_be_visible()
    expect(webmail.row(f"{subject} 2")).to_be_visible()
    choose(webmail, name, "Mark all as read")
    expect(webmail.folder(name)).not_to_have_accessible_name(re.compile("unread"))
    webmail.page.reload()
    expect(webmail.row(f"{subject} 1")).not_to_have_class(re.compile(r"\bunread\b"))


def test_deleting_leads_to_the_trash_and_from_there_to_nowhere(webmail, post, alice, subject):
    post.text(alice, subject)
    webmail.read(subject)
    webmail.press("#")
    expect(webmail.says("moved to Trash")).to_be_visible()
    webmail.press("z")
    expect(webmail.row(subject)).to_be_visible()

    webmail.row(subject).get_by_role("checkbox").check(force=True)
    webmail.page.get_by_role("button", name="Delete", exact=True).first.click()
    expect(webmail.row(subject)).to_be_hidden()
    webmail.folder("Trash").click()
    expect(webmail.row(subject)).to_be_visible()
    choose(webmail, "Trash", "Empty")
    webmail.page.get_by_role("dialog").get_by_role("button", name="Delete all").click()
    expect(webmail.page.get_by_text("The Trash is empty")).to_be_visible()
    webmail.page.reload()
    expect(webmail.page.get_by_text("The Trash is empty")).to_be_visible()
