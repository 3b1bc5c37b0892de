"""What Tune says of a failed trial reaches the campaign. No Ray is started here."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution import worker_log, worker_watchdog
from nas_controller.execution.tune_runner import _Carrier, _Crew, _Scheduler
from nas_controller.execution.worker import Job, TrialProgress
from nas_controller.execution.worker_resources import Workers
from nas_controller.execution.worker_watchdog import SILENT_SECONDS
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from search_space.proxy_task import resolve
from search_space.space import SearchSpace

WIDTHS = (8, 16)
HEARD: dict[str, Any] = {"worker": ("node", 4711)}


class Listener:
    """Stands in for a campaign with one trial, which is stopped early with an AP below 0.1."""

    over = False
    draining = False

    def __init__(self) -> None:
        self.heard: list[Rewarded | Failed] = []
        self.progressed: list[tuple[int, float | None]] = []
        self.finished = True
        self.workers = Workers(parallelism=1, threads=2)

    def next_trial(self) -> TrialWork:
        return TrialWork(3, 1, WIDTHS)

    def progress(self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None) -> None:
        self.progressed.append((step, ap))

    def stop_early(self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None) -> bool:
        return ap is not None and ap < 0.1

    def complete(self, work: TrialWork, outcome: Rewarded | Failed) -> None:
        self.heard.append(outcome)

    def is_finished(self, number: int) -> bool:
        return self.finished


def carrier_of(listener: Listener, folder: Path, elastic: bool = False) -> _Carrier:
    task = resolve("smoke", checkpoint_steps=2)
    job = Job(task, SearchSpace().base, folder, folder, seed=1, threads=1, checkpoint_dir=folder / "checkpoints")
    return _Carrier(cast(Campaign, listener), job, lambda: False, folder, _Crew(lambda: listener.workers, elastic))


def tune_trial(trial_id: str, error_file: Path | None = None) -> Any:
    return SimpleNamespace(trial_id=trial_id, pickled_error_file=str(error_file))


@pytest.mark.parametrize(
    ("ray_error", "expected"),
    [
        (
            ActorDiedError(),
            Failed(
                "retry",
                "the worker died before the trial had finished: it left no word, as after SIGKILL",
                "worker-killed",
            ),
        ),
        (ValueError("cannot be unpickled"), Failed("retry", "ValueError: cannot be unpickled", "unexpected")),
        (RayTaskError("step", "...", TypeError("widths")), Failed("retry", "TypeError: widths", "unexpected")),
        (None, Failed("retry", "the worker died before the trial had finished: it left no word, as after SIGKILL",
                      "worker-killed")),
    ],
    ids=["died", "raised", "raised in a task", "unknown"],
)  # fmt: skip
def test_a_trial_that_tune_fails_is_named_by_what_ray_raised(
    tmp_path: Path, ray_error: Exception | None, expected: Failed
) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    carrier.suggest("a")
    error_file = tmp_path / "error.pkl"
    if ray_error is not None:
        error_file.write_bytes(pickle.dumps(ray_error))
    _Scheduler(carrier).on_trial_error(None, tune_trial("a", error_file))
    carrier.on_trial_complete("a", error=True)
    assert listener.heard == [expected]


def test_the_outcome_of_a_worker_that_lives_is_recorded_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    monkeypatch.setattr(worker_log, "_joined", lambda written: "its words")
    for trial_id, outcome in (("a", Rewarded(0.5, {})), ("b", Failed("stop", "no such image", "unreadable-image"))):
        carrier.suggest(trial_id)
        worker_log.begin(tmp_path, 3, 1)
        carrier.on_trial_complete(trial_id, {"outcome": outcome})
    assert listener.heard == [
        Rewarded(0.5, {}), Failed("stop", "no such image", "unreadable-image", "its words"),
    ]  # fmt: skip
    assert not list((tmp_path / "attempts").iterdir())


def test_every_report_is_recorded_and_a_trial_that_the_campaign_stops_is_stopped(tmp_path: Path) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    scheduler = _Scheduler(carrier)
    carrier.suggest("a")
    worker_log.begin(tmp_path, 3, 1)
    reports = (TrialProgress(4, 10, {"loss": 1.0}, 0.3), TrialProgress(5, 10, {"loss": 0.9}))
    assert scheduler.on_trial_result(None, tune_trial("a"), {"progress": reports, **HEARD}) == scheduler.CONTINUE
    assert scheduler.on_trial_result(None, tune_trial("a"), {"progress": (), **HEARD}) == scheduler.CONTINUE
    below = (TrialProgress(8, 10, {"loss": 0.8}, 0.05), TrialProgress(9, 10, {"loss": 0.7}))
    assert scheduler.on_trial_result(None, tune_trial("a"), {"progress": below, **HEARD}) == scheduler.STOP
    carrier.on_trial_complete("a", {"progress": below, "outcome": None})  # as Tune says of a trial that it stops
    assert listener.progressed == [(4, 0.3), (5, None), (8, 0.05)]
    assert listener.heard == []
    assert not list((tmp_path / "attempts").iterdir())


def test_reports_that_come_with_the_outcome_are_recorded_first_and_decide_as_if_read_in_time(tmp_path: Path) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    outcome = Rewarded(0.5, {})
    for ap in (0.2, 0.05):
        carrier.suggest("a")
        reports = (TrialProgress(8, 10, {"loss": 0.8}, ap), TrialProgress(10, 10, {"loss": 0.7}))
        carrier.on_trial_complete("a", {"progress": reports, "outcome": outcome})
    assert listener.progressed == [(8, 0.2), (10, None), (8, 0.05)]
    assert listener.heard == [outcome]


def test_a_trial_with_its_outcome_needs_no_checkpoint_and_one_that_is_tried_again_does(tmp_path: Path) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    path = carrier._job.checkpoint_of(WIDTHS)
    assert path == tmp_path / "checkpoints" / "8-16.checkpoint"
    path.parent.mkdir()
    other, half_written = path.with_name("8-24.checkpoint"), path.with_name(f".{path.name}.0f.partial")
    for finished, left in ((False, [half_written, path, other]), (True, [other])):
        for file in (path, other, half_written):
            file.touch()
        listener.finished = finished
        carrier.suggest("a")
        carrier.on_trial_complete("a", {"outcome": Failed("retry", "no luck")})
        assert sorted(path.parent.iterdir()) == sorted(left)


def test_what_drains_ends_with_the_last_outcome_of_what_runs(tmp_path: Path) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    assert carrier.suggest("a") is not None
    listener.draining = True
    assert not carrier.has_drained()
    carrier.on_trial_complete("a", {"outcome": Rewarded(0.5, {})})
    assert carrier.has_drained()
    assert carrier.suggest("b") == "FINISHED"
    assert [type(outcome) for outcome in listener.heard] == [Rewarded]


def test_with_other_workers_to_come_what_trains_is_finished_first(tmp_path: Path) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    assert carrier.suggest("a") is not None
    listener.workers = Workers(parallelism=3, threads=1)
    assert carrier.suggest("b") is None
    assert not carrier.has_drained()
    carrier.on_trial_complete("a", {"outcome": Rewarded(0.5, {})})
    assert carrier.has_drained()
    assert carrier.suggest("b") == "FINISHED"


def test_a_cluster_gives_more_or_fewer_workers_at_once_and_others_after_what_trains(tmp_path: Path) -> None:
    listener = Listener()
    carrier = carrier_of(listener, tmp_path, elastic=True)
    assert carrier.suggest("a") is not None
    assert carrier.suggest("b") is None
    listener.workers = Workers(parallelism=2, threads=2)
    assert carrier.suggest("b") is not None
    assert carrier.suggest("c") is None
    listener.workers = Workers(parallelism=2, threads=2, gpus=0.5)
    for trial_id in ("a", "b"):
        assert not carrier.has_drained()
        carrier.on_trial_complete(trial_id, {"outcome": Rewarded(0.5, {})})
    assert carrier.has_drained()


def test_a_worker_that_is_silent_for_too_long_is_ended_and_its_trial_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, ended = [1000.0], list[tuple[str, int]]()
    monkeypatch.setattr(worker_watchdog, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(worker_watchdog, "end_process", lambda node, pid: ended.append((node, pid)))
    listener = Listener()
    carrier = carrier_of(listener, tmp_path)
    scheduler = _Scheduler(carrier)
    carrier.suggest("a")
    now[0] += 10 * SILENT_SECONDS
    carrier.look_after_silent()  # nothing was ever heard of it: it may wait for its place
    scheduler.on_trial_result(None, tune_trial("a"), {"progress": (), **HEARD})
    now[0] += SILENT_SECONDS
    carrier.look_after_silent()
    assert ended == []
    now[0] += 1
    carrier.look_after_silent()
    carrier.look_after_silent()
    assert ended == [("node", 4711)]
    carrier.on_trial_complete("a", error=True)
    (failed,) = listener.heard
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.reaction) == ("worker-silent", "retry")
    assert failed.error == "the worker (process 4711) was silent for 121 s and was ended"
