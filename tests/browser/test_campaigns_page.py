"""The list of campaigns in Chromium: found, ordered, archived and deleted; its address carries the query."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.chromium import go_to, opened
from tests.support.served import Served
from tests.support.synthetic_campaigns import synthetic_spec

NAMES = "table.campaigns tbody a.name"
ROWS = "table.campaigns tbody tr"


@pytest.fixture
def page(browser: Browser, recorded: Served) -> Iterator[Page]:
    """The list."""
    with opened(browser, recorded.url) as watched:
        go_to(watched.page, "/", ROWS)
        yield watched.page


def draft(served: Served, name: str) -> str:
    """Creates a draft; its id."""
    return served.client().create_campaign(synthetic_spec(name=name).model_dump(mode="json"), draft=True).id


def select(page: Page, name: str) -> None:
    """Marks a campaign."""
    page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()


def named(page: Page, name: str) -> Locator:
    """The link to a campaign in the list."""
    return page.locator(NAMES).get_by_text(name, exact=True)


def test_it_is_searched_and_filtered_and_the_address_says_so(page: Page) -> None:
    everything = page.locator(NAMES).count()
    page.get_by_role("searchbox").fill("still")
    expect(page.locator(NAMES)).to_have_text(["still running"])
    expect(page).to_have_url("/?q=still")
    page.reload()
    expect(page.locator(NAMES)).to_have_text(["still running"])
    expect(page.get_by_role("searchbox")).to_have_value("still")
    page.get_by_role("searchbox").fill("")
    expect(page.locator(NAMES)).to_have_count(everything)
    page.get_by_role("button", name="draft").click()
    expect(page.locator(ROWS).locator(".state[data-state=draft]")).to_have_count(1)
    expect(page).to_have_url("/?state=draft")
    page.get_by_role("button", name="failed").click()
    expect(page).to_have_url("/?state=draft&state=failed")
    expect(page.locator(NAMES)).to_have_count(2)
    page.go_back()
    expect(page.locator(NAMES)).to_have_text(["not started"])
    page.get_by_role("searchbox").fill("nothing like this")
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.locator(NAMES)).to_have_count(everything)


def test_it_is_sorted(page: Page) -> None:
    page.get_by_role("columnheader", name="Campaign").get_by_role("button").click()
    expect(page).to_have_url("/?sort=name")
    expect(page.get_by_role("columnheader", name="Campaign")).to_have_attribute("aria-sort", "ascending")
    page.wait_for_function(f"""() => {{
      const names = [...document.querySelectorAll({NAMES!r})].map((link) => link.textContent);
      return names.length > 2 && names.every((name, index) => !index || names[index - 1] <= name);
    }}""")
    names = page.locator(NAMES).all_inner_texts()
    page.get_by_role("columnheader", name="Campaign").get_by_role("button").click()
    expect(page.locator(NAMES)).to_have_text(names[::-1])
    page.reload()
    expect(page.locator(NAMES)).to_have_text(names[::-1])


def test_one_is_archived_and_taken_back(page: Page, recorded: Served) -> None:
    campaign = draft(recorded, "for the archive")
    select(page, "for the archive")
    page.get_by_role("button", name="Archive", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    expect(named(page, "for the archive")).to_be_hidden()
    assert recorded.client().campaign(campaign).archived
    page.get_by_role("checkbox", name="archived").check()
    expect(page).to_have_url("/?archived=true")
    select(page, "for the archive")
    page.get_by_role("button", name="Unarchive").click()
    page.get_by_role("dialog").get_by_role("button", name="Unarchive").click()
    expect(named(page, "for the archive")).to_be_hidden()
    assert not recorded.client().campaign(campaign).archived


def test_one_is_deleted_only_when_it_is_confirmed(page: Page, recorded: Served) -> None:
    draft(recorded, "to be deleted")
    select(page, "to be deleted")
    delete = page.get_by_role("button", name="Delete", exact=True)
    delete.click()
    dialog = page.get_by_role("dialog", name="Delete “to be deleted”?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert "to be deleted" in [campaign.name for campaign in recorded.client().campaigns()]
    delete.click()
    dialog.get_by_role("button", name="Delete").click()
    expect(named(page, "to be deleted")).to_be_hidden()
    assert "to be deleted" not in [campaign.name for campaign in recorded.client().campaigns()]


def test_one_that_runs_is_not_offered_to_be_deleted(page: Page) -> None:
    select(page, "still running")
    expect(page.get_by_role("button", name="Archive", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_hidden()


def test_only_a_filter_that_is_refused_can_be_cleared(browser: Browser, recorded: Served) -> None:
    with opened(browser, recorded.url) as watched:
        watched.expected.append("responded with a status of")
        page = watched.page
        clear = page.get_by_role("button", name="Clear the filter")
        page.goto("/?sort=unheard-of")
        expect(page.get_by_role("alert")).to_be_visible()
        clear.click()
        expect(page.locator(ROWS).first).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)
        problem = '{"detail": "the database does not respond"}'
        page.route(
            re.compile(r"/v1/campaigns\?"),
            lambda route: route.fulfill(status=503, content_type="application/problem+json", body=problem),
        )
        expect(page.get_by_role("alert")).to_have_text("the database does not respond")
        expect(clear).to_have_count(0)
        expect(page.locator(ROWS).first).to_be_visible()
