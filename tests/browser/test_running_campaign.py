"""A campaign that runs, in Chromium: created by the form, watched, paused, resumed and changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import Watched, go_to, opened
from tests.support.served import Served
from tests.support.synthetic_campaigns import synthetic_spec

TRIALS = 5000
"""More than there is time for."""


@pytest.fixture
def watched(browser: Browser, served: Served) -> Iterator[Watched]:
    """A page of the service."""
    with opened(browser, served.url) as watched:
        yield watched


@pytest.fixture(scope="module")
def running(served: Served) -> str:
    """The id of a campaign that runs; each of its trials takes half a second."""
    task = {"profile": "synthetic", "seconds": 0.5}
    spec = synthetic_spec(name="it runs", trials=TRIALS, proxy_task=task)
    return served.client().create_campaign(spec.model_dump(mode="json", exclude_none=True)).id


def trials_finished(page: Page) -> int:
    """The number of finished trials that the head of the page shows."""
    text = page.locator(".headline div", has=page.get_by_text("Trials", exact=True)).locator("dd").first.inner_text()
    return int(text.split("/")[0].replace(",", ""))


def wait_for_more(page: Page, finished: int) -> None:
    """Waits until the page shows more finished trials, by itself."""
    page.wait_for_function(
        """(finished) => Number(document.querySelector("progress[aria-label='Trials finished']").value) > finished""",
        arg=finished,
    )


def test_a_campaign_is_created_by_the_form_and_its_first_trials_arrive(watched: Watched, served: Served) -> None:
    page = watched.page
    go_to(page, "/", "#new")
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Name").first.fill("from the form")
    page.get_by_label("Profile", exact=True).first.select_option("synthetic")
    page.get_by_label("Trials", exact=True).fill("3")
    slider = page.get_by_role("slider", name="Budget")
    slider.fill("300")
    shown = page.locator(".budget output").inner_text()
    assert re.search(r"\d+ % of the base", shown)
    expect(page.get_by_text("Ready to create")).to_be_visible()
    budget = int(page.get_by_role("textbox", name="Budget").input_value())
    page.get_by_role("button", name="Create and start").click()
    page.wait_for_url("**/campaigns/c_*")
    page.evaluate("window.wasNotReloaded = true")
    expect(page.get_by_role("heading", level=1)).to_contain_text("from the form")
    expect(page.locator("table.trials tbody tr")).to_have_count(3)
    expect(page.locator("h1 .state").first).to_have_text("completed")
    assert page.evaluate("window.wasNotReloaded") is True
    created = served.client().campaign(page.url.rsplit("/", 1)[1])
    assert (created.spec["trials"], created.spec["search_space"]["budget_madds"]) == (3, budget)


def test_the_page_follows_its_trials(watched: Watched, running: str) -> None:
    page = watched.page
    go_to(page, f"/campaigns/{running}", "progress[aria-label='Trials finished']")
    wait_for_more(page, 0)
    expect(page.get_by_label("Health").get_by_role("status")).to_contain_text("Healthy")
    before = trials_finished(page)
    newest = page.locator("table.trials tbody tr td").first.inner_text()
    events = page.get_by_label("Events, newest first").locator("time")
    first_event = events.first.get_attribute("title")
    checked = page.get_by_label("Health").locator("div", has=page.get_by_text("Checked at")).locator("dd")
    checked_at = checked.inner_text()
    wait_for_more(page, before)
    expect(page.locator("table.trials tbody tr td").first).not_to_have_text(newest)
    expect(events.first).not_to_have_attribute("title", first_event or "")
    expect(checked).not_to_have_text(checked_at)


def test_it_is_paused_and_resumed(watched: Watched, running: str) -> None:
    page = watched.page
    go_to(page, f"/campaigns/{running}", "progress[aria-label='Trials finished']")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("dialog", name="Pause this campaign?").get_by_role("button", name="Pause it").click()
    state = page.locator("h1 .state").first
    expect(state).to_have_text("paused")
    expect(page.get_by_label("Health").get_by_role("status")).to_contain_text("nothing runs until it is resumed")
    paused_at = trials_finished(page)
    page.get_by_role("button", name="Resume", exact=True).click()
    page.get_by_role("dialog", name="Resume this campaign?").get_by_role("button", name="Resume it").click()
    expect(state).to_have_text("running")
    wait_for_more(page, paused_at)


def test_a_refusal_stays_until_it_is_read(watched: Watched, running: str, served: Served) -> None:
    watched.expected.append("responded with a status of 4")  # the refusal
    page = watched.page
    go_to(page, f"/campaigns/{running}", "progress[aria-label='Trials finished']")
    page.get_by_role("button", name="Change", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change this campaign")
    trials = dialog.get_by_label("Number of trials")
    too_few = int(trials.get_attribute("min") or "")
    wait_for_more(page, too_few)
    trials.fill(str(too_few))
    dialog.get_by_role("button", name="Save").click()
    refusal = dialog.get_by_role("alert")
    expect(refusal).to_contain_text(str(too_few))
    wait_for_more(page, trials_finished(page))  # news of the campaign does not take it away
    expect(refusal).to_be_visible()
    trials.fill(str(TRIALS + 1))
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".headline")).to_contain_text(f"/ {TRIALS + 1:,}")
    assert served.client().campaign(running).spec["trials"] == TRIALS + 1
