"""What a study runs: sizes, seeds and proxy tasks, from the options of its command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nas_controller.proxy_check.statistics import MIN_SEEDS
from nas_controller.search.finals_spec import MAX_FINALS_SEEDS, FinalsSpec
from search_space.architecture import Architecture
from search_space.display import counted
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask, parse_overrides, resolve
from search_space.space import SearchSpace

SEED = 1
FINALS_SEED_OFFSET = 100
"""The first seed of the finals minus the first search's: no search has a seed of the finals."""


@dataclass(frozen=True)
class Plan:
    """The size of a study.

    `trials` is the number of trials of each search, `seeds` the number of trainings of each finalist. `overrides` and
    `finals_overrides` are texts `field=value`, which replace fields of the proxy tasks of the search and of the finals.
    `finals_profile` None is the profile that a campaign's finals would have. Raises InvalidValueError, with the field.
    """

    directory: Path
    trials: int
    seeds: int
    parallelism: int = 2
    seed: int = SEED
    profile: str = "laptop"
    overrides: tuple[str, ...] = ()
    finals_profile: str | None = None
    finals_overrides: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not MIN_SEEDS <= self.seeds <= MAX_FINALS_SEEDS:
            limits = f"{MIN_SEEDS} to {MAX_FINALS_SEEDS}"
            raise InvalidValueError(f"seeds is {self.seeds}; it must be {limits}", field="seeds")
        self._finals.check(self.task, self._base, None if self.is_synthetic else "digits", self.seed)

    @property
    def task_document(self) -> dict[str, Any]:
        """The proxy task of the search, as in a campaign's specification."""
        return {"profile": self.profile, **parse_overrides(self.overrides)}

    @property
    def task(self) -> ProxyTask:
        """The proxy task of the search."""
        return resolve(**self.task_document)

    @property
    def is_synthetic(self) -> bool:
        """Whether nothing is trained, so no data set is needed."""
        return self.task.kind == "synthetic"

    @property
    def finals_task(self) -> ProxyTask:
        """The proxy task that the finalists are trained alone with."""
        return self._finals.task(self.task, self._base)

    @property
    def first_finals_seed(self) -> int:
        """The first seed of the finals."""
        return self.seed + FINALS_SEED_OFFSET

    @cached_property
    def _base(self) -> Architecture:
        return SearchSpace().base

    @cached_property
    def _finals(self) -> FinalsSpec:
        return FinalsSpec.model_validate(
            {
                "seeds": self.seeds,
                "first_seed": self.first_finals_seed,
                "profile": self.finals_profile,
                **parse_overrides(self.finals_overrides),
            }
        )


def command_text(target: str, plan: Plan, usual: Plan) -> str:
    """The command of a study with the options that differ from the `usual` ones, without directories."""
    options: list[str] = []
    for name in ("trials", "seeds", "parallelism", "seed", "profile", "finals_profile"):
        if getattr(plan, name) != getattr(usual, name):
            options += [f"--{name.replace('_', '-')}", str(getattr(plan, name))]
    options += [part for pair in plan.overrides for part in ("--set", pair)]
    options += [part for pair in plan.finals_overrides for part in ("--finals-set", pair)]
    return f"make {target}" + (f' ARGS="{shlex.join(options)}"' if options else "")


def finals_text(plan: Plan) -> str:
    """How the finalists are trained: `the profile laptop-alone, 2,000 steps`."""
    task = plan.finals_task
    return f"the profile {task.profile}" + ("" if plan.is_synthetic else f", {counted(task.steps, 'step')}")
