"""Figures that need a replay of the search, in Chromium: their progress is no error, and they arrive by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from api.http.app import create_app
from api.http.routes import dashboard
from api.settings import Settings
from nas_controller.campaigns import policy_history
from nas_controller.store import Store
from tests.support.chromium import WAIT_MS, Watched, go_to, opened
from tests.support.recorded_pages import new_store
from tests.support.recorder import Recorder
from tests.support.threaded_server import serving

TRIALS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with one campaign."""
    with new_store(tmp_path_factory.mktemp("replayed")) as store:
        yield store


@pytest.fixture(scope="module")
def campaign(store: Store) -> str:
    """The id of a campaign whose policy has learned."""
    return Recorder(store, trials=TRIALS + 3).run(TRIALS).id


@pytest.fixture
def watched(browser: Browser, store: Store, tmp_path: Path) -> Iterator[Watched]:
    """A page of a service in this process, so that a test can change what it computes at once."""
    with serving(create_app(Settings(data_dir=tmp_path), store)) as (url, _), opened(browser, url) as watched:
        yield watched


def card(page: Page, title: str) -> Locator:
    """The figure of this title, scrolled into view."""
    card = page.locator("figure", has=page.get_by_role("heading", name=title, exact=True))
    card.scroll_into_view_if_needed()
    return card


def test_a_replay_shows_its_progress_without_an_error(
    watched: Watched, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_history, "MAX_SECONDS", -1.0)
    page = watched.page
    go_to(page, f"/campaigns/{campaign}", "table.trials tbody tr")
    figure = card(page, "Entropy and advantage")
    expect(figure.locator(".placeholder")).to_have_text(f"Replaying the search: 0 of {TRIALS} rewards")
    with page.expect_response(lambda response: "/entropy.svg" in response.url and response.status == 202):
        pass  # it asks again
    monkeypatch.setattr(policy_history, "MAX_SECONDS", float(WAIT_MS))
    expect(figure.locator("svg")).to_be_visible()
    expect(figure.locator(".placeholder")).to_have_count(0)


def test_a_search_too_long_to_replay_is_not_asked_for(
    watched: Watched, campaign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_history, "MAX_REPLAYED", TRIALS - 1)
    monkeypatch.setattr(dashboard, "MAX_REPLAYED", TRIALS - 1)
    page = watched.page
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    go_to(page, f"/campaigns/{campaign}", "table.trials tbody tr")
    expect(card(page, "Entropy and advantage")).to_contain_text(f"for searches of at most {TRIALS - 1} trials")
    policy = card(page, "Policy")
    expect(policy.locator("svg")).to_be_visible()
    expect(policy.get_by_role("slider")).to_have_count(0)
    assert not [url for url in requests if "/entropy" in url]


def test_the_policy_card_says_after_how_many_rewards_its_drawing_is(
    watched: Watched, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_history, "MAX_SNAPSHOTS", 2)
    campaign = Recorder(store, trials=TRIALS + 3, name="few snapshots").run(TRIALS).id
    learned = TRIALS - 1  # the baseline teaches nothing
    page = watched.page
    go_to(page, f"/campaigns/{campaign}", "table.trials tbody tr")
    policy = card(page, "Policy")
    expect(policy.locator("svg")).to_be_visible()
    said = policy.locator("output[for=policy-at]")
    expect(said).to_have_text(f"{learned} of {learned} rewards")
    slider = policy.get_by_role("slider")
    for chosen in (learned - 2, learned - 1):
        with page.expect_response(re.compile(rf"/figures/policy\.svg.*&at={chosen}$")) as drawn:
            slider.fill(str(chosen))
        (told,) = re.findall(r'data-told="(\d+)"', drawn.value.text())
        expect(said).to_have_text(f"{told} of {learned} rewards")
        expect(slider).to_have_value(str(chosen))
    expect(said).to_have_text(f"{learned - 1} of {learned} rewards")
