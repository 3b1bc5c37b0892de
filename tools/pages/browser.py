"""Chromium for the commands of this package; Debian has it as the package `chromium`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from search_space.errors import EffspineError

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--enable-precise-memory-info",
)  # fmt: skip

SETTLED = """() => {
  const main = document.querySelector("main");
  const isDrawn = (figure) => figure.querySelector("svg") || figure.querySelector(".placeholder")?.textContent;
  return !main.querySelector("[aria-busy=true]") && [...main.querySelectorAll(".drawn-figure")].every(isDrawn);
}"""
"""Whether the tables of a page are read and its figures in view are drawn."""
UNCHANGING = "() => !document.getAnimations().some((each) => each instanceof CSSTransition)"
"""Whether a page has taken the colours of its theme."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, until the block ends. Raises EffspineError where none is installed."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise EffspineError("there is no Chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()
