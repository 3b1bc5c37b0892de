"""The form of a new campaign in Chromium: what it says while nothing is sent yet."""

from __future__ import annotations

import shlex

import pytest
from playwright.sync_api import Browser, expect

from tests.support.chromium import go_to, opened
from tests.support.served import Served


def test_a_number_out_of_its_limits_is_told_before_a_data_set_is_chosen(browser: Browser, recorded: Served) -> None:
    with opened(browser, recorded.url) as watched:
        page = watched.page
        go_to(page, "/campaigns/new", "input[type=range]")
        trials = page.get_by_label("Trials", exact=True)
        trials.fill("200000")
        expect(page.locator("#field-trials-error")).to_have_text("200000 is out of range; it must be 1 to 100,000.")
        expect(trials).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_text("3 fields need attention")).to_be_visible()
        trials.fill("20")
        expect(page.locator("#field-trials-error")).to_have_count(0)


def test_a_dry_run_has_short_counts(browser: Browser, recorded: Served) -> None:
    with opened(browser, recorded.url) as watched:
        page = watched.page
        go_to(page, "/campaigns/new", "input[type=range]")
        page.get_by_label("Name").first.fill("short")
        page.get_by_label("Profile", exact=True).first.select_option("synthetic")
        expect(page.get_by_text("Ready to create")).to_be_visible()
        page.get_by_role("button", name="Dry run").click()
        dialog = page.get_by_role("dialog", name="Dry run")
        expect(dialog).to_contain_text("Feasible budgets647.5 M to 19.25 T multi-adds")


def test_the_commands_for_a_data_set_name_the_data_directory(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data_dir = tmp_path_factory.mktemp("with blanks") / "data"
    with Served(data_dir, command="api") as served, opened(browser, served.url) as watched:
        go_to(watched.page, "/campaigns/new", "input[type=range]")
        where = shlex.quote(str(data_dir))
        expect(watched.page.get_by_role("region", name="No data set").locator("pre")).to_have_text(
            f"EFFSPINE_DATA_DIR={where} effspine data register NAME DIRECTORY\n"
            f"effspine data make-digits {shlex.quote(str(data_dir / 'datasets' / 'digits'))}"
        )
