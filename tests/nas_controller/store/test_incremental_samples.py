"""A sample that is updated with its campaign equals a new one, and does not scan the campaign again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, insert

from nas_controller.store import Store, models
from nas_controller.store.downsampling import Downsampling, Sampled
from nas_controller.store.events import add_event
from tests.support.synthetic_campaigns import synthetic_spec

TRIALS = 400
POINTS = 60
AT = datetime(2025, 1, 1, tzinfo=UTC)

SAMPLES: dict[str, Callable[[Store, str, int], Sampled]] = {
    "rewards": lambda store, campaign, points: store.reads.sample_rewards(campaign, points),
    "madds": lambda store, campaign, points: store.reads.sample_costs(campaign, "madds", points),
    "params": lambda store, campaign, points: store.reads.sample_costs(campaign, "params", points),
    "latency": lambda store, campaign, points: store.reads.sample_costs(campaign, "latency_ratio", points),
}


class RunningCampaign:
    """A campaign with TRIALS trials in training, whose outcomes come in random order; many have equal costs or rewards,
    a fifth are repeats, and some are given up.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._random = np.random.default_rng(11)
        self._coming = [int(number) for number in np.argsort(np.arange(TRIALS) + self._random.normal(0, 15, TRIALS))]
        self.campaign_id = store.service.create_campaign(synthetic_spec(trials=TRIALS)).id
        self._insert()

    def add_outcomes(self, count: int) -> None:
        """Adds the next outcomes."""
        outcomes, self._coming = self._coming[:count], self._coming[count:]
        with self._store._database.writing() as session:
            campaign = session.get_one(models.Campaign, self.campaign_id)
            for number in outcomes:
                trial = session.get_one(models.Trial, (self.campaign_id, number))
                trial.state = "failed" if self._random.random() < 0.05 else "completed"
                trial.reward = 0.0 if trial.state == "failed" else round(float(self._random.random()), 2)
                if trial.state == "completed" and number % 9:
                    trial.latency_ratio = round(1.0 + 0.1 * float(self._random.normal()), 2)
                add_event(session, campaign, AT, "attempt.started", {"number": number, "attempt": 1})
                add_event(session, campaign, AT, f"trial.{trial.state}", {"number": number})

    def _insert(self) -> None:
        rows: list[dict[str, Any]] = [
            {
                "campaign_id": self.campaign_id, "number": number, "state": "running", "reward": None, "betas": [1.0],
                "alphas": [1.0], "widths": [8], "madds": int(self._random.integers(1_000, 1_050)),
                "params": int(self._random.integers(1_000, 100_000)), "madds_ratio": 1.0, "attempts": 1,
                "reused_from": number - 4 if number % 5 == 4 else None, "started_at": AT,
            }
            for number in range(TRIALS)
        ]  # fmt: skip
        with self._store._database.writing() as session:
            session.connection().execute(insert(models.Trial), rows)


def _fresh(store: Store) -> Store:
    """A store on the same database with empty caches."""
    return Store(store._database)


@contextmanager
def _scans(store: Store) -> Iterator[list[str]]:
    """The statements that scan a whole campaign."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if any(each in statement.lower() for each in ("count(", "max(", "group by")):
            found.append(statement)

    event.listen(store._database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(store._database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("kind", SAMPLES)
def test_an_updated_sample_equals_a_new_one(store: Store, kind: str) -> None:
    growing = RunningCampaign(store)
    sample = SAMPLES[kind]
    seen = []
    for count in (0, 1, 20, 30, 9, 0, 1, 1, 17, 60, 3, 100, 40, 80, 38):
        growing.add_outcomes(count)
        for points in (POINTS, 10):
            updated = sample(store, growing.campaign_id, points)
            assert updated == sample(_fresh(store), growing.campaign_id, points)
        seen.append(updated.of)
    assert seen == sorted(seen)
    assert seen[-1] == (TRIALS if kind == "rewards" else seen[-1]) > 250


def test_a_sample_has_every_row_of_its_stride_and_no_more_than_the_points(store: Store) -> None:
    growing = RunningCampaign(store)
    growing.add_outcomes(360)  # every fifth trial is a repeat, and the multiples of five are not
    sample = store.reads.sample_costs(growing.campaign_id, "madds", POINTS)
    columns = store.reads.trial_columns(growing.campaign_id, "number", "state", "reused_from")
    trained = [
        number
        for number, state, reused_from in zip(*columns.values(), strict=True)
        if state == "completed" and reused_from is None
    ]
    even = [number for number in trained if number % sample.stride == 0]
    assert sum(number % 5 == 0 for number in trained) > POINTS >= len(trained) / 5
    assert [row[0] for row in sample.even_rows] == even
    assert POINTS / 3 < len(even) <= POINTS


@pytest.mark.parametrize("kind", SAMPLES)
def test_following_a_campaign_does_not_scan_it_again(store: Store, kind: str) -> None:
    growing = RunningCampaign(store)
    growing.add_outcomes(270)
    with _scans(store) as scans:
        first = SAMPLES[kind](store, growing.campaign_id, POINTS)
        assert scans
        scans.clear()
        growing.add_outcomes(1)
        then = SAMPLES[kind](store, growing.campaign_id, POINTS)
        assert SAMPLES[kind](store, growing.campaign_id, POINTS) == then
        assert not scans
    assert then.of in (first.of, first.of + 1)


def test_a_restored_campaign_is_sampled_again(store: Store) -> None:
    growing = RunningCampaign(store)
    growing.add_outcomes(100)
    assert store.reads.sample_rewards(growing.campaign_id, POINTS).of == 100
    with store._database.writing() as session:
        session.get_one(models.Campaign, growing.campaign_id).last_event -= 2
        trial = session.get_one(models.Trial, (growing.campaign_id, 0))
        trial.reward, trial.state = None, "running"
    assert store.reads.sample_rewards(growing.campaign_id, POINTS).of == 99


def test_the_cache_of_samples_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_controller.store.downsampling.MAX_CACHED_ROWS", 2 * POINTS)
    growing = RunningCampaign(store)
    growing.add_outcomes(100)
    bounded = Downsampling(store._database)
    for points in range(30, 40):
        bounded.sample_rewards(growing.campaign_id, points)
    assert 30 < bounded._samples._size <= 2 * POINTS
