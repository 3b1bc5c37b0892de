"""The scenario `phases`: kills in the shared training and in the finals of a campaign that really trains."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from nas_controller.execution.trial_checkpoints import campaign_directory
from nas_controller.store import Store
from nas_controller.supervision.campaign_logs import log_path
from search_space.weights_files import shared_weights_dir
from tests.chaos.faults import FAULTS, Phase, PlannedFault
from tests.chaos.service import Service
from tests.chaos.uninterrupted import uninterrupted, what_was_trained
from tests.support.paths import ROOT

KINDS = ("kill-worker", "kill-runner")
TRIALS = 3
PARALLELISM = 1
"""One worker: each kill hits the training, and two would need twice as long to start TensorFlow on two processors."""
DATASET = "digits"
MAKE_SECONDS = 120.0
BEGUN: dict[Phase, str] = {"shared-training": "shared-training.started", "finals": "final.begun"}
"""The event of a new attempt in each phase."""
RESUMED: dict[Phase, str] = {
    "shared-training": "the training of the shared weights resumes after step ",
    "finals": ": resumed after step ",
}
"""What a worker logs that goes on from a checkpoint."""
MAX_DELAY_SECONDS = 0.5
"""Of a kill after a checkpoint, so that the training still runs."""
SHORT_CHECKPOINTS = ROOT / "tests" / "chaos" / "short_checkpoints"

SHARED = {"profile": "smoke", "kind": "shared", "shared_steps": 1000, "steps": 0, "warmup_steps": 0,
          "reserved_images": 8, "recalibration_images": 16}  # fmt: skip
FINALS = {"top": 1, "seeds": 1, "profile": "smoke", "steps": 600, "checkpoint_steps": 20, "reserved_images": 8}


def make_dataset(service: Service) -> None:
    """Makes a small data set in the data directory of the service."""
    directory = service.database.data_dir / "datasets" / DATASET
    size = ["--train", "48", "--val", "16"]
    command = [sys.executable, "-m", "api.cli.main", "data", "make-digits", str(directory), *size]
    subprocess.run(command, cwd=ROOT, env=service.environment, capture_output=True, timeout=MAKE_SECONDS, check=True)


def document(trials: int, parallelism: int, seed: int) -> dict[str, Any]:
    """The specification of the campaign: every training takes a processor."""
    return {
        "name": "chaos",
        "dataset": DATASET,
        "trials": trials,
        "parallelism": parallelism,
        "seed": seed,
        "proxy_task": SHARED,
        "finals": FINALS,
        "resources": {"cpus": 1},
    }


def plan(seed: int, only: Sequence[str] = ()) -> list[PlannedFault]:
    """One fault of every kind in each phase; kills of a worker and of the runner unless `only` names others."""
    random_ = random.Random(seed)
    return [
        PlannedFault(FAULTS[kind], 0, random_.uniform(0, MAX_DELAY_SECONDS), random_.random(), phase)
        for phase in BEGUN
        for kind in only or KINDS
    ]


def violations(service: Service, seed: int, planned_faults: Sequence[PlannedFault]) -> list[str]:
    """What a finished campaign lacks: a training that went on from its checkpoint after every kill of its worker or
    runner, and the weights and rewards, to the bit, of the same campaign without any fault.
    """
    data_dir = service.database.data_dir
    log = log_path(data_dir, service.campaign_id).read_text(encoding="utf-8", errors="replace")
    found = []
    for phase, line in RESUMED.items():
        kills = sum(planned.phase == phase and planned.fault.name in KINDS for planned in planned_faults)
        if (resumed := log.count(line)) < kills:
            found.append(f"after {kills} kills in the {phase} only {resumed} attempts went on from a checkpoint")
    with closing(Store.open(service.database.url)) as store:
        trained = what_was_trained(store, service.campaign_id)
    try:
        expected = uninterrupted(document(TRIALS, PARALLELISM, seed), data_dir)
    except subprocess.SubprocessError as error:
        return [*found, f"the campaign without faults: {error}"]
    return found + [
        f"the {name} are {trained[name]}, and without faults they are {expected[name]}"
        for name in expected
        if trained[name] != expected[name]
    ]


class TrainingWatch:
    """Notices that a training of a phase makes progress and writes a checkpoint after the watch has begun."""

    def __init__(self, service: Service, phase: Phase) -> None:
        self._service = service
        self._phase = phase
        self._steps_before, self._checkpoints_before = self._steps(), self._checkpoints()

    def has_checkpoint(self) -> bool:
        """Whether a training runs that has done other steps than when the watch began, and a checkpoint is new."""
        return bool(self._checkpoints() - self._checkpoints_before and self._steps() - self._steps_before)

    def _checkpoints(self) -> set[tuple[Path, int]]:
        """The checkpoints of the phase, each with the time when it was written."""
        data_dir = self._service.database.data_dir
        directories = {
            "shared-training": shared_weights_dir(data_dir / "cache"),
            "finals": campaign_directory(data_dir, self._service.campaign_id),
        }
        found = set()
        for path in directories[self._phase].rglob("*.checkpoint"):
            with suppress(FileNotFoundError):  # its training has ended
                found.add((path, path.stat().st_mtime_ns))
        return found

    def _steps(self) -> set[tuple[int, ...]]:
        """The attempts in training with the steps that they have done."""
        client, campaign_id = self._service.client, self._service.campaign_id
        campaign = client.campaign(campaign_id)
        if self._phase == "shared-training":
            training = campaign.shared_training
            if training is None or training.state != "running" or training.step == 0:
                return set()
            return {(training.attempts, training.step)}
        runs = () if campaign.finals is None else client.finals(campaign_id).runs
        running = [run for run in runs if run.state == "running" and run.progress_step]
        return {(run.trial, run.seed, run.attempts, run.progress_step or 0) for run in running}
