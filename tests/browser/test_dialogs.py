"""Open drawers, dialogs and menus in Chromium, in both themes: no axe finding, and no wider than a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import PHONE, go_to, opened, overflow_px, serious_findings
from tests.support.recorded_pages import Recorded, new_store
from tests.support.recorder import Recorder
from tests.support.served import Served

Open = Callable[[Page], None]


def _button(name: str) -> Open:
    return lambda page: page.get_by_role("button", name=name, exact=True).click()


def _menu(name: str) -> Open:
    def choose(page: Page) -> None:
        page.locator(".menu summary").click()
        page.get_by_role("button", name=name, exact=True).click()

    return choose


def _drawer(page: Page) -> None:
    page.get_by_role("button", name="Trial 40", exact=True).click()
    page.get_by_role("dialog", name="Trial 40").locator(".trial-shares tr").first.wait_for()


def _log(page: Page) -> None:
    page.locator("table.trials tr", has_text="the loss is not finite").get_by_role("button", name="Trial ").click()
    page.get_by_role("dialog").locator("details summary").first.click()


def _delete(page: Page) -> None:
    page.get_by_role("checkbox", name="Select without its images").check()
    page.get_by_role("group", name="Selected campaigns").get_by_role("button", name="Delete").click()


def _dry_run(page: Page) -> None:
    page.get_by_label("Profile", exact=True).first.select_option("synthetic")
    expect(page.get_by_text("Ready to create")).to_be_visible()
    page.get_by_role("button", name="Dry run").click()


RUNNING, FINALS = "/campaigns/{running}", "/campaigns/{with_finals}"
DIALOGS: dict[str, tuple[str, str, Open]] = {
    "drawer": (RUNNING, "table.trials tbody tr", _drawer),
    "log": (RUNNING, "table.trials tbody tr", _log),
    "change": (RUNNING, "table.trials tbody tr", _button("Change")),
    "pause": (RUNNING, "table.trials tbody tr", _button("Pause")),
    "stop": (RUNNING, "table.trials tbody tr", _button("Stop")),
    "export": (RUNNING, "table.trials tbody tr", lambda page: page.locator(".actions button").first.click()),
    "train": (RUNNING, "table.trials tbody tr", _button("Train this one")),
    "archive": (RUNNING, "table.trials tbody tr", _menu("Archive")),
    "finals": (FINALS, "table.trials tbody tr", _button("More finals")),
    "retry": ("/campaigns/{failed}", "table.trials tbody tr", lambda page: page.locator("[data-action=retry]").click()),
    "delete": ("/", "table.campaigns tr:nth-child(5)", _delete),
    "dry run": ("/campaigns/new?from={running}", "input[type=range]", _dry_run),
}
"""Of each: the page, what it shows once it has read its documents, and what opens the dialog."""


@pytest.mark.parametrize("name", DIALOGS)
def test_an_open_dialog_is_accessible_and_fits(
    name: str, browser: Browser, recorded: Served, records: Recorded
) -> None:
    path, shows, open_dialog = DIALOGS[name]
    with opened(browser, recorded.url) as watched:
        page = watched.page
        go_to(page, path.format(**asdict(records)), shows)
        open_dialog(page)
        dialog = page.locator("dialog[open]")
        expect(dialog).to_be_visible()
        assert serious_findings(page) == []
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert overflow_px(page) <= 0
        box = dialog.bounding_box()
        assert box is not None
        assert (box["x"] >= 0, box["x"] + box["width"] <= PHONE[0]) == (True, True)


def test_an_open_menu_is_accessible(browser: Browser, recorded: Served, records: Recorded) -> None:
    with opened(browser, recorded.url) as watched:
        page = watched.page
        go_to(page, f"/campaigns/{records.running}", "table.trials tbody tr")
        page.locator(".menu summary").click()
        expect(page.get_by_role("link", name="Clone")).to_be_visible()
        assert serious_findings(page) == []


def test_a_stopped_campaign_continues_with_the_trials_that_it_has(browser: Browser, recorded: Served) -> None:
    with new_store(recorded.data_dir) as store:
        campaign = Recorder(store, trials=6, name="to be continued").id
        store.service.request_stop(campaign)
    with opened(browser, recorded.url) as watched:
        page = watched.page
        go_to(page, f"/campaigns/{campaign}", "h1 .state")
        page.get_by_role("button", name="Continue", exact=True).click()
        dialog = page.get_by_role("dialog", name="Continue this campaign?")
        expect(dialog.get_by_label("Number of trials")).to_have_value("6")
        expect(dialog.get_by_role("group", name="Stop conditions")).to_have_count(0)
        dialog.get_by_role("button", name="Continue").click()
        expect(dialog).to_be_hidden()
    found = recorded.client().campaign(campaign)
    assert (found.state, found.spec["trials"]) == ("pending", 6)


def test_a_search_that_a_condition_has_ended_continues_without_it(browser: Browser, recorded: Served) -> None:
    stop = {"target_reward": 0.01, "device_hours": 50.0}
    with new_store(recorded.data_dir) as store:
        campaign = Recorder(store, trials=6, name="good enough", stop=stop).run(1).id
    client = recorded.client()
    assert client.campaign(campaign).stopped_because == "target_reward"
    with opened(browser, recorded.url) as watched:
        page = watched.page
        go_to(page, f"/campaigns/{campaign}", "table.trials tbody tr")
        page.get_by_role("button", name="Continue", exact=True).click()
        dialog = page.get_by_role("dialog", name="Continue this campaign?")
        stops = dialog.get_by_role("group", name="Stop conditions")
        expect(stops.get_by_role("radio", name="Drop the one that ended the search")).to_be_checked()
        expect(stops.get_by_role("radio", name="Drop all")).not_to_be_checked()
        assert serious_findings(page) == []
        dialog.get_by_role("button", name="Continue").click()
        expect(dialog).to_be_hidden()
    found = client.campaign(campaign)
    assert found.state == "running"
    assert (found.spec["stop"]["target_reward"], found.spec["stop"]["device_hours"]) == (None, 50.0)


def test_the_weights_of_one_trial_are_not_shown_of_another(
    browser: Browser, recorded: Served, records: Recorded
) -> None:
    with opened(browser, recorded.url) as watched:
        watched.expected.append("responded with a status of 503")
        page = watched.page
        go_to(page, f"/campaigns/{records.running}/trials/3", ".trial-shares tr")
        page.get_by_role("button", name="Export").click()
        dialog = page.get_by_role("dialog", name="Export a trial")
        expect(dialog.get_by_role("radio").first).to_be_visible()
        problem = '{"detail": "the database does not respond"}'
        page.route(
            re.compile(r"/exports\?trial=7$"),
            lambda route: route.fulfill(status=503, content_type="application/problem+json", body=problem),
        )
        number = dialog.get_by_label("Trial", exact=True)
        number.fill("7")
        number.press("Tab")
        expect(dialog.get_by_role("alert")).to_have_text("the database does not respond")
        expect(dialog.get_by_role("radio")).to_have_count(0)
        expect(dialog.get_by_role("listitem")).to_have_count(0)
        number.fill("8")
        number.press("Tab")
        expect(dialog.get_by_role("radio").first).to_be_visible()
        expect(dialog.get_by_role("alert")).to_have_count(0)
