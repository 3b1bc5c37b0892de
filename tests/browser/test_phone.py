"""Pages on a phone, in Chromium: what matters is in view, and what is wider than the window scrolls by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.chromium import PHONE, go_to, opened
from tests.support.recorded_pages import Recorded
from tests.support.served import Served
from tests.support.synthetic_campaigns import synthetic_spec


@pytest.fixture
def page(browser: Browser, recorded: Served) -> Iterator[Page]:
    """A page of the service in the window of a phone."""
    with opened(browser, recorded.url, PHONE) as watched:
        yield watched.page


def hidden_px(element: Locator) -> int:
    """By how much the content of an element is wider than the element."""
    width: int = element.evaluate("element => element.scrollWidth - element.clientWidth")
    return width


def test_a_campaign_can_be_created_from_anywhere_in_the_form(page: Page, records: Recorded) -> None:
    go_to(page, f"/campaigns/new?from={records.running}", "text=Ready to create")
    status = page.get_by_role("region", name="Check")
    for _ in range(2):
        for name in ("Create and start", "Create as draft", "Dry run"):
            expect(status.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        expect(status.get_by_text("Device time")).to_be_in_viewport(ratio=1)
        assert hidden_px(status) <= 0
        page.get_by_role("heading", name="Searcher").scroll_into_view_if_needed()


def test_two_are_compared_in_the_window_and_more_beside_their_names(page: Page, records: Recorded) -> None:
    trials = [f"{records.running}:{number}" for number in (0, 3, 5)]
    go_to(page, f"/compare?trials={','.join(trials[:2])}", ".drawn-figure svg")
    page.get_by_label("show all").check()
    for table in page.locator(".compared .scroll").all():
        assert hidden_px(table) <= 0
    go_to(page, f"/compare?trials={','.join(trials)}", ".drawn-figure svg")
    table = page.locator(".compared .scroll").first
    assert hidden_px(table) > 0
    name = table.get_by_role("rowheader", name="Widths")
    before = name.bounding_box()
    table.evaluate("element => { element.scrollLeft = element.scrollWidth; }")
    expect(table.get_by_role("columnheader", name="trial 5")).to_be_in_viewport(ratio=1)
    assert name.bounding_box() == before


def test_the_progress_of_a_long_search_stays_in_a_line(page: Page, recorded: Served) -> None:
    spec = synthetic_spec(name="a long one", trials=20_000)
    recorded.client().create_campaign(spec.model_dump(mode="json", exclude_none=True))
    go_to(page, "/", "table.campaigns tr:nth-child(5)")
    progress = page.locator("table.campaigns tr", has_text="a long one").locator(".trial-progress span")
    expect(progress).to_have_text("0 / 20,000")
    lines: float = progress.evaluate("span => span.clientHeight / parseFloat(getComputedStyle(span).lineHeight)")
    assert round(lines) == 1
