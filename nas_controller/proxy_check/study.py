"""Plans the trainings of a proxy check: architectures, seeds and order. Pure and deterministic.

Architectures. The uniform baseline comes first. Then, of CANDIDATES random architectures of the search space, always
the one that is farthest from its nearest among those chosen (greedy max-min, Gonzalez 1985), by the Euclidean distance
of the logarithms of the widths. The first eight of sixteen are therefore the eight of a smaller check, and a check can
grow without training anything twice.

Order. All architectures with the first seed, then with the second, and so on: after two seeds there is a first estimate
of the noise. The long reference trainings come last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask, resolve
from search_space.space import Candidate, SearchSpace, Widths

CANDIDATES = 512
MAX_ARCHITECTURES = 256
MAX_SEEDS = 100
MAX_SEED = 2**31 - 1
REFERENCE_SEED_OFFSET = 1000
"""The seed of the reference differs from those of all proxies, and does not change with the number of seeds."""

Purpose = Literal["proxy", "reference"]


@dataclass(frozen=True)
class Training:
    """One architecture (its number in the study), trained on one task with one seed."""

    purpose: Purpose
    architecture: int
    widths: tuple[int, ...]
    task: ProxyTask
    seed: int


@dataclass(frozen=True)
class Study:
    """Everything that determines the trainings. `reference` is None for a study without references.

    `dataset` is the directory of the data set, None for a task that trains nothing; `start_pool` are the architectures
    that the task's common start, if any, is trained for.
    """

    base: Architecture
    architectures: tuple[Candidate, ...]
    task: ProxyTask
    seeds: tuple[int, ...]
    reference: ProxyTask | None
    reference_seed: int
    dataset: str | None
    start_pool: tuple[Widths, ...] = ()

    @property
    def trains(self) -> bool:
        """Whether the task trains; if not, its reward is computed from the widths."""
        return self.task.kind != "synthetic"

    def trainings(self) -> tuple[Training, ...]:
        """All trainings, in the order in which they begin."""
        runs: list[tuple[Purpose, ProxyTask, int]] = [("proxy", self.task, seed) for seed in self.seeds]
        if self.reference is not None:
            runs.append(("reference", self.reference, self.reference_seed))
        return tuple(
            Training(purpose, number, candidate.widths, task, seed)
            for purpose, task, seed in runs
            for number, candidate in enumerate(self.architectures)
        )


def design(
    space: SearchSpace,
    task: ProxyTask,
    dataset: str | None,
    *,
    architectures: int,
    seeds: int,
    reference_factor: int | None,
    seed: int,
) -> Study:
    """The study of a proxy task: `seeds` seeds from `seed` on, which also decides the architectures.

    The reference has `reference_factor` times the steps of the task and of its warm-up; None leaves it out. Raises
    InvalidValueError for numbers out of range, and if the space has too few architectures.
    """
    _check_whole("seeds", seeds, 2, MAX_SEEDS)
    _check_whole("seed", seed, 0, MAX_SEED - REFERENCE_SEED_OFFSET)
    if reference_factor is not None:
        _check_whole("reference_factor", reference_factor, 2, 1000)
    return Study(
        base=space.base,
        architectures=spread_over(space, architectures, seed),
        task=task,
        seeds=tuple(range(seed, seed + seeds)),
        reference=None if reference_factor is None else with_longer_training(task, reference_factor),
        reference_seed=seed + REFERENCE_SEED_OFFSET,
        dataset=dataset,
        start_pool=space.start_pool() if task.start_steps else (),
    )


def with_longer_training(task: ProxyTask, factor: int) -> ProxyTask:
    """The task with `factor` times its steps and its warm-up, and a common start, if any, of another seed.

    Raises InvalidValueError if a field is then out of range.
    """
    fields = task.to_dict() | {"steps": task.steps * factor, "warmup_steps": task.warmup_steps * factor}
    if task.start_steps:
        fields["start_seed"] = task.start_seed + REFERENCE_SEED_OFFSET
    profile = fields.pop("profile")
    del fields["kind"]
    return resolve(profile, **fields)


def spread_over(space: SearchSpace, count: int, seed: int) -> tuple[Candidate, ...]:
    """`count` architectures of the space, the uniform baseline first and the others far from each other.

    Raises InvalidValueError if `count` is out of range or exceeds the number of architectures in the space.
    """
    _check_whole("architectures", count, 3, MAX_ARCHITECTURES)
    chosen, others = [space.baseline], space.random_candidates(CANDIDATES, seed)
    log_widths = np.log([candidate.widths for candidate in (space.baseline, *others)])
    distances = np.linalg.norm(log_widths[1:] - log_widths[0], axis=1)
    while len(chosen) < count:
        if not others or distances.max() == 0:
            raise InvalidValueError(
                f"architectures is {count}; {CANDIDATES} draws from this search space gave only {len(chosen)} of them",
                field="architectures",
            )
        farthest = int(distances.argmax())
        chosen.append(others[farthest])
        new_distances = np.linalg.norm(log_widths[1:] - log_widths[1 + farthest], axis=1)
        distances = np.minimum(distances, new_distances)
    return tuple(chosen)


def _check_whole(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidValueError(
            f"{name} is {value}; it must be a whole number from {low:,} to {high:,}", field=name, value=value
        )
