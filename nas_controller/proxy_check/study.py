"""Plans the trainings of a proxy check: architectures, seeds and order. Pure and deterministic.

Architectures. Those of a truth table or of a list; without either, the uniform baseline comes first. Then, of
CANDIDATES random architectures of the search space, always the one that is farthest from its nearest among those chosen
(greedy max-min, Gonzalez 1985), by the Euclidean distance of the logarithms of the widths. The first eight of sixteen
are therefore the eight of a smaller check, and a check can grow without training anything twice.

Order. All architectures with the first seed, then with the second, and so on: after two seeds there is a first estimate
of the noise. The long reference trainings come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nas_controller.proxy_check.statistics import MIN_ARCHITECTURES, MIN_SEEDS
from nas_controller.proxy_check.truth import TruthTable
from nas_controller.proxy_check.widths_file import ListedArchitecture
from nas_controller.search.limits import MAX_SEED
from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask, resolve
from search_space.quadratic_cost import quadratic_cost
from search_space.space import Candidate, SearchSpace, Widths

CANDIDATES = 512
ARCHITECTURES = 16
"""The default number of architectures."""
MAX_ARCHITECTURES = 256
MAX_SEEDS = 100
REFERENCE_SEED_OFFSET = 1000
"""The seed of the reference differs from those of all proxies, and does not change with the number of seeds."""

UNIFORM = "uniform"
"""The name of the uniform baseline, unless a list gives it another."""

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
    """Everything that determines the trainings, and what their rewards are compared with.

    `reference` is None for a study without reference trainings, such as one that is compared with a truth table.
    `dataset` is the directory of the data set, None for a task that trains nothing; `names` has a name or None for each
    architecture; `space` is the one that the shared weights of a task of kind shared are trained for.
    """

    base: Architecture
    architectures: tuple[Candidate, ...]
    task: ProxyTask
    seeds: tuple[int, ...]
    reference: ProxyTask | None
    reference_seed: int
    dataset: str | None
    names: tuple[str | None, ...]
    truth: TruthTable | None = None
    space: SearchSpace | None = None

    @property
    def has_reference(self) -> bool:
        """Whether the ranking is compared with another: that of longer training or of a truth table."""
        return self.reference is not None or self.truth is not None

    @property
    def measures_noise(self) -> bool:
        """Whether there are at least two seeds."""
        return len(self.seeds) >= MIN_SEEDS

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
    architectures: int | None,
    seeds: int,
    reference_factor: int | None,
    seed: int,
    listed: Sequence[ListedArchitecture] | None = None,
    truth: TruthTable | None = None,
) -> Study:
    """The study of a proxy task: `seeds` seeds from `seed` on, which also decides random architectures.

    The architectures are the first `architectures` of those `listed` or in the truth table (None: all), or random ones
    (None: 16). The reference has `reference_factor` times the steps of the task and of its warm-up; None leaves it out,
    as it must be with a truth table. Raises InvalidValueError for numbers out of range, and if there are too few
    architectures.
    """
    _check_whole("seeds", seeds, MIN_SEEDS if truth is None else 1, MAX_SEEDS)
    _check_whole("seed", seed, 0, MAX_SEED - REFERENCE_SEED_OFFSET)
    if reference_factor is not None:
        _check_whole("reference_factor", reference_factor, 2, 1000)
        if truth is not None:
            raise InvalidValueError("a study with a truth table has no reference trainings", field="reference_factor")
    reference = None if reference_factor is None else with_longer_training(task, reference_factor)
    if truth is not None:
        listed = [ListedArchitecture(widths) for widths in baseline_first(space, tuple(truth.rewards))]
    if listed is None:
        chosen = spread_over(space, ARCHITECTURES if architectures is None else architectures, seed)
        names = {}
    else:
        listed = _first(listed, architectures)
        chosen = tuple(costed(space, each.widths) for each in listed)
        names = {each.widths: each.name for each in listed if each.name is not None}
    names.setdefault(space.baseline.widths, UNIFORM)
    return Study(
        base=space.base,
        architectures=chosen,
        task=task,
        seeds=tuple(range(seed, seed + seeds)),
        reference=reference,
        reference_seed=seed + REFERENCE_SEED_OFFSET,
        dataset=dataset,
        names=tuple(names.get(candidate.widths) for candidate in chosen),
        truth=truth,
        space=space if task.kind == "shared" else None,
    )


def with_longer_training(task: ProxyTask, factor: int) -> ProxyTask:
    """The task with `factor` times its steps and its warm-up, and shared weights, if any, of another seed.

    Raises InvalidValueError if a field is then out of range, and for a task without steps of its own.
    """
    if task.kind == "shared" and task.steps == 0:
        raise InvalidValueError(
            "a task of kind shared scores slices that are not trained; give --reference FILE, a table of architectures "
            "trained alone, or --no-reference",
            field="reference_factor",
        )
    fields = task.to_dict() | {"steps": task.steps * factor, "warmup_steps": task.warmup_steps * factor}
    if task.kind == "shared":
        fields["shared_seed"] = task.shared_seed + REFERENCE_SEED_OFFSET
    return resolve(fields.pop("profile"), **fields)


def baseline_first(space: SearchSpace, widths: Sequence[Widths]) -> list[Widths]:
    """The widths in their order, those of the uniform baseline first if they are among them."""
    return sorted(widths, key=lambda each: each != space.baseline.widths)


def costed(space: SearchSpace, widths: Widths) -> Candidate:
    """The architecture of these widths, which need not be in the space: without multipliers."""
    counts = quadratic_cost(space.base).counts(widths)
    return Candidate((), (), widths, counts.madds, counts.params, counts.madds / space.budget_madds)


def _first(listed: Sequence[ListedArchitecture], count: int | None) -> Sequence[ListedArchitecture]:
    """The first `count` of the architectures, or all."""
    wanted = len(listed) if count is None else count
    _check_whole("architectures", wanted, MIN_ARCHITECTURES, MAX_ARCHITECTURES)
    if wanted > len(listed):
        raise InvalidValueError(
            f"architectures is {wanted}; only {len(listed)} are given", field="architectures", value=wanted
        )
    return listed[:wanted]


def spread_over(space: SearchSpace, count: int, seed: int) -> tuple[Candidate, ...]:
    """`count` architectures of the space, the uniform baseline first and the others far from each other.

    Raises InvalidValueError if `count` is out of range or exceeds the number of architectures in the space.
    """
    _check_whole("architectures", count, MIN_ARCHITECTURES, MAX_ARCHITECTURES)
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
