"""Results and errors become outcomes, and the trainer is reused. Without TensorFlow."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import pytest

from nas_controller.execution import synthetic_reward, worker
from nas_controller.execution.worker import ALIVE, Job, TrialProgress, run_trial
from nas_controller.search.outcomes import SHARED_WEIGHTS, Failed, Outcome, Rewarded, SharedWeights, TrialWork
from proxy_trainer.data.data_identity import DataIdentity, SplitIdentity
from search_space.architecture import Architecture
from search_space.errors import EffspineError, InvalidValueError
from search_space.proxy_task import ProxyTask, resolve
from search_space.space import SearchSpace
from tests.support.data_identities import CATEGORIES, with_classes
from tests.support.paths import ROOT

BASE = SearchSpace().base
WIDTHS = tuple(width + 8 for width in BASE.widths)
CONTENT = b"trained weights"
WEIGHTS = SharedWeights("1" * 64, hashlib.sha256(CONTENT).hexdigest(), content=CONTENT)
DATA, OTHER_DATA, SEARCH_DATA = (
    DataIdentity(SplitIdentity(200, boxes, "a", "b"), SplitIdentity(40, 92, "c", "d")) for boxes in (512, 510, 508)
)


def job(profile: str = "synthetic", tmp_path: Path = Path("/nowhere"), seed: int = 1, **changes: Any) -> Job:
    return Job(resolve(profile, **changes), BASE, tmp_path, tmp_path / "cache", seed, threads=2)


class TrainedWeights(NamedTuple):
    identity: str
    sha256: str
    path: Path
    is_reused: bool = False


@dataclass(frozen=True)
class FakeProgress:
    step: int
    steps: int
    loss: float
    seconds: float
    ap: float | None = None
    of_supernet: bool = False


class FakeProxyWorker:
    """Replaces the trainer; training raises `raises`, if it is set."""

    built: ClassVar[list[tuple[Any, ...]]] = []
    checkpoints: ClassVar[list[Path | None]] = []
    raises: ClassVar[BaseException | None] = None
    identity: ClassVar[DataIdentity] = DATA
    seeds: ClassVar[list[int | None]] = []
    categories = CATEGORIES

    def __init__(self, *arguments: Any, alive: Callable[[], None], search_task: ProxyTask | None = None) -> None:
        alive()
        self.built.append(arguments)
        self.has_fresh_images = search_task is not None
        self.search_identity = None if search_task is None else SEARCH_DATA

    def shared_weights(self, on_progress: Any = lambda progress: None) -> TrainedWeights:
        on_progress(FakeProgress(30, 90, 0.7, 0.1, of_supernet=True))
        path = self.built[-1][2] / "shared" / WEIGHTS.file_name
        return TrainedWeights(WEIGHTS.identity, hashlib.sha256(path.read_bytes()).hexdigest(), path)

    def run(
        self, candidate: Architecture, on_progress: Any, *, checkpoint: Path | None, seed: int | None = None
    ) -> dict[str, float | None]:
        self.checkpoints.append(checkpoint)
        self.seeds.append(seed)
        on_progress(FakeProgress(30, 90, 0.7, 0.1, of_supernet=True))
        on_progress(FakeProgress(1, 2, 0.5, 0.1, 0.2))
        if self.raises is not None:
            raise self.raises
        assert candidate.widths == WIDTHS
        return {"ap": 0.25, "ap_small": None, "steps": 2}

    def detector(self) -> str:
        return f"detector of seed {self.seeds[-1]}"


class GiveUpError(EffspineError):
    reaction = "give_up"
    kind = "bad-luck"


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> type[FakeProxyWorker]:
    module = ModuleType("proxy_trainer.training.proxy_worker")
    module.ProxyWorker = FakeProxyWorker  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "proxy_trainer.training.proxy_worker", module)
    monkeypatch.setattr(worker, "_warm", {})
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "")  # restored after the test
    for name in ("built", "checkpoints", "seeds"):
        monkeypatch.setattr(FakeProxyWorker, name, [])
    monkeypatch.setattr(FakeProxyWorker, "raises", None)
    monkeypatch.setattr(FakeProxyWorker, "identity", DATA)
    return FakeProxyWorker


def test_the_synthetic_reward_needs_no_trainer() -> None:
    reports: list[TrialProgress] = []
    outcome = run_trial(job(), WIDTHS, reports.append)
    assert isinstance(outcome, Rewarded)
    assert outcome.reward == synthetic_reward.reward(WIDTHS, BASE.widths)
    assert reports == []
    slow = run_trial(job(seconds=0.1), WIDTHS, reports.append)
    assert isinstance(slow, Rewarded)
    assert slow.reward == outcome.reward
    assert [report.step for report in reports] == list(range(1, worker.SYNTHETIC_STEPS + 1))


def test_importing_the_controller_and_running_a_synthetic_trial_imports_no_tensorflow() -> None:
    code = (
        "import sys, nas_controller.execution.worker, nas_controller.supervision.runner\n"
        "import nas_controller.supervision.supervisor, nas_controller.campaigns.figures\n"
        "assert not {'tensorflow', 'ray', 'proxy_trainer'} & set(sys.modules), 'too much is imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_trainer_is_reused_for_the_same_job(trainer: type[FakeProxyWorker], tmp_path: Path) -> None:
    reports: list[TrialProgress] = []
    for _ in range(3):
        outcome = run_trial(job("smoke", tmp_path), WIDTHS, reports.append)
        assert outcome == Rewarded(0.25, {"ap": 0.25, "steps": 2.0}, with_classes(DATA))
    assert len(trainer.built) == 1
    assert trainer.built[0] == (resolve("smoke"), tmp_path, tmp_path / "cache", 1, 2, None)
    assert reports[:3] == [ALIVE, TrialProgress(30, 90, {}), TrialProgress(1, 2, {"loss": 0.5, "seconds": 0.1}, 0.2)]
    run_trial(job("smoke", tmp_path, seed=2), WIDTHS, reports.append)
    assert len(trainer.built) == 2


def test_a_checkpoint_is_named_by_the_widths_and_written_only_with_checkpoint_steps(
    trainer: type[FakeProxyWorker], tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints"
    for steps, checkpoint_dir in ((4, checkpoints), (0, checkpoints), (4, None)):
        own_job = replace(job("smoke", tmp_path, checkpoint_steps=steps), checkpoint_dir=checkpoint_dir)
        run_trial(own_job, WIDTHS, lambda progress: None)
    assert trainer.checkpoints == [checkpoints / f"{'-'.join(map(str, WIDTHS))}.checkpoint", None, None]
    assert replace(job(checkpoint_steps=4), checkpoint_dir=checkpoints).checkpoint_of(WIDTHS) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (GiveUpError("the loss is not finite"), Failed("give_up", "the loss is not finite", "bad-luck")),
        (InvalidValueError("no such data set"), Failed("stop", "no such data set", "invalid-value")),
        (
            MemoryError("Unable to allocate 2.00 EiB for an array with shape (4, 8) and data type float64"),
            Failed(
                "retry",
                "out of memory: there was no room for an array of shape [4, 8] of float64, 2.00 EiB; lower "
                "proxy_task.micro_batch_size (now 8), proxy_task.batch_size (8), proxy_task.image_px (64), "
                "proxy_task.width_multiplier (0.2) or parallelism",
                "out-of-memory",
            ),
        ),
        (ValueError("shapes"), Failed("retry", "ValueError: shapes", "unexpected")),
        (
            OSError(errno.ENOSPC, "No space left on device", "/cache/file"),
            Failed("wait", "cannot write /cache/file: no space left on the disk", "disk-full"),
        ),
    ],
)
def test_errors_become_outcomes(
    trainer: type[FakeProxyWorker], tmp_path: Path, error: BaseException, expected: Failed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(trainer, "raises", error)
    outcome = run_trial(job("smoke", tmp_path), WIDTHS, lambda progress: None)
    assert outcome == replace(expected, data=with_classes(DATA))


def test_after_an_unexpected_error_the_trainer_is_discarded_and_the_traceback_logged(
    trainer: type[FakeProxyWorker],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for error, built in ((GiveUpError("expected"), 1), (MemoryError(), 1), (ValueError("shapes"), 2), (None, 3)):
        monkeypatch.setattr(trainer, "raises", error)
        run_trial(job("smoke", tmp_path), WIDTHS, lambda progress: None)
        assert len(trainer.built) == built
    assert "Traceback" in caplog.text
    assert "ValueError: shapes" in caplog.text
    assert "GiveUpError" not in caplog.text


def test_a_trial_that_must_read_other_data_is_not_trained(
    trainer: type[FakeProxyWorker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(expected: DataIdentity | None) -> Outcome:
        given = replace(job("smoke", tmp_path), data_sha256=None if expected is None else expected.sha256)
        return run_trial(given, WIDTHS, lambda progress: None)

    assert isinstance(run(DATA), Rewarded)
    refused = run(OTHER_DATA)
    assert isinstance(refused, Failed)
    assert (refused.reaction, refused.kind, refused.data) == ("stop", "data-changed", with_classes(DATA))
    assert refused.error == (
        f"the data set {tmp_path} is not the one that the earlier rewards were measured on: its content differs "
        f"(identity {DATA.sha256[:12]}, expected {OTHER_DATA.sha256[:12]})"
    )
    assert len(trainer.checkpoints) == 1
    # Once it is as it was, a trainer that still has the other content in memory is not used.
    assert len(trainer.built) == 2
    monkeypatch.setattr(trainer, "identity", OTHER_DATA)
    trained = run(OTHER_DATA)
    assert isinstance(trained, Rewarded)
    assert trained.data == with_classes(OTHER_DATA)


def test_the_expected_data_are_no_reason_for_another_trainer(trainer: type[FakeProxyWorker], tmp_path: Path) -> None:
    for expected in (None, DATA.sha256):
        given = replace(job("smoke", tmp_path), data_sha256=expected)
        assert isinstance(run_trial(given, WIDTHS, lambda progress: None), Rewarded)
    assert len(trainer.built) == 1


SHARED_TASK = {
    "kind": "shared", "shared_steps": 90, "steps": 0, "warmup_steps": 0, "recalibration_images": 16,
}  # fmt: skip


def test_the_training_of_shared_weights_returns_their_file_and_reports_its_steps(
    trainer: type[FakeProxyWorker], tmp_path: Path
) -> None:
    shared = tmp_path / "cache" / "shared"
    shared.mkdir(parents=True)
    (shared / WEIGHTS.file_name).write_bytes(CONTENT)
    reports: list[TrialProgress] = []
    work = TrialWork(SHARED_WEIGHTS, 1, ())
    outcome = run_trial(job("smoke", tmp_path, **SHARED_TASK).of(work), (), reports.append)
    assert outcome == replace(WEIGHTS, data=with_classes(DATA))
    assert reports == [ALIVE, TrialProgress(30, 90, {"loss": 0.7})]
    assert trainer.checkpoints == []


def test_a_worker_writes_the_shared_weights_that_it_gets_and_scores_no_slice_of_others(
    trainer: type[FakeProxyWorker], tmp_path: Path
) -> None:
    given = replace(job("smoke", tmp_path, **SHARED_TASK), shared_weights=WEIGHTS)
    path = tmp_path / "cache" / "shared" / WEIGHTS.file_name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights that this host has trained")
    assert isinstance(run_trial(given, WIDTHS, lambda progress: None), Rewarded)
    assert path.read_bytes() == CONTENT
    path.write_bytes(b"weights of another training")
    refused = run_trial(given, WIDTHS, lambda progress: None)
    assert isinstance(refused, Failed)
    assert (refused.reaction, refused.kind) == ("stop", "shared-weights-changed")
    assert len(trainer.checkpoints) == 1


def test_a_synthetic_trial_reads_no_data_and_shows_while_it_sleeps_that_it_is_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "ALIVE_SECONDS", 0.01)
    reports: list[TrialProgress] = []
    began = time.monotonic()
    outcome = run_trial(job(seconds=0.6), WIDTHS, reports.append)
    assert time.monotonic() - began >= 0.6
    assert isinstance(outcome, Rewarded)
    assert outcome.data is None
    first_step = next(index for index, report in enumerate(reports) if report.steps)
    assert first_step >= 1
    assert set(map(id, reports[:first_step])) == {id(ALIVE)}


def test_one_trainer_serves_finals_of_all_seeds_each_with_its_own_checkpoint(
    trainer: type[FakeProxyWorker], tmp_path: Path
) -> None:
    of_finals = replace(job("laptop-alone", tmp_path), checkpoint_dir=tmp_path, search_task=resolve("smoke"))
    of_finals = replace(of_finals, search_data_sha256=SEARCH_DATA.sha256)
    for seed in (5, 6):
        outcome = run_trial(of_finals.of(TrialWork(0, 1, WIDTHS, final_seed=seed)), WIDTHS, lambda progress: None)
        assert isinstance(outcome, Rewarded)
        assert (outcome.data, outcome.search_data) == ({**DATA.to_dict(), "fresh_images": True}, SEARCH_DATA.to_dict())
        assert str(outcome.detector) == f"detector of seed {seed}"
    assert (len(trainer.built), trainer.seeds) == (1, [5, 6])
    assert [path.parent.name for path in trainer.checkpoints if path is not None] == ["seed-5", "seed-6"]
    refused = run_trial(replace(of_finals, search_data_sha256=DATA.sha256), WIDTHS, lambda progress: None)
    assert isinstance(refused, Failed)
    assert (refused.kind, refused.search_data, len(trainer.seeds)) == ("data-changed", SEARCH_DATA.to_dict(), 2)
