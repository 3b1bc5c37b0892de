"""Pages whose service is gone: they say so, stay usable, and go on by themselves once it is back."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import go_to, opened
from tests.support.served import Served
from tests.support.synthetic_campaigns import synthetic_spec

NOTICE = re.compile(r"^Disconnected, showing data from \d\d:\d\d:\d\d, retrying$")
LOST = ("net::ERR_",)
"""What the browser writes into its console where a request gets no response."""


def create_running(served: Served) -> str:
    """Creates a campaign that outlasts a test; its id."""
    spec = synthetic_spec(name="it runs", trials=1000, proxy_task={"profile": "synthetic", "seconds": 0.5})
    return served.client().create_campaign(spec.model_dump(mode="json", exclude_none=True)).id


def finished(page: Page) -> int:
    """The number of finished trials that the page of a campaign shows."""
    value: float = page.locator("progress[aria-label='Trials finished']").evaluate("bar => bar.value")
    return int(value)


def test_pages_outlast_a_service_that_is_killed(browser: Browser, served: Served) -> None:
    campaign = create_running(served)
    paths = {
        f"/campaigns/{campaign}": "table.trials tbody tr",
        "/": "table.campaigns tbody tr",
        "/campaigns/new": "input[type=range]",
        "/trainings": "text=No training yet",
    }
    with opened(browser, served.url) as watched:
        watched.expected += LOST
        pages = {}
        for path, shows in paths.items():
            page = pages[path] = watched.another()
            go_to(page, path, shows)
        of_campaign = pages[f"/campaigns/{campaign}"]
        served.kill()
        _use(pages["/"], "Campaign", "table.campaigns")
        _use(of_campaign, "AP", "table.trials")
        form = pages["/campaigns/new"]
        form.get_by_label("Name").first.fill("kept")
        form.get_by_label("Profile", exact=True).first.select_option("synthetic")  # now it can be checked
        for page in pages.values():
            expect(page.locator("#connection")).to_have_text(NOTICE)
            expect(page.locator("body")).to_have_class(re.compile("is-stale"))
        expect(of_campaign.locator("h1 .state").first).to_contain_text("last known: running")
        expect(of_campaign.get_by_label("Health").get_by_role("status")).to_contain_text("Unknown")
        before = finished(of_campaign)
        served.start()
        for page in pages.values():
            expect(page.locator("#connection")).to_be_hidden()
            expect(page.locator("body")).not_to_have_class(re.compile("is-stale"))
        expect(of_campaign.locator("h1 .state").first).to_have_text("running")
        of_campaign.wait_for_function(
            "(before) => document.querySelector(\"progress[aria-label='Trials finished']\").value > before", arg=before
        )
        expect(form.get_by_label("Name").first).to_have_value("kept")
        for page in pages.values():
            assert page.locator("[role=alert]:visible").count() == 0


def test_a_clean_stop_with_open_pages_logs_no_error(browser: Browser, served: Served) -> None:
    campaign = create_running(served)
    with opened(browser, served.url) as watched:
        watched.expected.extend(LOST)
        go_to(watched.page, f"/campaigns/{campaign}", ".event-log time")  # its stream of events is open
        go_to(watched.another(), "/", "table.campaigns tbody tr")
        written = len(served.log_path.read_text(encoding="utf-8"))
        assert served.stop() == 0
        expect(watched.page.locator("#connection")).to_have_text(NOTICE)
    log = served.log_path.read_text(encoding="utf-8")[written:]
    assert log
    assert not re.search(r"error|exception|traceback|cancelled", log, re.IGNORECASE), log


def _use(page: Page, column: str, table: str) -> None:
    """Clicks on what needs the service."""
    page.locator(table).locator("thead").get_by_role("button", name=column, exact=True).click()
    page.locator(table).locator("tbody tr").first.click()
