"""What the page of a campaign shows: how far it is, and its table of trials."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

_BAR = "progress[aria-label='Trials finished']"
_AP_CELLS = "table.trials tbody td:nth-child(3)"
_DESCENDING = """(cells) => {
  const values = [...document.querySelectorAll(cells)].map((cell) => Number(cell.textContent));
  return values.length > 1 && values.every((value, index) => index === 0 || values[index - 1] >= value);
}"""


def trials_finished(page: Page) -> int:
    """The number of finished trials that the page shows, which has begun."""
    value: float = page.locator(_BAR).evaluate("bar => bar.value")
    return int(value)


def wait_for_more(page: Page, finished: int) -> None:
    """Waits until the page shows more finished trials, by itself."""
    page.wait_for_function("([bar, finished]) => document.querySelector(bar)?.value > finished", arg=[_BAR, finished])


def wait_for_another(page: Page) -> None:
    """Waits until the page shows a further finished trial, by itself."""
    wait_for_more(page, trials_finished(page))


def numbers(table: Locator) -> list[int]:
    """The numbers of the trials in the table."""
    return [int(text) for text in table.locator("tbody td:first-child").all_inner_texts()]


def wait_for_descending_ap(page: Page) -> float:
    """Waits until the AP in the table descends, and none is missing; the highest."""
    page.wait_for_function(_DESCENDING, arg=_AP_CELLS)
    return float(page.locator(_AP_CELLS).first.inner_text())


def sort_oldest_first(table: Locator) -> Locator:
    """Sorts the table, which has the newest trial first; its first cell."""
    heading = table.locator("th[data-order=number]")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    first = table.locator("tbody td").first
    expect(first).to_have_text("0")
    return first
