"""Chromium, and what a person does with the webmail in it.

Only the machine's own browser is used: ``MAILQUAY_CHROMIUM``, or the first of its usual names.
"""

import os
import re
import shutil
import smtplib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Final

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FrameLocator,
    Locator,
    Page,
    Route,
    expect,
    sync_playwright,
)

from mailquay.testing.platform import RunningPlatform

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS: Final = (
    "--no-sandbox",  # root has no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK: Final = {"width": 1440, "height": 900}
PHONE: Final = {"width": 390, "height": 844}
#: What pictures from elsewhere are answered with: one dark dot.
_DOT: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763606060000000040001f61738550000000049454e44ae426082"
)

expect.set_options(timeout=15_000)


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who signs in."""

    address: str
    password: str


@dataclass(slots=True)
class Webmail:
    """One person's window on the webmail; everything in it is found by what it says."""

    page: Page
    url: str
    #: What the browser complained about.
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> None:
        """Go to a place in it."""
        self.page.goto(self.url + path)

    def sign_in(self, person: Person) -> None:
        """Sign in, and wait for the folders."""
        self.open()
        self.page.get_by_label("Address").fill(person.address)
        self.page.get_by_label("Password", exact=True).fill(person.password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.folder("Inbox")).to_be_visible()

    def folder(self, name: str) -> Locator:
        """A folder's link in the side bar."""
        folders = self.page.get_by_role("navigation", name="Folders")
        return folders.get_by_role("link", name=re.compile(rf"^{re.escape(name)}\b"))

    def row(self, subject: str) -> Locator:
        """A message's line in the list."""
        return self.page.get_by_role("listitem").filter(
            has=self.page.locator(".row-subject", has_text=subject)
        )

    def read(self, subject: str) -> None:
        """Open a message."""
        self.row(subject).get_by_role("link").click()
        heading = self.page.get_by_role("heading", level=1, name=subject, exact=True)
        expect(heading).to_be_visible()

    @property
    def reader(self) -> Locator:
        """The pane that shows a message."""
        return self.page.get_by_role("article")

    @property
    def html(self) -> FrameLocator:
        """The frame that shows a message's HTML."""
        return self.page.frame_locator("iframe[title=Message]")

    @property
    def composer(self) -> Locator:
        """The message being written."""
        return self.page.locator(".composer")

    def write(self, to: str, subject: str, text: str) -> None:
        """Begin a message."""
        self.page.get_by_role("button", name="New message").first.click()
        self.composer.get_by_label("To", exact=True).fill(f"{to},")
        self.composer.get_by_label("Subject").fill(subject)
        self.composer.get_by_label("Message text").fill(text)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def says(self, text: str) -> Locator:
        """What a note at the edge says."""
        return self.page.locator(".toast", has_text=text)


@dataclass(frozen=True, slots=True)
class Post:
    """The outside world: it delivers by SMTP, as another server would."""

    host: str
    port: int

    def deliver(self, message: EmailMessage, to: Person) -> None:
        """Hand a message to the MX."""
        if "To" not in message:
            message["To"] = to.address
        with smtplib.SMTP(self.host, self.port, local_hostname="outside.example") as client:
            client.send_message(message, "someone@outside.example", [to.address])

    def text(self, to: Person, subject: str, text: str = "Hello.\n") -> None:
        """Deliver a plain text."""
        self.deliver(self.letter(subject, text), to)

    @staticmethod
    def letter(subject: str, text: str) -> EmailMessage:
        """A plain message from somewhere outside."""
        message = EmailMessage()
        message["From"] = "Otto Outside <otto@outside.example>"
        message["Subject"] = subject
        message["Message-ID"] = f"<{time.time_ns()}@outside.example>"
        message.set_content(text)
        return message


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's own browser."""
    found = os.environ.get("MAILQUAY_CHROMIUM") or next(
        (path for name in _NAMES if (path := shutil.which(name))), None
    )
    if found is None:
        pytest.fail("there is no Chromium: install it (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def people(platform: RunningPlatform) -> tuple[Person, Person]:
    """The demo's users."""
    alice, bob = (Person(**user) for user in platform.facts["users"])
    return alice, bob


@pytest.fixture(scope="session")
def alice(people: tuple[Person, Person]) -> Person:
    """The one who reads."""
    return people[0]


@pytest.fixture(scope="session")
def bob(people: tuple[Person, Person]) -> Person:
    """The other one."""
    return people[1]


@pytest.fixture(scope="session")
def post(platform: RunningPlatform) -> Post:
    """Someone outside who sends mail."""
    return Post(platform.facts["host"], platform.facts["ports"]["smtp"])


@pytest.fixture
def window(chromium: Browser, platform: RunningPlatform) -> Iterator[Callable[..., Webmail]]:
    """Opens windows of browsers that know nothing of each other.

    None of them may have complained at the end: not of an error in the page, nor of something
    that its Content-Security-Policy forbids.
    """
    contexts: list[BrowserContext] = []
    opened: list[Webmail] = []
    url = f"http://{platform.facts['host']}:{platform.facts['ports']['http']}"

    def open_window(**options: Any) -> Webmail:
        context = chromium.new_context(locale="en-GB", **{"viewport": DESK, **options})
        contexts.append(context)
        webmail = Webmail(context.new_page(), url)
        opened.append(webmail)
        webmail.page.set_default_timeout(15_000)
        webmail.page.on("pageerror", lambda error: webmail.complaints.append(str(error)))
        webmail.page.on("console", lambda message: _note(webmail, message))
        return webmail

    yield open_window
    for context in contexts:
        context.close()
    assert [complaint for webmail in opened for complaint in webmail.complaints] == []


#: The second is told of the driver's own looking into a message's sandboxed frame while that is
#: replaced; that a message brings no script is looked at in the frame's elements.
_NO_COMPLAINTS = ("Failed to load resource", "Blocked script execution in")


def _note(webmail: Webmail, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning") and not message.text.startswith(_NO_COMPLAINTS):
        webmail.complaints.append(message.text)


@pytest.fixture
def webmail(window: Callable[..., Webmail], alice: Person) -> Webmail:
    """Alice's window, signed in."""
    opened = window()
    opened.sign_in(alice)
    return opened


@pytest.fixture
def fetched(webmail: Webmail) -> list[str]:
    """What the page has fetched from elsewhere; it is answered with a picture."""
    urls: list[str] = []

    def answer(route: Route) -> None:
        urls.append(route.request.url)
        route.fulfill(status=200, content_type="image/png", body=_DOT)

    webmail.page.context.route(re.compile(r"^https?://[^/]*\.example/"), answer)
    return urls


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> str:
    """A subject that no other test has."""
    return f"{request.node.name.removeprefix('test_').replace('_', ' ')} {time.time_ns() % 10**6}"
