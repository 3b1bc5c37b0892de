"""Every page in Chromium, in both themes, on a desk and on a phone: no errors, no other host, no axe finding."""

from __future__ import annotations

from typing import get_args

import pytest
from playwright.sync_api import Browser

from tests.support.chromium import DESK, PHONE, Theme, opened, overflow_px, serious_findings
from tests.support.served import Served

PATHS = ("/", "/trainings", "/docs")


@pytest.mark.parametrize("theme", get_args(Theme))
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_and_fits(path: str, theme: Theme, browser: Browser, served: Served) -> None:
    with opened(browser, served.url, DESK, theme) as watched:
        watched.page.goto(path)
        watched.page.wait_for_load_state("networkidle")
        assert serious_findings(watched.page) == []
    with opened(browser, served.url, PHONE, theme) as watched:
        watched.page.goto(path)
        watched.page.wait_for_load_state("networkidle")
        assert overflow_px(watched.page) <= 0
