"""Every page in Chromium, in both themes, on a desk and on a phone: no errors, no other host, no axe finding."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import DESK, PHONE, Theme, Watched, go_to, opened, overflow_px, serious_findings
from tests.support.recorded_pages import DATASET, Recorded
from tests.support.served import Served
from tools.pages.browser import UNCHANGING

TALL = (DESK[0], 4000)
"""All figures of a page are in view, so that they are drawn."""

PAGES = {
    "/": "table.campaigns tr:nth-child(5)",
    "/?q=nothing-like-this": "text=No campaign matches this filter",
    "/campaigns/new": "text=2 fields need attention",
    "/campaigns/new?from={running}": "text=Ready to create",
    "/campaigns/{draft}": "text=They come with the first trials, once this draft is started.",
    "/campaigns/{running}": "table.trials tr:nth-child(20)",
    "/campaigns/{paused}": "text=They come with the first reward, once the campaign is resumed.",
    "/campaigns/{with_finals}": ".finals td[data-word=better]",
    "/campaigns/{failed}": "text=image 17 of the data set is missing",
    "/campaigns/{running}/trials/3": ".trial-shares tr:nth-child(18)",
    "/compare?campaigns={running},{with_finals}": ".drawn-figure svg",
    "/compare?trials={running}:0,{running}:3": ".drawn-figure svg",
    "/compare": "text=There is nothing to compare",
    "/trainings": "#trainings tr",
    "/trainings/{training}": "#curve svg",
    f"/datasets/{DATASET}": "#preview img",
    "/docs": ".swagger-ui .opblock",
    "/login": "input#key",
}
"""What each shows once it has read its documents."""

MISSING = ("/campaigns/c_0", "/nothing/here")
WITHOUT_RECORDS = {"/": "text=No campaign yet", "/trainings": "text=No training yet"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_and_fits(path: str, browser: Browser, recorded: Served, records: Recorded) -> None:
    with opened(browser, recorded.url, TALL) as watched:
        _check(watched, path.format(**asdict(records)), PAGES[path])


@pytest.mark.parametrize("path", MISSING)
def test_an_error_is_a_page_like_the_others(path: str, browser: Browser, recorded: Served) -> None:
    with opened(browser, recorded.url) as watched:
        watched.expected.append("responded with a status of 404")  # of the page itself
        _check(watched, path, "text=Error 404")
        watched.page.get_by_role("link", name="All campaigns").click()
        watched.page.wait_for_url(f"{recorded.url}/")


def test_a_service_without_records_says_how_to_begin(browser: Browser, tmp_path: Path) -> None:
    with Served(tmp_path, command="api") as served, opened(browser, served.url) as watched:
        for path, shows in WITHOUT_RECORDS.items():
            _check(watched, path, shows)
        watched.page.get_by_role("link", name="Campaigns", exact=True).click()
        watched.page.get_by_role("link", name="Create one here").click()
        watched.page.wait_for_url("**/campaigns/new")


def _check(watched: Watched, path: str, shows: str) -> None:
    page = watched.page
    go_to(page, path, shows)
    for theme in get_args(Theme):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(UNCHANGING)
        assert serious_findings(page) == [], theme
    page.set_viewport_size({"width": PHONE[0], "height": TALL[1]})
    assert overflow_px(page) <= 0
    page.set_viewport_size({"width": TALL[0], "height": TALL[1]})
