from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from nas_controller.proxy_check.study import design, spread_over, with_longer_training
from search_space.errors import InvalidValueError
from search_space.proxy_task import resolve
from search_space.space import CHOICES, SearchSpace
from tests.support.training_results import synthetic_study


def min_distance(widths: list[tuple[int, ...]]) -> float:
    """The smallest distance between two architectures, in logarithms of widths."""
    return min(math.dist(np.log(first), np.log(second)) for first, second in combinations(widths, 2))


def test_the_baseline_comes_first_and_a_larger_study_contains_the_smaller_one() -> None:
    space = SearchSpace()
    eight = spread_over(space, 8, seed=1)
    assert eight[0] == space.baseline
    assert spread_over(space, 12, seed=1)[:8] == eight
    assert spread_over(space, 8, seed=1) == eight
    assert spread_over(space, 8, seed=2) != eight


def test_the_architectures_lie_farther_apart_than_random_ones() -> None:
    space = SearchSpace()
    random = np.random.default_rng(7)
    drawn = [space.candidate(random.choice(CHOICES, space.num_blocks).tolist()).widths for _ in range(15)]
    spread = [candidate.widths for candidate in spread_over(space, 16, seed=1)]
    assert len(set(spread)) == 16
    assert min_distance(spread) > 1.2 * min_distance([space.baseline.widths, *drawn])


def test_each_architecture_is_the_farthest_from_those_before_it() -> None:
    widths = [candidate.widths for candidate in spread_over(SearchSpace(), 10, seed=3)]
    gaps = [
        min(math.dist(np.log(widths[number]), np.log(earlier)) for earlier in widths[:number])
        for number in range(1, len(widths))
    ]
    assert gaps == sorted(gaps, reverse=True)


def test_a_space_with_too_few_architectures_is_refused() -> None:
    narrow = SearchSpace(searched_blocks=(5, 7), choices=(1, 2))
    with pytest.raises(InvalidValueError, match="gave only 3 of them"):
        spread_over(narrow, 4, seed=1)


def test_all_architectures_with_one_seed_then_the_next_and_the_references_last() -> None:
    study = synthetic_study(architectures=3, seeds=2)
    assert [(training.purpose, training.seed, training.architecture) for training in study.trainings()] == [
        ("proxy", 1, 0), ("proxy", 1, 1), ("proxy", 1, 2),
        ("proxy", 2, 0), ("proxy", 2, 1), ("proxy", 2, 2),
        ("reference", 1001, 0), ("reference", 1001, 1), ("reference", 1001, 2),
    ]  # fmt: skip
    assert [training.widths for training in study.trainings()[:3]] == [
        architecture.widths for architecture in study.architectures
    ]


def test_more_seeds_and_architectures_keep_all_trainings_of_the_smaller_study() -> None:
    small, large = synthetic_study(4, 2), synthetic_study(6, 3)
    assert set(small.trainings()) < set(large.trainings())


def test_without_a_reference_there_are_only_proxies() -> None:
    study = synthetic_study(architectures=3, seeds=2, reference=False)
    assert {training.purpose for training in study.trainings()} == {"proxy"}
    assert len(study.trainings()) == 6


def test_the_reference_is_the_task_with_longer_training_and_warm_up() -> None:
    task = resolve("smoke", steps=100, warmup_steps=10, learning_rate=0.1)
    longer = with_longer_training(task, 8)
    assert (longer.steps, longer.warmup_steps) == (800, 80)
    assert longer.to_dict() | {"steps": 100, "warmup_steps": 10} == task.to_dict()


def test_the_reference_does_not_share_the_common_start() -> None:
    task = resolve("smoke", start_steps=50, start_seed=3)
    longer = with_longer_training(task, 8)
    assert (longer.start_steps, longer.start_seed) == (50, 1003)
    space, sizes = SearchSpace(), {"architectures": 3, "seeds": 2, "reference_factor": 8, "seed": 1}
    assert design(space, task, None, **sizes).start_pool == space.start_pool()
    assert design(space, resolve("smoke"), None, **sizes).start_pool == ()


def test_numbers_out_of_range_are_refused() -> None:
    task = resolve("synthetic")
    valid = {"architectures": 4, "seeds": 2, "reference_factor": 8, "seed": 1}
    for name, value in (("architectures", 2), ("seeds", 1), ("reference_factor", 1), ("seed", -1), ("seeds", 101)):
        with pytest.raises(InvalidValueError, match=f"{name} is {value}") as raised:
            design(SearchSpace(), task, None, **(valid | {name: value}))
        assert raised.value.field == name
    with pytest.raises(InvalidValueError, match="steps"):
        design(SearchSpace(), resolve("paper", steps=9_000_000), None, **valid)
