"""A campaign that runs, in Chromium, while its trials arrive: created by the form, watched, sorted, filtered, paged and
changed; exported, compared, paused and resumed, by the keyboard alone, too.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from search_space.detector_model import load_detector
from search_space.document import read_block_specification
from tests.support.campaign_pages import (
    numbers,
    sort_oldest_first,
    trials_finished,
    wait_for_another,
    wait_for_descending_ap,
    wait_for_more,
)
from tests.support.chromium import Watched, go_to, opened
from tests.support.downloads import downloaded
from tests.support.keyboard import press, tab_to
from tests.support.served import Served
from tests.support.synthetic_campaigns import synthetic_spec

TRIALS = 50_000
"""More than there is time for."""
SECONDS = 0.4
"""Of each trial."""
PAGE_SIZE = 20
ROWS = "table.trials tbody tr"


class FromForm(NamedTuple):
    """A campaign that was created by the form, and has completed while its page was open."""

    id: str
    budget: int
    was_reloaded: bool


@pytest.fixture
def watched(browser: Browser, served: Served) -> Iterator[Watched]:
    """A page of the service."""
    with opened(browser, served.url) as watched:
        yield watched


@pytest.fixture(scope="module")
def running(served: Served) -> str:
    """The id of the campaign that runs."""
    task = {"profile": "synthetic", "seconds": SECONDS}
    spec = synthetic_spec(name="it runs", trials=TRIALS, proxy_task=task)
    return served.client().create_campaign(spec.model_dump(mode="json", exclude_none=True)).id


@pytest.fixture
def page(watched: Watched, running: str) -> Page:
    """The page of the campaign that runs, with a trial."""
    go_to(watched.page, f"/campaigns/{running}", "h1")
    wait_for_more(watched.page, 0)
    return watched.page


@pytest.fixture
def table(page: Page) -> Locator:
    """Its table of trials, which has three pages at least."""
    wait_for_more(page, 2 * PAGE_SIZE)
    return page.locator("section", has=page.locator("table.trials"))


@pytest.fixture(scope="module")
def from_form(browser: Browser, served: Served, running: str) -> FromForm:
    """A campaign of three trials that take no time, beside the one that runs."""
    with opened(browser, served.url) as watched:
        page = watched.page
        go_to(page, "/", "#new")
        page.get_by_role("link", name="New campaign").click()
        page.get_by_label("Name").first.fill("from the form")
        page.get_by_label("Profile", exact=True).first.select_option("synthetic")
        page.get_by_label("Trials", exact=True).fill("3")
        page.get_by_role("slider", name="Budget").fill("300")
        assert re.search(r"\d+ % of the base", page.locator(".budget output").inner_text())
        expect(page.get_by_text("Ready to create")).to_be_visible()
        budget = int(page.get_by_role("textbox", name="Budget").input_value())
        page.get_by_role("button", name="Create and start").click()
        page.wait_for_url("**/campaigns/c_*")
        page.evaluate("window.wasNotReloaded = true")
        expect(page.get_by_role("heading", level=1)).to_contain_text("from the form")
        expect(page.locator(ROWS)).to_have_count(3)
        expect(page.locator("h1 .state").first).to_have_text("completed")
        was_reloaded = page.evaluate("window.wasNotReloaded") is not True
        return FromForm(page.url.rsplit("/", 1)[1], budget, was_reloaded)


def test_a_campaign_is_created_by_the_form_and_its_trials_arrive(from_form: FromForm, served: Served) -> None:
    created = served.client().campaign(from_form.id)
    assert (created.spec["trials"], created.spec["search_space"]["budget_madds"]) == (3, from_form.budget)
    assert not from_form.was_reloaded


def test_the_page_follows_its_trials(page: Page) -> None:
    expect(page.get_by_label("Health").get_by_role("status")).to_contain_text("Healthy")
    newest = page.locator(f"{ROWS} td").first.inner_text()
    events = page.get_by_label("Events, newest first").locator("time")
    first_event = events.first.get_attribute("title")
    checked = page.get_by_label("Health").locator("div", has=page.get_by_text("Checked at")).locator("dd")
    checked_at = checked.inner_text()
    wait_for_another(page)
    expect(page.locator(f"{ROWS} td").first).not_to_have_text(newest)
    expect(events.first).not_to_have_attribute("title", first_event or "")
    expect(checked).not_to_have_text(checked_at)


def test_the_table_is_sorted_and_stays_so(page: Page, table: Locator, served: Served, running: str) -> None:
    shown = numbers(table)
    assert shown == sorted(shown, reverse=True)
    best = served.client().campaign(running).best_reward
    assert best is not None
    heading = table.locator("th[data-order=reward]")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    for _ in range(2):
        assert wait_for_descending_ap(page) >= round(best, 3)
        wait_for_another(page)
    table.locator("th[data-order=number]").get_by_role("button").click()
    sort_oldest_first(table)
    wait_for_another(page)
    assert numbers(table) == list(range(PAGE_SIZE))


def test_the_table_is_filtered_by_state_and_stays_so(page: Page, table: Locator) -> None:
    show = table.get_by_label("Show")
    show.select_option("completed")
    others = table.locator("tbody tr").filter(has_not=page.locator(".state[data-state=completed]"))
    expect(others).to_have_count(0)
    newest = numbers(table)[0]
    expect(table.locator("tbody td").first).not_to_have_text(str(newest))  # another has completed
    expect(others).to_have_count(0)
    show.select_option("failed")
    expect(table.get_by_text("No trial has failed.")).to_be_visible()
    wait_for_another(page)
    expect(table.locator("tbody tr")).to_have_count(0)
    show.select_option("")
    expect(table.locator("tbody tr")).to_have_count(PAGE_SIZE)


def test_pages_of_the_table_follow_and_can_be_jumped_to(page: Page, table: Locator) -> None:
    pager = table.locator("form.pager")
    pager.get_by_role("button", name="Next").click()
    expect(pager.get_by_label("Page")).to_have_value("2")
    expect(table).to_have_attribute("aria-busy", "false")
    first = table.locator("tbody td").first
    expect(first).not_to_have_text(first.inner_text())  # a further trial moves the others
    first = sort_oldest_first(table)
    pager.get_by_role("button", name="Next").click()
    expect(first).to_have_text(str(PAGE_SIZE))
    pager.get_by_label("Page").fill("3")
    pager.get_by_label("Page").press("Enter")
    expect(first).to_have_text(str(2 * PAGE_SIZE))
    wait_for_another(page)
    assert numbers(table)[0] == 2 * PAGE_SIZE
    pager.get_by_label("Page").fill("99999")
    pager.get_by_label("Page").press("Tab")
    expect(pager.get_by_label("Page")).not_to_have_value("99999")
    last = int(pager.get_by_label("Page").input_value())
    expect(first).to_have_text(str((last - 1) * PAGE_SIZE))
    pager.get_by_role("button", name="Previous").click()
    expect(first).to_have_text(str((last - 2) * PAGE_SIZE))


def test_a_trial_opens_in_a_drawer_and_as_a_page(page: Page, table: Locator, running: str) -> None:
    sort_oldest_first(table)
    table.locator("tbody tr").nth(2).get_by_text("completed").click()
    drawer = page.get_by_role("dialog", name="Trial 2")
    expect(drawer.get_by_role("heading", name="Trial 2")).to_be_visible()
    wait_for_another(page)  # it stays while others arrive
    drawer.get_by_role("button", name="Next").click()
    drawer = page.get_by_role("dialog", name="Trial 3")
    expect(drawer.get_by_role("heading", name="Trial 3")).to_be_visible()
    drawer.get_by_role("link", name="Open as a page").click()
    page.wait_for_url(f"**/campaigns/{running}/trials/3")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Trial 3")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url(f"**/campaigns/{running}/trials/4")


def test_a_detector_is_made_and_downloaded(page: Page, served: Served, running: str, tmp_path: Path) -> None:
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export a trial")
    trial = int(dialog.get_by_label("Trial", exact=True).input_value())
    dialog.get_by_role("button", name="Make detector").click()
    link = dialog.get_by_role("link", name=re.compile(r"^Download, .*: detector$"))
    content = downloaded(page, link.click, tmp_path)
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        files.extractall(tmp_path)
    (folder,) = tmp_path.glob(f"it-runs-trial-{trial}-detector*/")
    assert load_detector(folder).architecture.widths == served.client().trial(running, trial).widths
    dialog.get_by_role("button", name="Close").click()
    wait_for_another(page)


def test_files_are_exported_by_keys_alone(page: Page, served: Served, running: str, tmp_path: Path) -> None:
    go_to(page, f"/campaigns/{running}/trials/3", ".trial-shares")
    export = page.get_by_role("button", name="Export")
    press(page, export)
    dialog = page.get_by_role("dialog", name="Export a trial")

    def file(name: str) -> bytes:
        return downloaded(page, lambda: press(page, dialog.get_by_label(f"Download: {name}")), tmp_path)

    specification = read_block_specification(json.loads(file("spec")))
    assert list(specification.architecture.widths) == list(served.client().trial(running, 3).widths)
    assert ElementTree.fromstring(file("svg")).tag == "{http://www.w3.org/2000/svg}svg"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(export).to_be_focused()


def test_a_trial_is_compared_with_the_baseline(page: Page, running: str) -> None:
    go_to(page, f"/campaigns/{running}/trials/3", ".trial-shares")
    page.get_by_role("link", name="Compare with the baseline").click()
    page.wait_for_url(f"**/compare?trials={running}:0,{running}:3")
    expect(page.get_by_role("heading", name="Compare 2 trials")).to_be_visible()
    expect(page.get_by_role("region", name="Figures").locator("thead a")).to_have_text(["trial 0", "trial 3"])
    for title in ("Widths", "Shares"):
        expect(page.locator("figure", has=page.get_by_role("heading", name=title)).locator("svg")).to_be_visible()


def test_campaigns_are_compared_by_keys_alone(watched: Watched, running: str, from_form: FromForm) -> None:
    page = watched.page
    go_to(page, "/", "table.campaigns tbody tr")
    press(page, page.get_by_role("checkbox", name="Select from the form"), "Space")
    expect(page.get_by_text("Select another to compare.")).to_be_visible()
    compare = page.get_by_role("link", name="Compare", exact=True)
    press(page, page.get_by_role("checkbox", name="Select it runs"), "Space")
    tab_to(page, compare, "Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/compare?campaigns={from_form.id},{running}")
    expect(page.get_by_role("heading", name="Compare 2 campaigns")).to_be_visible()
    figures = page.get_by_role("region", name="Figures")
    expect(figures.locator("thead a")).to_have_text(["from the form", "it runs"])
    expect(page.locator(".drawn-figure svg")).to_have_count(3)
    trials = figures.get_by_role("row", name="Trials").get_by_role("cell")
    expect(trials.first).to_have_text("3 of 3")
    finished = trials.last.inner_text()
    expect(trials.last).not_to_have_text(finished)


@pytest.mark.parametrize("way", ["pointer", "keys"])
def test_it_is_paused_and_resumed(page: Page, way: str) -> None:
    """Without a pointer its trial in training is abandoned, which the arrow keys choose."""
    act: Callable[[Locator], Any] = Locator.click if way == "pointer" else lambda target: press(page, target)
    act(page.get_by_role("button", name="Pause", exact=True))
    dialog = page.get_by_role("dialog", name="Pause this campaign?")
    if way == "keys":
        press(page, dialog.get_by_role("radio", name="Let them finish"), "ArrowDown")
        expect(dialog.get_by_role("radio", name="Abandon them now")).to_be_checked()
    act(dialog.get_by_role("button", name="Pause it"))
    state = page.locator("h1 .state").first
    expect(state).to_have_text("paused")
    expect(page.get_by_label("Health").get_by_role("status")).to_contain_text("nothing runs until it is resumed")
    paused_at = trials_finished(page)
    act(page.get_by_role("button", name="Resume", exact=True))
    act(page.get_by_role("dialog", name="Resume this campaign?").get_by_role("button", name="Resume it"))
    expect(state).to_have_text("running")
    wait_for_more(page, paused_at)


def test_a_refusal_stays_until_it_is_read(watched: Watched, page: Page, running: str, served: Served) -> None:
    watched.expected.append("responded with a status of 4")  # the refusal
    page.get_by_role("button", name="Change", exact=True).click()
    dialog = page.get_by_role("dialog", name="Change this campaign")
    trials = dialog.get_by_label("Number of trials")
    too_few = int(trials.get_attribute("min") or "")
    wait_for_more(page, too_few)
    trials.fill(str(too_few))
    dialog.get_by_role("button", name="Save").click()
    refusal = dialog.get_by_role("alert")
    expect(refusal).to_contain_text(str(too_few))
    wait_for_another(page)  # news of the campaign does not take it away
    expect(refusal).to_be_visible()
    trials.fill(str(TRIALS + 1))
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".headline")).to_contain_text(f"/ {TRIALS + 1:,}")
    assert served.client().campaign(running).spec["trials"] == TRIALS + 1
