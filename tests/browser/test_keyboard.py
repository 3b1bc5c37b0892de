"""Pages by the keyboard alone, in Chromium: no test here clicks, hovers or sets a value by itself.

What changes a campaign that runs is in `test_running_campaign.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import go_to, opened
from tests.support.keyboard import tab_to
from tests.support.recorded_pages import Recorded
from tests.support.served import Served


@pytest.fixture
def page(browser: Browser, recorded: Served) -> Iterator[Page]:
    """A page of the service."""
    with opened(browser, recorded.url) as watched:
        yield watched.page


def test_a_campaign_is_created(page: Page) -> None:
    go_to(page, "/", "table.campaigns")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="New campaign"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/new")
    tab_to(page, page.get_by_label("Name").first)
    page.keyboard.type("by keys alone")
    tab_to(page, page.get_by_label("Profile", exact=True).first)
    page.keyboard.type("synth")
    expect(page.get_by_label("Profile", exact=True).first).to_have_value("synthetic")
    slider = page.get_by_role("slider", name="Budget")
    expect(slider).to_be_visible()
    tab_to(page, slider, "Shift+Tab")
    before = slider.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowLeft")
    expect(slider).not_to_have_attribute("aria-valuetext", before or "")
    expect(page.get_by_text("Ready to create")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Create as draft"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/c_*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("by keys alone")


def test_a_campaign_and_its_drawer_open_and_close(page: Page, records: Recorded) -> None:
    go_to(page, "/", "table.campaigns")
    tab_to(page, page.get_by_role("link", name="still running"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/campaigns/{records.running}")
    row = page.locator("table.trials").get_by_role("button", name="Trial 40", exact=True)
    row.wait_for()
    tab_to(page, row)
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog", name="Trial 40")
    expect(drawer.get_by_role("button", name="Close")).to_be_focused()
    expect(drawer.get_by_role("heading", name="Trial 40")).to_be_visible()
    tab_to(page, drawer.get_by_role("button", name="Previous"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Trial 39").get_by_role("heading", name="Trial 39")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(row).to_be_focused()


def test_a_dialog_gives_the_focus_back(page: Page, records: Recorded) -> None:
    go_to(page, f"/campaigns/{records.running}", "table.trials tbody tr")
    stop = page.get_by_role("button", name="Stop", exact=True)
    tab_to(page, stop)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Stop this campaign?")
    expect(dialog.get_by_role("button", name="Keep it running")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(stop).to_be_focused()


def test_the_slider_of_the_policy_goes_back_in_time(page: Page, records: Recorded) -> None:
    go_to(page, f"/campaigns/{records.running}", "table.trials tbody tr")
    slider = page.get_by_label("After", exact=True)
    slider.scroll_into_view_if_needed()
    tab_to(page, slider)
    with page.expect_response(lambda response: "/figures/policy.svg" in response.url and "at=0" in response.url):
        page.keyboard.press("Home")
    expect(page.locator("output[for=policy-at]")).to_contain_text("0 of ")
    expect(page.get_by_role("group", name="after 0 rewards").locator("svg")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Latest"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Latest")).to_have_attribute("aria-pressed", "true")


def test_architectures_are_selected_by_a_multiplier(page: Page, records: Recorded) -> None:
    go_to(page, f"/campaigns/{records.running}", "table.trials tbody tr")
    page.get_by_role("heading", name="Architectures by reward").scroll_into_view_if_needed()
    selection = page.get_by_role("group", name="Selection of architectures")
    box = selection.get_by_role("checkbox", name="1", exact=True)
    box.wait_for()
    status = page.locator(".matching")
    everything = int(status.inner_text().split()[0])
    tab_to(page, box)
    page.keyboard.press("Space")
    expect(status).to_contain_text(f"of {everything} architectures match")
    faded = page.locator("svg [data-choices].faded")
    shown = int(status.inner_text().split()[0])
    assert 0 < shown < everything
    expect(faded).to_have_count(everything - shown)
    tab_to(page, selection.get_by_role("button", name="Clear"))
    page.keyboard.press("Enter")
    expect(faded).to_have_count(0)


def test_the_trials_are_sorted_and_paged(page: Page, records: Recorded) -> None:
    go_to(page, f"/campaigns/{records.running}", "table.trials tbody tr")
    table = page.locator("section", has=page.locator("table.trials"))
    first = table.locator("tbody tr td:first-child").first
    heading = table.locator("th[data-order=number]")
    tab_to(page, heading.get_by_role("button"))
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(first).to_have_text("0")
    expect(heading.get_by_role("button")).to_be_focused()
    tab_to(page, table.get_by_role("button", name="Next"), "Shift+Tab")
    page.keyboard.press("Space")
    expect(first).to_have_text("20")
    tab_to(page, table.locator("form.pager").get_by_label("Page"), "Shift+Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(first).to_have_text("40")
    expect(table.get_by_role("button", name="Next")).to_be_disabled()
    tab_to(page, table.get_by_role("button", name="Previous"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(first).to_have_text("20")


def test_the_campaigns_are_sorted(page: Page) -> None:
    go_to(page, "/", "table.campaigns tr:nth-child(5)")
    heading = page.locator("table.campaigns th", has_text="Campaign").first
    tab_to(page, heading.get_by_role("button"))
    for direction in ("ascending", "descending"):
        page.keyboard.press("Enter")
        expect(heading).to_have_attribute("aria-sort", direction)
        expect(page.locator("table.campaigns")).to_be_visible()
        page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
        names = page.locator("table.campaigns a.name").all_inner_texts()
        assert names == sorted(names, key=str.lower, reverse=direction == "descending")
        expect(heading.get_by_role("button")).to_be_focused()
