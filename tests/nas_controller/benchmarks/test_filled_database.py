"""A filled database is one that a real service could have written."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from nas_controller.benchmarks.filled_campaign import NOT_STARTED
from nas_controller.benchmarks.filled_database import MIN_CAMPAIGNS, fill, plans
from nas_controller.campaigns.replay import verify
from nas_controller.states import CAMPAIGN_STATES, TRIAL_STATES
from nas_controller.store import ConflictError, Store, sqlite_url
from search_space.errors import InvalidValueError
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import trials_of


def test_a_filled_database_is_exact_under_replay(database_url: str) -> None:
    added: list[int] = []
    filled = fill(database_url, plans(MIN_CAMPAIGNS, 500, 300, seed=3), added.append)
    assert filled["trials"] == sum(added) == 500
    store = Store.open(database_url)
    campaigns = store.reads.list_campaigns().items
    assert {campaign.state for campaign in campaigns} == set(CAMPAIGN_STATES)
    assert filled["largest"] == {"id": campaigns[0].id, "trials": 300}
    states: Counter[str] = Counter()
    for campaign in campaigns:
        found = verify(store, campaign.id)
        columns = store.reads.trial_columns(campaign.id, "state", "reward", "attempts")
        states.update(columns["state"])
        assert found.trials_begun == campaign.trials_begun == len(columns["state"])
        assert (campaign.best_reward is None) == (campaign.state in NOT_STARTED)
        assert campaign.device_seconds >= 0
    assert set(states) == set(TRIAL_STATES)
    totals = store.reads.totals()
    assert totals.trials == dict(states)
    assert totals.rewards_accepted > 0
    store.close()


def test_no_filled_campaign_is_runnable_and_trials_have_attempts_and_curves(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    fill(url, plans(MIN_CAMPAIGNS, 600, 520, seed=1), lambda _: None)
    store = Store.open(url)
    assert store.runner.runnable_campaigns() == ()
    largest = store.reads.list_campaigns(limit=1).items[0]
    kinds = {trial.error_kind for trial in trials_of(store, largest.id, state="failed")}
    assert kinds == {"non-finite-loss"}
    retried = [n for n, tries in enumerate(store.reads.trial_columns(largest.id, "attempts")["attempts"]) if tries == 2]
    detail = store.reads.get_trial(largest.id, retried[0])
    assert [attempt.state for attempt in detail.attempts] == ["failed", "accepted"]
    assert len(store.reads.get_trial(largest.id, 500).curve) == 1_000
    store.close()


def test_a_database_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    wanted = plans(MIN_CAMPAIGNS, 100, 20, seed=1)
    store = Store.open(url)
    store.service.create_campaign(synthetic_spec())
    store.close()
    with pytest.raises(ConflictError, match="campaigns already"):
        fill(url, wanted, lambda _: None)


def test_plans_add_up() -> None:
    wanted = plans(100, 100_000, 20_000, seed=1)
    assert len(wanted) == 100
    assert sum(plan.begun for plan in wanted) == 100_000
    assert wanted[-1].begun == 20_000
    assert {plan.state for plan in wanted} == set(CAMPAIGN_STATES)


@pytest.mark.parametrize(
    ("numbers", "field"),
    [((3, 1_000, 10), "campaigns"), ((20, 1_000, 990), "largest"), ((20, 1_000, 0), "largest")],
)
def test_invalid_sizes_are_refused(numbers: tuple[int, int, int], field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        plans(*numbers, seed=1)
    assert caught.value.field == field


def test_the_command_prints_what_it_has_filled(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    code = "from nas_controller.benchmarks.fill_command import app; app()"
    options = [
        "--database-url",
        url,
        "--campaigns",
        str(MIN_CAMPAIGNS),
        "--trials",
        "100",
        "--largest",
        "20",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *options], capture_output=True, text=True, timeout=120, check=True
    )
    found = json.loads(done.stdout)
    assert (found["campaigns"], found["trials"], found["largest"]["trials"]) == (MIN_CAMPAIGNS, 100, 20)
