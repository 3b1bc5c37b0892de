"""Finals whose trainings are replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.execution.worker import Job, OnProgress, run_trial
from nas_controller.search.outcomes import Failed, Outcome, Rewarded
from nas_controller.store import Store
from nas_controller.supervision.runner import Machine, run
from tests.support.trials import kinds

KILLED = Failed("retry", "the worker died", "worker-killed")
FINALS = {"top": 2, "seeds": 3}
TRIALS = 5


class Trainer:
    """Scores trials by their widths, on data of this identity, and finals as the given function does; records the seeds
    and widths of finals.
    """

    def __init__(
        self,
        final: Callable[[int, tuple[int, ...], OnProgress], Outcome] | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        self._data = data
        self._final = final or (lambda seed, widths, on_progress: Rewarded(0.5, {"ap": 0.5}))
        self.finals: list[tuple[int, tuple[int, ...]]] = []
        self.jobs: list[Job] = []

    def __call__(self, job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
        if job.final_seed is None:
            return replace(run_trial(job, widths, on_progress), data=self._data)
        self.jobs.append(job)
        self.finals.append((job.final_seed, widths))
        return self._final(job.final_seed, widths, on_progress)


Start = Callable[..., int]
"""Runs a campaign with a trainer until its runner ends."""


def starter(store: Store, data_dir: Path) -> Start:
    """Runs campaigns of a store, by their id, with the synthetic trainer unless another is given."""

    def start(campaign_id: str, trainer: Trainer | None = None, lease_seconds: float = 30) -> int:
        machine = Machine(executor=InProcessExecutor(trainer or run_trial))
        return run(campaign_id, store, data_dir, "runner", lease_seconds, machine)

    return start


def widths_of(store: Store, campaign_id: str, trial: int) -> tuple[int, ...]:
    return store.reads.get_trial_record(campaign_id, trial).widths


def finals_of(store: Store, campaign_id: str) -> Any:
    return store.reads.get_campaign(campaign_id).finals


def finals_kinds(store: Store, campaign_id: str) -> list[str]:
    return [kind for kind in kinds(store, campaign_id) if kind.startswith("final")]
