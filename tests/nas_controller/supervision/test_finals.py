"""A runner trains the finals of a campaign after its trials; most of the trainings themselves are replaced."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns.finals_report import finals_report
from nas_controller.campaigns.replay import verify
from nas_controller.execution.worker import Job, OnProgress
from nas_controller.search.outcomes import Failed, Outcome, Rewarded
from nas_controller.store import ConflictError, Store
from nas_controller.supervision.runner_protocol import EXIT_DONE
from tests.support.data_identities import data_identity
from tests.support.databases import ON_EACH_DATABASE
from tests.support.final_trainings import (
    FINALS,
    KILLED,
    TRIALS,
    Start,
    Trainer,
    finals_kinds,
    finals_of,
    starter,
    widths_of,
)
from tests.support.synthetic_campaigns import Clock, create

RESTARTS = 10
DATA, OF_FINALS = data_identity(), data_identity(reserved_images=8)
EDITED = data_identity(reserved_annotations_sha256="e" * 64, reserved_boxes=23)


@pytest.fixture
def start(store: Store, tmp_path: Path) -> Start:
    return starter(store, tmp_path)


@ON_EACH_DATABASE
def test_the_search_is_followed_by_finals_seed_by_seed(store: Store, start: Start) -> None:
    campaign_id, trainer = create(store, trials=TRIALS, seed=7, finals=FINALS), Trainer()
    assert start(campaign_id, trainer) == EXIT_DONE
    record, finals = store.reads.get_campaign(campaign_id), finals_of(store, campaign_id)
    assert (record.state, record.trials_finished) == ("completed", TRIALS)
    assert (finals.state, finals.seeds, finals.runs, finals.runs_finished) == ("completed", (8, 9, 10), 9, 9)
    numbers = [0, *(each.trial for each in finals.finalists)]
    assert len(numbers) == 3
    widths = [widths_of(store, campaign_id, number) for number in numbers]
    assert trainer.finals == [(seed, each) for seed in (8, 9, 10) for each in widths]
    assert {job.seed for job in trainer.jobs} == {7}
    assert finals_kinds(store, campaign_id) == [
        "finals.started", *["final.begun", "final.completed"] * 9, "finals.completed",
    ]  # fmt: skip
    verify(store, campaign_id)


def test_a_finalist_that_is_better_with_every_seed_is_the_confirmed_winner(store: Store, start: Start) -> None:
    campaign_id = create(store, trials=TRIALS, finals={"top": 2, "seeds": 5})
    lucky: set[tuple[int, ...]] = set()

    def by_seed(seed: int, widths: tuple[int, ...], _: OnProgress) -> Outcome:
        if not lucky and widths != widths_of(store, campaign_id, 0):
            lucky.add(widths)
        reward = 0.3 + 0.01 * seed + (0.05 + 0.001 * seed if widths in lucky else 0.0)
        return Rewarded(reward, {"ap": reward, "seconds": 2.0})

    assert start(campaign_id, Trainer(by_seed)) == EXIT_DONE
    winner = finals_of(store, campaign_id).winner
    assert {widths_of(store, campaign_id, winner)} == lucky
    report = finals_report(store, campaign_id)
    assert report.verdict.winner == winner
    assert report.verdict.sentence.startswith(f"Trial {winner} is better than the uniform baseline: +0.054 AP")
    assert {each.word for each in report.verdict.comparisons} == {"better", "undecided"}
    verify(store, campaign_id)


def test_a_failed_attempt_is_followed_by_another_and_a_training_without_reward_is_no_pair(
    store: Store, start: Start
) -> None:
    campaign_id = create(store, trials=TRIALS, retries=1, finals={"top": 1, "seeds": 2})
    attempts = itertools.count()

    def failing(seed: int, widths: tuple[int, ...], _: OnProgress) -> Outcome:
        if widths != widths_of(store, campaign_id, 0) and seed == 2:
            return KILLED
        return KILLED if next(attempts) == 0 else Rewarded(0.5, {"ap": 0.5})

    assert start(campaign_id, Trainer(failing)) == EXIT_DONE
    baseline, given_up, *others = store.reads.final_runs(campaign_id)
    assert (baseline.trial, baseline.state, baseline.attempts, baseline.error) == (0, "completed", 2, None)
    assert (given_up.state, given_up.attempts, given_up.reward) == ("failed", 2, None)
    assert (given_up.error, given_up.error_kind) == (KILLED.error, KILLED.kind)
    assert [run.state for run in others] == ["completed"] * 2
    assert [each.pairs for each in finals_report(store, campaign_id).verdict.comparisons] == [1]
    assert store.reads.totals().workers_killed == 3
    verify(store, campaign_id)


def test_failed_attempts_count_over_restarts_of_the_runner(store: Store, start: Start) -> None:
    """Each runner has one failed attempt and is lost in the next."""
    campaign_id = create(store, trials=TRIALS, retries=2, finals={"top": 1, "seeds": 1})
    outcomes = itertools.cycle([KILLED, None])

    def failing(*_: Any) -> Outcome:
        outcome = next(outcomes)
        if outcome is None:
            store.runner.release(campaign_id, "runner")  # as if another had claimed it: nothing more is written
        return outcome or KILLED

    runners = itertools.takewhile(lambda _: store.reads.get_campaign(campaign_id).state != "failed", range(RESTARTS))
    assert sum(start(campaign_id, Trainer(failing)) is not None for _ in runners) == 3
    found = finals_kinds(store, campaign_id)
    assert (found.count("final.failed"), found.count("final.abandoned")) == (3, 2)
    verify(store, campaign_id)

    store.service.request_retry(campaign_id)
    failures = iter([KILLED, KILLED])
    assert start(campaign_id, Trainer(lambda *_: next(failures, Rewarded(0.5, {"ap": 0.5})))) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


@pytest.mark.parametrize(
    ("first", "then", "error"),
    [
        (
            (EDITED, OF_FINALS),
            (DATA, OF_FINALS),
            "the data set has changed since the first trial; the final of trial 0 with seed 2 has read other reserved "
            "annotations (23 reserved boxes instead of 24). Restore the data set and retry this campaign, or create a "
            "new campaign for the changed data",
        ),
        (
            (DATA, OF_FINALS),
            (DATA, data_identity(reserved_images=9)),
            "the data set has changed since the first final; the final of trial {} with seed 2 has read other data (9 "
            "reserved images instead of 8). Restore",
        ),
    ],
)
def test_finals_on_other_data_than_the_search_or_the_first_final_fail_the_campaign(
    store: Store, start: Start, first: Any, then: Any, error: str
) -> None:
    campaign_id = create(store, trials=TRIALS, finals={"top": 1, "seeds": 1})
    answers = itertools.chain([first], itertools.repeat(then))

    def reading(seed: int, widths: tuple[int, ...], _: OnProgress) -> Outcome:
        search_data, data = next(answers)
        return Rewarded(0.5, {"ap": 0.5}, {**data, "fresh_images": True}, search_data)

    trainer = Trainer(reading, data=DATA)
    assert start(campaign_id, trainer) == EXIT_DONE
    assert {job.search_data_sha256 for job in trainer.jobs} == {DATA["sha256"]}
    record, finals = store.reads.get_campaign(campaign_id), finals_of(store, campaign_id)
    assert (record.state, record.error_kind, record.data) == ("failed", "data-changed", DATA)
    assert (record.error or "").startswith(error.format(*(each.trial for each in finals.finalists)))
    assert len(store.reads.final_runs(campaign_id)) == len(trainer.finals)
    verify(store, campaign_id)

    store.service.request_retry(campaign_id)
    restored = Trainer(lambda *_: Rewarded(0.5, {"ap": 0.5}, OF_FINALS, DATA))
    assert start(campaign_id, restored) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert record.finals is not None
    assert (record.state, record.finals.data) == ("completed", OF_FINALS)
    verify(store, campaign_id)


@pytest.mark.parametrize(
    ("failure", "attempts", "error"),
    [
        (KILLED, 2, "the uniform baseline cannot be trained on this machine: the worker died"),
        (Failed("stop", "an image is missing", "unreadable-image"), 1, "an image is missing"),
    ],
)
def test_finals_that_cannot_go_on_fail_the_campaign_and_a_retry_continues_them(
    store: Store, start: Start, failure: Failed, attempts: int, error: str
) -> None:
    campaign_id = create(store, trials=TRIALS, retries=1, finals=FINALS)
    assert start(campaign_id, Trainer(lambda *_: failure)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error, record.trials_finished) == ("failed", error, TRIALS)
    assert finals_of(store, campaign_id).state == "interrupted"
    assert finals_kinds(store, campaign_id) == ["finals.started", *["final.begun", "final.failed"] * attempts]
    verify(store, campaign_id)
    with pytest.raises(ConflictError, match="is failed and cannot be given finals; only one that is stopped or"):
        store.service.request_finals(campaign_id, {})

    store.service.request_retry(campaign_id)
    assert finals_of(store, campaign_id).state == "running"
    verify(store, campaign_id)
    assert start(campaign_id, Trainer()) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert finals_of(store, campaign_id).runs_finished == 9
    verify(store, campaign_id)


def test_trainings_of_other_data_fail_the_campaign(store: Store, start: Start) -> None:
    campaign_id = create(store, trials=TRIALS, finals=FINALS)
    halves = {"train": {"images": 3}, "reserved": {"images": 1}}
    digests = iter(["1" * 64, "1" * 64, "2" * 64])

    def of_data(*_: Any) -> Outcome:
        return Rewarded(0.5, {"ap": 0.5}, {"sha256": next(digests), **halves, "fresh_images": True})

    assert start(campaign_id, Trainer(of_data)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error_kind, record.data) == ("failed", "data-changed", None)
    assert record.finals is not None
    assert (record.finals.fresh_images, record.finals.data) == (True, {"sha256": "1" * 64, **halves})
    verify(store, campaign_id)


@pytest.mark.parametrize("stop", [{"target_reward": 1e-6}, {"no_improvement_trials": 2}, {"device_hours": 1e-9}])
def test_a_stop_condition_ends_the_search_and_not_its_finals(
    store: Store, start: Start, stop: dict[str, float], clock: Clock
) -> None:
    campaign_id = create(store, trials=50, parallelism=1, stop=stop, finals=FINALS)

    def ticking(*_: Any) -> Outcome:
        clock.advance(1)
        return Rewarded(0.5, {"ap": 0.5})

    class Ticking(Trainer):
        def __call__(self, job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
            clock.advance(1)
            return super().__call__(job, widths, on_progress)

    assert start(campaign_id, Ticking(ticking)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert record.finals is not None
    assert (record.state, record.stopped_because) == ("completed", next(iter(stop)))
    assert record.trials_finished < 50
    assert record.finals.runs_finished == record.finals.runs
    verify(store, campaign_id)


def test_a_search_without_any_finalist_says_so(store: Store, start: Start) -> None:
    campaign_id = create(store, trials=1, finals=FINALS)
    assert start(campaign_id, Trainer()) == EXIT_DONE
    finals = finals_of(store, campaign_id)
    assert (finals.state, finals.runs, finals.finalists, finals.winner) == ("completed", 0, (), None)
    assert finals_report(store, campaign_id).verdict.sentence.startswith("There was no finalist")
    verify(store, campaign_id)


def test_two_workers_train_finals_in_the_same_order(store: Store, start: Start) -> None:
    campaign_id, trainer = create(store, trials=TRIALS, parallelism=2, finals=FINALS), Trainer()
    assert start(campaign_id, trainer) == EXIT_DONE
    seeds = [seed for seed, _ in trainer.finals]
    assert max(abs(seed - other) for seed, other in zip(seeds, sorted(seeds), strict=True)) <= 1
    assert finals_of(store, campaign_id).runs_finished == 9
    verify(store, campaign_id)


def test_synthetic_finals_are_trained_without_a_data_set(store: Store, start: Start) -> None:
    campaign_id = create(store, trials=12, finals=FINALS)
    assert start(campaign_id) == EXIT_DONE
    finals = finals_of(store, campaign_id)
    assert (finals.task, finals.fresh_images, finals.data) == ({"profile": "synthetic"}, None, None)
    assert {run.reward for run in store.reads.final_runs(campaign_id) if run.trial == 0} == {
        store.reads.get_campaign(campaign_id).baseline_reward
    }
