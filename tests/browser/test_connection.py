"""Pages whose service is gone: they say so, stay usable, and go on by themselves once it is back."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.support.campaign_pages import trials_finished, wait_for_more
from tests.support.chromium import go_to, opened
from tests.support.recorded_pages import DATASET, Recorded, new_store, write_dataset
from tests.support.recorder import Recorder
from tests.support.served import Served
from tests.support.synthetic_campaigns import synthetic_spec

NOTICE = re.compile(r"^Disconnected, showing data from \d\d:\d\d:\d\d, retrying$")
LOST = ("net::ERR_",)
"""What the browser writes into its console where a request gets no response."""


def create_running(served: Served) -> str:
    """Creates a campaign that outlasts a test; its id."""
    spec = synthetic_spec(name="it runs", trials=1000, proxy_task={"profile": "synthetic", "seconds": 0.5})
    return served.client().create_campaign(spec.model_dump(mode="json", exclude_none=True)).id


def wait_for_trials(served: Served, campaign: str, count: int) -> None:
    """Waits until so many trials have ended."""
    for event in served.client().events(campaign):
        count -= event.kind == "trial.completed"
        if count <= 0:
            return


def test_pages_outlast_a_service_that_is_killed(browser: Browser, served: Served) -> None:
    campaign = create_running(served)
    wait_for_trials(served, campaign, 2)
    write_dataset(served.data_dir)
    paths = {
        f"/campaigns/{campaign}/trials/1": ".trial-shares tr",  # which has ended, so that it polls for nothing
        f"/compare?trials={campaign}:0,{campaign}:1": ".compared tbody tr",
        f"/datasets/{DATASET}": "#preview img",
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
        before = trials_finished(of_campaign)
        served.start()
        for page in pages.values():
            expect(page.locator("#connection")).to_be_hidden()
            expect(page.locator("body")).not_to_have_class(re.compile("is-stale"))
        expect(of_campaign.locator("h1 .state").first).to_have_text("running")
        wait_for_more(of_campaign, before)
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


def test_a_page_without_data_says_so_and_reads_it_once_it_can(
    browser: Browser, recorded: Served, records: Recorded
) -> None:
    paths = {
        f"/datasets/{DATASET}": "#preview img",
        f"/campaigns/{records.running}/trials/3": ".trial-shares tr",
        f"/trainings/{records.training}": "#curve svg",
    }
    for path, shows in paths.items():
        with opened(browser, recorded.url) as watched:
            watched.expected += LOST
            page = watched.page
            for requests in ("**/v1/**", "**/healthz"):
                page.route(requests, lambda route: route.abort())
            page.goto(path)
            expect(page.locator("#connection")).to_have_text("Disconnected, no data yet, retrying")
            assert page.locator("[role=alert]:visible").count() == 0
            page.unroute_all()
            expect(page.locator(shows).first).to_be_visible()
            expect(page.locator("#connection")).to_be_hidden()


def test_figures_of_a_campaign_that_has_ended_are_drawn_once_the_service_is_back(
    browser: Browser, recorded: Served, records: Recorded
) -> None:
    with opened(browser, recorded.url) as watched:
        watched.expected += LOST
        page = watched.page
        page.route(re.compile(r"/figures/progress\.svg"), lambda route: route.abort())
        figure = page.locator("figure", has=page.get_by_role("heading", name="Reward by trial"))
        with page.expect_event("requestfailed", lambda request: "/figures/progress.svg" in request.url):
            page.goto(f"/campaigns/{records.with_finals}")
            figure.scroll_into_view_if_needed()
        expect(figure.locator("svg")).to_have_count(0)
        page.unroute_all()
        expect(figure.locator("svg")).to_be_visible()
        expect(page.locator("#connection")).to_be_hidden()


def test_the_cost_of_finals_is_estimated_once_the_service_is_back(browser: Browser, recorded: Served) -> None:
    with new_store(recorded.data_dir) as store:
        campaign = Recorder(store, trials=3, name="estimated late").run(3).id
    with opened(browser, recorded.url) as watched:
        watched.expected += LOST
        page = watched.page
        go_to(page, f"/campaigns/{campaign}", "table.trials tbody tr")
        page.route("**/v1/campaigns/estimate", lambda route: route.abort())
        with page.expect_event("requestfailed", lambda request: request.url.endswith("/estimate")):
            page.get_by_role("button", name="Run finals").click()
        cost = page.get_by_role("dialog", name="Finals of this campaign").locator(".cost")
        expect(cost).to_have_text("Estimating …")
        page.unroute_all()
        expect(cost).to_contain_text("trainings.")


def _use(page: Page, column: str, table: str) -> None:
    """Clicks on what needs the service."""
    page.locator(table).locator("thead").get_by_role("button", name=column, exact=True).click()
    page.locator(table).locator("tbody tr").first.click()
