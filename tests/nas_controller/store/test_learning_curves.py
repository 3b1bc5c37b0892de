"""Learning curves: the progress of a running trial, and the length of its curve."""

from __future__ import annotations

import pytest

from nas_controller.store import Lease, Store, learning_curves
from search_space.space import SearchSpace
from tests.support.synthetic_campaigns import synthetic_spec

SPACE = SearchSpace()


def claimed(store: Store) -> Lease:
    return store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "runner", 20)


def test_a_new_attempt_has_no_ap_yet(store: Store) -> None:
    lease = claimed(store)
    store.runner.begin_trial(lease, 0, SPACE.baseline)
    store.runner.record_progress(lease, 0, 1, 5, 10, {"loss": 1.0}, 0.25)
    store.runner.fail_attempt(lease, 0, 1, "the worker died")
    store.runner.start_attempt(lease, 0)
    trial = store.reads.get_trial(lease.campaign_id, 0).trial
    assert (trial.progress_step, trial.progress_ap) == (None, None)


def test_a_long_curve_loses_points_without_an_ap(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_curves, "MAX_CURVE_POINTS", 10)
    lease = claimed(store)
    store.runner.begin_trial(lease, 0, SPACE.baseline)
    for step in range(1, 13):
        store.runner.record_progress(lease, 0, 1, step, 100, {"loss": 1.0}, 0.5 if step % 4 == 0 else None)
    assert [point.step for point in store.reads.get_trial(lease.campaign_id, 0).curve] == [1, 3, 4, 6, 8, 9, 11, 12]
    for step in range(13, 41):
        store.runner.record_progress(lease, 0, 1, step, 100, {"loss": 1.0}, 0.5)
    points = store.reads.get_trial(lease.campaign_id, 0).curve
    assert len(points) <= 10
    assert points[-1].step == 40


def test_a_report_without_values_is_only_progress(store: Store) -> None:
    lease = claimed(store)
    store.runner.begin_trial(lease, 0, SPACE.baseline)
    store.runner.record_progress(lease, 0, 1, 30, 90, {})
    trial = store.reads.get_trial(lease.campaign_id, 0).trial
    assert (trial.progress_step, trial.progress_total) == (30, 90)
    assert list(store.reads.get_trial(lease.campaign_id, 0).curve) == []
