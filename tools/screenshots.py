"""Takes the pictures of the webmail for the documentation, from the running platform.

``python -m tools.screenshots`` starts a platform of its own, fills a mailbox, and writes to
``docs/images``. It needs Chromium: ``MAILQUAY_CHROMIUM``, or the one on the path.
"""

import base64
import imaplib
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tools.demo_mail import FOLDERS, demo_mail

from mailquay.testing.platform import RunningPlatform, start_platform

OUTPUT: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
DESK: Final[dict[str, Any]] = {"viewport": {"width": 1440, "height": 900}}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 1.5,
}
#: The pictures' moment, so that they come out the same on any day.
NOW: Final = datetime(2026, 6, 9, 16, 40, tzinfo=UTC)
#: Two phones beside each other.
PAIR: Final = """<style>
  body {{ margin: 0; display: flex; gap: 28px; width: max-content; }}
  img {{ width: 390px; border: 1px solid #c8d2d3; border-radius: 22px; }}
</style><img src="data:image/png;base64,{}"><img src="data:image/png;base64,{}">"""


def fill(facts: dict[str, Any], person: dict[str, str]) -> None:
    """Put the demo's mail into a mailbox, as a client that moves in would."""
    with imaplib.IMAP4(facts["host"], facts["ports"]["imap"]) as client:
        client.login(person["address"], person["password"])
        for folder in FOLDERS:
            client.create(f'"{folder}"')
        for item in demo_mail(NOW):
            when = imaplib.Time2Internaldate(item.when)
            status, reply = client.append(
                f'"{item.folder}"', f"({item.flags})", when, bytes(item.message)
            )
            if status != "OK":
                sys.exit(f"{item.folder}: {reply!r}")


def signed_in(browser: Browser, facts: dict[str, Any], **options: Any) -> BrowserContext:
    """A browser's window, signed in as the first of the demo's users."""
    person = facts["users"][0]
    context = browser.new_context(
        locale="en-GB", timezone_id="UTC", reduced_motion="reduce", **options
    )
    page = context.new_page()
    page.clock.set_fixed_time(NOW)
    page.goto(f"http://{facts['host']}:{facts['ports']['http']}/")
    page.get_by_label("Address").fill(person["address"])
    page.get_by_label("Password", exact=True).fill(person["password"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".row").nth(5)).to_be_visible()
    return context


def read(page: Page, subject: str) -> None:
    """Open a message, and wait for its pictures."""
    page.locator(".row-subject", has_text=subject).first.click()
    for picture in (page.frame_locator("iframe").locator("img"), page.locator(".attachment img")):
        expect(picture.first).to_have_js_property("complete", True)
    page.mouse.move(700, 5)  # away from the row, which shows more under the pointer


def desk(browser: Browser, facts: dict[str, Any], name: str, *, dark: bool) -> None:
    """Three panes; in the dark with an answer being written."""
    scheme = "dark" if dark else "light"
    context = signed_in(browser, facts, color_scheme=scheme, **DESK)
    page = context.pages[0]
    read(page, "East wall: drawings")
    if dark:
        page.get_by_role("button", name="Reply", exact=True).first.click()
        page.locator(".composer").get_by_label("Message text").press_sequentially(
            "Hi Marta,\n\nthank you! I have looked at section B. The drain can stay where it is,\n"
            "and I would keep the bollards."
        )
        expect(page.locator(".composer").get_by_text("Draft saved")).to_be_visible()
        page.locator(".composer").get_by_label("Message text").evaluate("(node) => node.blur()")
    page.screenshot(path=OUTPUT / name)
    if dark:
        page.get_by_role("button", name="Discard draft").click()
        page.get_by_role("dialog").get_by_role("button", name="Discard", exact=True).click()
        expect(page.locator(".composer")).to_be_hidden()
        page.get_by_text("Draft discarded").wait_for()
    context.close()


def phone(browser: Browser, facts: dict[str, Any], name: str) -> None:
    """The list, and a message, beside each other."""
    context = signed_in(browser, facts, **PHONE)
    page = context.pages[0]
    shots = [page.screenshot()]
    read(page, "East wall: drawings")
    shots.append(page.screenshot())
    context.close()
    context = browser.new_context(viewport={"width": 820, "height": 850}, device_scale_factor=1.2)
    page = context.new_page()
    page.set_content(PAIR.format(*(base64.b64encode(shot).decode() for shot in shots)))
    page.locator("body").screenshot(path=OUTPUT / name, omit_background=True)
    context.close()


def take(platform: RunningPlatform, chromium: str) -> None:
    """Take all of them."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    facts = platform.facts
    fill(facts, facts["users"][0])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        phone(browser, facts, "webmail-phone.png")
        desk(browser, facts, "webmail-desk-dark.png", dark=True)
        desk(browser, facts, "webmail-desk-light.png", dark=False)
        browser.close()


def main() -> None:
    """Start a platform, take the pictures, stop it."""
    chromium = os.environ.get("MAILQUAY_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no Chromium: install it, or name it in MAILQUAY_CHROMIUM")
    with tempfile.TemporaryDirectory(prefix="mailquay-pictures-") as folder:
        Path(folder).chmod(0o755)
        platform = start_platform(Path(folder) / "data")
        try:
            take(platform, chromium)
        finally:
            platform.stop()
    for picture in sorted(OUTPUT.glob("webmail-*.png")):
        print(f"{picture.name}: {picture.stat().st_size // 1000} kB")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{time.monotonic() - started:.0f} s")
