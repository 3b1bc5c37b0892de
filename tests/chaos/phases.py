"""The scenario `phases`: kills in the shared training and in the finals of a campaign that really trains."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tests.chaos.faults import FAULTS, Phase, PlannedFault
from tests.chaos.service import Service
from tests.support.paths import ROOT

KINDS = ("kill-worker", "kill-runner")
TRIALS = 3
PARALLELISM = 1
"""One worker: each kill hits the training, and two would need twice as long to start TensorFlow on two processors."""
DATASET = "digits"
MAKE_SECONDS = 120.0
BEGUN: dict[Phase, str] = {"shared-training": "shared-training.started", "finals": "final.begun"}
"""The event of a new attempt in each phase."""

SHARED = {"profile": "smoke", "kind": "shared", "shared_steps": 400, "steps": 0, "warmup_steps": 0,
          "reserved_images": 8, "recalibration_images": 16}  # fmt: skip
FINALS = {"top": 1, "seeds": 1, "profile": "smoke", "steps": 300, "checkpoint_steps": 20, "reserved_images": 8}


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
        PlannedFault(FAULTS[kind], 0, random_.uniform(0, 1.5), random_.random(), phase)
        for phase in BEGUN
        for kind in only or KINDS
    ]


class TrainingWatch:
    """Notices that a training of a phase makes progress after the watch has begun."""

    def __init__(self, service: Service, phase: Phase) -> None:
        self._service = service
        self._phase = phase
        self._before = self._steps()

    def has_progress(self) -> bool:
        """Whether a training runs that has done other steps than when the watch began."""
        return bool(self._steps() - self._before)

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
