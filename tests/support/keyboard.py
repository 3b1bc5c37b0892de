"""The keyboard of a page: what it reaches with Tab alone."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

MOST_TABS = 150


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Presses Tab until the target has the focus. Raises AssertionError where it is never reached."""
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{MOST_TABS} times {key} do not reach {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Presses a key on the target, which is reached with Tab."""
    tab_to(page, target)
    page.keyboard.press(key)
