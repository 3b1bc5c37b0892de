"""Chromium for tests of pages: a real browser, which reports what a user would see in its console.

Debian has it as the package `chromium`. Without it the tests are skipped; with EFFSPINE_REQUIRE_CHROMIUM=1 they fail.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request

from tools.pages.browser import SETTLED, UNCHANGING

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
DESK, PHONE = (1440, 900), (390, 844)
WAIT_MS = 60_000
"""How long a page may take to show what a test waits for, on a busy machine."""

Theme = Literal["light", "dark"]


def chromium_program() -> str:
    """The path of Chromium. Skips the test where there is none, unless it is required."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        message = "there is no Chromium; on Debian: apt-get install chromium"
        if os.environ.get("EFFSPINE_REQUIRE_CHROMIUM") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return program


def launch(playwright: Playwright) -> Browser:
    """The browser. Skips the test as `chromium_program` does."""
    return playwright.chromium.launch(executable_path=chromium_program(), args=list(ARGUMENTS))


@dataclass
class Watched:
    """A page, and what it must not have: errors in its console, uncaught exceptions, requests of other hosts.

    `expected` are parts of messages that a test causes on purpose.
    """

    page: Page
    host: str
    errors: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watch(self.page)

    def another(self) -> Page:
        """A further page of the same browser context, watched like the first."""
        page = self.page.context.new_page()
        self._watch(page)
        return page

    def check(self) -> None:
        """Raises AssertionError where there was one."""
        found = [error for error in self.errors if not any(part in error for part in self.expected)]
        assert not found, found

    def _watch(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.netloc != self.host:
            self.errors.append(f"a request of another host: {request.url}")


@contextmanager
def opened(
    browser: Browser, url: str, size: tuple[int, int] = DESK, theme: Theme = "light", **options: Any
) -> Iterator[Watched]:
    """A new page of the service at `url`; at the end it must have had no errors.

    The mark of a running campaign does not move: Chromium without a GPU would draw the page all the time.
    """
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        reduced_motion="reduce",
        base_url=url,
        accept_downloads=True,
        **options,
    )
    try:
        context.set_default_timeout(WAIT_MS)
        watched = Watched(context.new_page(), urlsplit(url).netloc)
        yield watched
        watched.check()
    finally:
        context.close()


def go_to(page: Page, path: str, shows: str) -> None:
    """Opens a page of the service, and waits until it shows what `shows` selects, its tables and its figures."""
    page.goto(path)
    page.locator(shows).first.wait_for()
    page.wait_for_function(SETTLED)


def serious_findings(page: Page) -> list[str]:
    """What axe finds on the page in either theme that is serious or critical: theme, rule and the first elements.

    The page stays in the dark theme.
    """
    page.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    return [finding for theme in get_args(Theme) for finding in _findings_in(page, theme)]


def _findings_in(page: Page, theme: Theme) -> list[str]:
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(UNCHANGING)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{theme}: {violation['id']}: {violation['help']}: {[node['html'][:200] for node in violation['nodes'][:3]]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def overflow_px(page: Page) -> int:
    """By how much the page is wider than the window, in px."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width
