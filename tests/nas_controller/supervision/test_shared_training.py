"""A runner has the shared weights of a campaign trained before its trials; the trainings themselves are replaced."""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.campaigns.shared_training import SharedTraining
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.execution.worker import Job, OnProgress, TrialProgress
from nas_controller.search.outcomes import Failed, Outcome, Rewarded, SharedWeights
from nas_controller.store import Store
from nas_controller.supervision.runner import Machine, run
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_WAITS
from search_space.weights_files import shared_weights_dir, weights_file_name
from tests.support.data_identities import data_identity
from tests.support.databases import ON_EACH_DATABASE
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import kinds
from tests.support.waiting import wait_for

DATA = data_identity()
IDENTITY = "1" * 64
TASK = {
    "profile": "smoke", "kind": "shared", "shared_steps": 20, "steps": 0, "warmup_steps": 0, "recalibration_images": 16,
}  # fmt: skip
KILLED = Failed("retry", "the worker died", "worker-killed")
Train = Callable[[OnProgress], Outcome]


def weights(content: bytes = b"weights") -> SharedWeights:
    return SharedWeights(IDENTITY, hashlib.sha256(content).hexdigest(), content=content, data=DATA)


class Trainer:
    """Trains shared weights with the given functions or outcomes, and records what each attempt was given."""

    def __init__(self, *trainings: Train | Outcome) -> None:
        self._trainings = iter(trainings)
        self.jobs: list[Job] = []
        self.scored_with: list[bytes | None] = []

    def __call__(self, job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
        if job.trains_shared_weights:
            self.jobs.append(job)
            training = next(self._trainings)
            return training(on_progress) if callable(training) else training
        assert job.shared_weights is not None
        self.scored_with.append(job.shared_weights.content)
        return Rewarded(0.5, {"ap": 0.5}, DATA)


@pytest.fixture
def start(store: Store, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Runs a campaign on the data set `cars` with a trainer until its runner ends."""
    (tmp_path / "datasets" / "cars" / "annotations").mkdir(parents=True)

    def run_campaign(campaign_id: str, trainer: Trainer, lease_seconds: float = 4) -> int:
        machine = Machine(executor=InProcessExecutor(trainer))
        return run(campaign_id, store, tmp_path, "runner", lease_seconds, machine)

    return run_campaign


def create(store: Store, **changes: Any) -> str:
    spec = synthetic_spec(dataset="cars", proxy_task=TASK, **({"trials": 3, "resources": {"cpus": 2}} | changes))
    return store.service.create_campaign(spec).id


def shared_kinds(store: Store, campaign_id: str) -> list[str]:
    return [kind.removeprefix("shared-training.") for kind in kinds(store, campaign_id) if kind.startswith("shared")]


def remove_file(data_dir: Path) -> None:
    (shared_weights_dir(data_dir / "cache") / weights_file_name(IDENTITY)).unlink()


@pytest.mark.parametrize("parallelism", [1, 3])
def test_one_worker_with_all_processors_trains_before_the_first_trial(
    store: Store, tmp_path: Path, start: Callable[..., int], parallelism: int
) -> None:
    campaign_id, trainer = create(store, parallelism=parallelism), Trainer(weights())
    assert start(campaign_id, trainer) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.trials_finished, record.data) == ("completed", 3, DATA)
    assert [job.threads for job in trainer.jobs] == [2 * parallelism]
    assert record.shared_training is not None
    assert record.shared_training.devices == parallelism
    assert set(trainer.scored_with) == {b"weights"}
    assert (record.shared_training.state, record.shared_training.identity) == ("completed", IDENTITY)
    order = kinds(store, campaign_id)
    assert order.index("shared-training.completed") < order.index("trial.begun")
    assert (shared_weights_dir(tmp_path / "cache") / weights_file_name(IDENTITY)).read_bytes() == b"weights"
    verify(store, campaign_id)


@ON_EACH_DATABASE
def test_a_failed_attempt_is_followed_by_another(store: Store, start: Callable[..., int]) -> None:
    campaign_id, trainer = create(store, retries=2), Trainer(KILLED, KILLED, weights())
    assert start(campaign_id, trainer) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert shared_kinds(store, campaign_id) == ["started", "failed"] * 2 + ["started", "completed"]
    verify(store, campaign_id)


def test_failed_attempts_count_over_restarts_of_the_runner(store: Store, start: Callable[..., int]) -> None:
    campaign_id = create(store, retries=1)

    def lost(_: OnProgress) -> Outcome:
        store.runner.release(campaign_id, "runner")  # as if another had claimed it: nothing more is written
        return KILLED

    assert start(campaign_id, Trainer(KILLED, lost)) != EXIT_DONE
    assert start(campaign_id, Trainer(KILLED)) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "failed"
    assert shared_kinds(store, campaign_id) == ["started", "failed", "started", "abandoned", "started", "failed"]
    verify(store, campaign_id)

    store.service.request_retry(campaign_id)
    assert start(campaign_id, Trainer(KILLED, weights())) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"


def test_a_failed_attempt_leaves_the_end_of_its_log_until_the_weights_are_trained(store: Store) -> None:
    campaign = Campaign(store, store.runner.claim(create(store), "runner", 20))
    training = SharedTraining(store, campaign._lease, campaign, 20, lambda failure: True, lambda trained: None)

    def complete(outcome: Outcome) -> str | None:
        work = training.next_trial()
        assert work is not None
        training.complete(work, outcome)
        found = store.reads.get_campaign(campaign.record.id).shared_training
        return None if found is None else found.log_tail

    assert complete(replace(KILLED, log_tail="last words")) == "last words"
    assert complete(weights()) is None


@pytest.mark.parametrize(
    ("failure", "attempts", "error"),
    [
        (KILLED, 2, "the shared weights could not be trained: the worker died"),
        (Failed("stop", "the loss is not finite", "shared-training-diverged"), 1, "the loss is not finite"),
        (Failed("give_up", "no luck", "bad-luck"), 1, "no luck"),
    ],
)
def test_the_campaign_fails_after_its_retries_and_at_once_where_they_are_of_no_use(
    store: Store, start: Callable[..., int], failure: Failed, attempts: int, error: str
) -> None:
    campaign_id = create(store, retries=1)
    assert start(campaign_id, Trainer(*[failure] * attempts)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error, record.error_kind, record.trials_begun) == ("failed", error, failure.kind, 0)
    assert shared_kinds(store, campaign_id) == ["started", "failed"] * attempts
    verify(store, campaign_id)

    store.service.request_retry(campaign_id)
    assert start(campaign_id, Trainer(weights())) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


def test_a_pause_interrupts_the_training_and_the_next_attempt_continues(
    store: Store, start: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas_controller.execution.trial_worker.REPORT_SECONDS", 0.01)

    def endless(on_progress: OnProgress) -> Outcome:
        for _ in itertools.count():
            on_progress(TrialProgress(7, 20, {"loss": 0.5}))
            threading.Event().wait(0.01)
        raise AssertionError

    campaign_id, trainer = create(store), Trainer(endless, weights())
    thread = threading.Thread(target=start, args=(campaign_id, trainer))
    thread.start()

    def is_at_step_7() -> bool:
        training = store.reads.get_campaign(campaign_id).shared_training
        return training is not None and training.step == 7

    wait_for(is_at_step_7, "the progress")
    store.service.request_pause(campaign_id)
    thread.join(120)
    assert not thread.is_alive()
    record = store.reads.get_campaign(campaign_id)
    assert record.shared_training is not None
    assert (record.state, record.shared_training.state, record.shared_training.step) == ("paused", "abandoned", 7)
    verify(store, campaign_id)

    store.service.request_resume(campaign_id)
    assert start(campaign_id, trainer) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert shared_kinds(store, campaign_id) == ["started", "abandoned", "started", "completed"]
    verify(store, campaign_id)


def failed_and_retried(store: Store, start: Callable[..., int], after: int = 1) -> str:
    """A campaign that has failed after some finished trials, and is to be retried."""
    campaign_id = create(store)

    class Stopping(Trainer):
        def __call__(self, job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
            if len(self.scored_with) == after and not job.trains_shared_weights:
                return Failed("stop", "an image is missing", "unreadable-image", data=DATA)
            return super().__call__(job, widths, on_progress)

    assert start(campaign_id, Stopping(weights())) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.trials_finished) == ("failed", after)
    store.service.request_retry(campaign_id)
    return campaign_id


def test_a_later_runner_finds_the_weights_and_trains_nothing(store: Store, start: Callable[..., int]) -> None:
    campaign_id, trainer = failed_and_retried(store, start), Trainer()
    assert start(campaign_id, trainer) == EXIT_DONE
    assert set(trainer.scored_with) == {b"weights"}
    assert shared_kinds(store, campaign_id) == ["started", "completed"]
    verify(store, campaign_id)


def test_a_lost_file_is_trained_again_and_with_equal_weights_the_campaign_goes_on(
    store: Store, tmp_path: Path, start: Callable[..., int]
) -> None:
    campaign_id = failed_and_retried(store, start)
    remove_file(tmp_path)
    assert start(campaign_id, Trainer(weights())) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert shared_kinds(store, campaign_id) == ["started", "completed"] * 2
    verify(store, campaign_id)


def test_other_weights_than_those_of_finished_trials_fail_the_campaign(
    store: Store, tmp_path: Path, start: Callable[..., int]
) -> None:
    campaign_id = failed_and_retried(store, start)
    remove_file(tmp_path)
    other = weights(b"other")
    assert start(campaign_id, Trainer(other)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error_kind) == ("failed", "shared-weights-changed")
    assert record.error == (
        "the shared weights that earlier trials were scored with are gone, and those trained again differ (SHA-256 "
        f"{other.sha256[:12]}, before {weights().sha256[:12]})"
    )
    assert record.shared_training is not None
    assert record.shared_training.weights_sha256 == weights().sha256
    verify(store, campaign_id)


def test_other_weights_are_accepted_where_no_trial_has_finished(
    store: Store, tmp_path: Path, start: Callable[..., int]
) -> None:
    campaign_id, trainer = failed_and_retried(store, start, after=0), Trainer(weights(b"other"))
    remove_file(tmp_path)
    assert start(campaign_id, trainer) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert set(trainer.scored_with) == {b"other"}
    verify(store, campaign_id)


def test_a_campaign_with_trials_of_an_earlier_version_fails_before_anything_is_trained(
    store: Store, start: Callable[..., int]
) -> None:
    campaign_id = create(store)
    lease = store.runner.claim(campaign_id, "of the version before", 20)
    campaign = Campaign(store, lease)
    work = campaign.next_trial()
    assert work is not None
    campaign.complete(work, Rewarded(0.5, {"ap": 0.5}, DATA))
    store.runner.release(campaign_id, lease.owner)
    assert start(campaign_id, Trainer()) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error_kind, record.trials_finished) == ("failed", "shared-weights-changed", 1)
    assert "earlier version of effspine" in (record.error or "")
    verify(store, campaign_id)


def test_a_full_disk_is_waited_for_and_is_no_failure(store: Store, start: Callable[..., int]) -> None:
    campaign_id = create(store, retries=0)
    full = Failed("wait", "no space left on the device", "disk-full")
    assert start(campaign_id, Trainer(full)) == EXIT_WAITS
    assert store.reads.get_campaign(campaign_id).waiting_for == full.error
    assert start(campaign_id, Trainer(weights())) == EXIT_DONE
    assert shared_kinds(store, campaign_id) == ["started", "abandoned", "started", "completed"]
    verify(store, campaign_id)
