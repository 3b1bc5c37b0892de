"""The reward of a trial that stopped early is comparable with no other, so statistics leave it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns import figures
from nas_controller.campaigns.block_importance import block_importance
from nas_controller.campaigns.estimate import estimate
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import Store
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, synthetic_spec

TASK = {"profile": "smoke", "evaluate_steps": 5}
PLANNED: dict[str, Any] = {"dataset": "digits", "proxy_task": TASK}
STOPPING: dict[str, Any] = {**PLANNED, "early_stopping": {"min_trials": 1}}


def record(store: Store, clock: Clock, outcomes: str, **changes: Any) -> str:
    """A campaign whose trials train alone and end, by letter, after 100 s (w: whole), after 10 s (s: stopped early), or
    in a second attempt after a failed one, 40 s each (r).
    """
    campaign_id = create(store, **{"trials": len(outcomes), "retries": 1, **STOPPING, **changes})
    campaign = claimed_campaign(store, campaign_id)
    for outcome in outcomes:
        work = campaign.next_trial()
        assert work is not None
        campaign.begun(work, 0.0)
        if outcome == "r":
            clock.advance(40)
            campaign.complete(work, Failed("retry", "the worker died", "worker-killed"))
            work = campaign.next_trial()
            assert work is not None
            campaign.begun(work, 0.0)
        clock.advance({"w": 100, "s": 10, "r": 40}[outcome])
        ap = 0.1 - 0.01 * work.number if outcome == "s" else 0.5
        campaign.progress(work, 5, 20, {}, ap)
        if outcome == "s":
            assert campaign.stop_early(work, 5, {}, ap, lambda: None)
        else:
            campaign.complete(work, Rewarded(ap, {"ap": ap}))
    return campaign_id


def test_noise_and_importance_leave_them_out(store: Store, clock: Clock) -> None:
    campaign_id = record(store, clock, "wwsws")
    assert [number for number, *_ in store.reads.newest_rewards(campaign_id, 10)] == [3, 1, 0]
    assert [number for number, *_ in store.reads.sample_choices(campaign_id, 10).rows] == [1, 3]
    assert figures.compute(store, campaign_id, "parallel")["number"] == [1, 3]
    assert store.reads.count_architectures(campaign_id) == 5


def test_the_duration_of_a_trial_is_that_of_whole_ones_in_one_attempt(store: Store, clock: Clock) -> None:
    record(store, clock, "wsssrr")
    found = estimate(store, synthetic_spec(trials=20, **STOPPING), Path("/nowhere"))
    assert (found.basis, found.measured_trials, found.seconds_per_trial) == ("same-workers", 1, 100)


def test_throughput_counts_all_trials_but_only_where_the_planned_ones_can_stop_early(
    store: Store, clock: Clock
) -> None:
    record(store, clock, "wwsw")
    wall = {}
    for name, planned in (("whole", PLANNED), ("stopping", STOPPING)):
        wall[name] = estimate(store, synthetic_spec(trials=20, **planned), Path("/nowhere")).wall_seconds
    assert wall == {"whole": 20 * 100, "stopping": pytest.approx(20 * (100 + 10 + 100) / 3)}


def test_importance_regresses_trials_that_were_not_selected_by_their_rewards(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    regressed: list[int] = []

    def noting(blocks: Any, choices: Any, rows: Any, of: int) -> Any:
        regressed.extend(row[0] for row in rows)
        return block_importance(blocks, choices, rows, of)

    recorder = Recorder(store, trials=50, controller={"algorithm": "random"}).run(50)
    monkeypatch.setattr("nas_controller.campaigns.block_importance.MAX_TRIALS", 10)
    monkeypatch.setattr("nas_controller.campaigns.block_importance.block_importance", noting)
    assert figures.compute(store, recorder.id, "importance")["of"] == 49
    assert regressed == [5, 10, 15, 20, 25, 30, 35, 40, 45]
