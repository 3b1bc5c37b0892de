from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_controller.proxy_check.study import Study, design, spread_over, with_longer_training
from nas_controller.proxy_check.truth import TruthTable
from nas_controller.proxy_check.widths_file import ListedArchitecture
from search_space.errors import InvalidValueError
from search_space.proxy_task import resolve
from search_space.space import CHOICES, SearchSpace, Widths
from tests.support.training_results import even_widths, synthetic_study

SPACE, TASK = SearchSpace(), resolve("synthetic")


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


def test_the_reference_does_not_share_the_shared_weights() -> None:
    task = resolve("smoke", kind="shared", shared_steps=50, shared_seed=3)
    longer = with_longer_training(task, 8)
    assert (longer.kind, longer.steps, longer.shared_steps, longer.shared_seed) == ("shared", 160, 50, 1003)
    space, sizes = SearchSpace(), {"architectures": 3, "seeds": 2, "reference_factor": 8, "seed": 1}
    assert design(space, task, None, **sizes).space == space
    assert design(space, resolve("smoke"), None, **sizes).space is None


def test_slices_without_training_have_no_longer_training() -> None:
    with pytest.raises(InvalidValueError, match=r"not trained; give --reference FILE.* or --no-reference") as raised:
        with_longer_training(resolve("laptop", steps=0, warmup_steps=0), 8)
    assert raised.value.field == "reference_factor"


def listed_study(listed: Sequence[ListedArchitecture], architectures: int | None = None) -> Study:
    return design(SPACE, TASK, None, architectures=architectures, seeds=2, reference_factor=None, seed=1, listed=listed)


def table_study(widths: Sequence[Widths], **changes: Any) -> Study:
    truth = TruthTable(Path("t"), {}, None, {each: {1: 0.5} for each in widths})
    options = {"architectures": None, "seeds": 1, "reference_factor": None, "seed": 1}
    return design(SPACE, TASK, None, truth=truth, **(options | changes))


def test_listed_architectures_keep_their_order_and_have_their_names_and_cost() -> None:
    baseline = SPACE.baseline.widths
    listed = [ListedArchitecture(even_widths(0), "narrow"), ListedArchitecture(even_widths(1))]
    study = listed_study([*listed, ListedArchitecture(baseline)])
    assert [candidate.widths for candidate in study.architectures] == [even_widths(0), even_widths(1), baseline]
    assert study.names == ("narrow", None, "uniform")
    assert study.architectures[2].madds_ratio == SPACE.baseline.madds_ratio
    assert 0 < study.architectures[0].madds_ratio < study.architectures[1].madds_ratio
    assert listed_study([*listed, ListedArchitecture(baseline, "ones")]).names[2] == "ones"


def test_a_study_takes_the_first_of_the_listed_architectures() -> None:
    listed = [ListedArchitecture(even_widths(number)) for number in range(5)]
    assert len(listed_study(listed).architectures) == 5
    assert [each.widths for each in listed_study(listed, 3).architectures] == [each.widths for each in listed[:3]]
    with pytest.raises(InvalidValueError, match="architectures is 6; only 5 are given"):
        listed_study(listed, 6)
    with pytest.raises(InvalidValueError, match="architectures is 2"):
        listed_study(listed[:2])


def test_a_truth_table_gives_the_architectures_the_baseline_first() -> None:
    baseline = SPACE.baseline.widths
    study = table_study([even_widths(0), even_widths(1), baseline, even_widths(2)])
    widths = [candidate.widths for candidate in study.architectures]
    assert widths == [baseline, even_widths(0), even_widths(1), even_widths(2)]
    assert study.names == ("uniform", None, None, None)
    assert (study.reference, study.has_reference, len(study.trainings())) == (None, True, 4)
    assert table_study(widths[1:]).names == (None, None, None)
    smaller = table_study([*widths[1:], baseline], architectures=3)
    assert [candidate.widths for candidate in smaller.architectures] == widths[:3]


def test_a_truth_table_replaces_the_longer_training() -> None:
    with pytest.raises(InvalidValueError, match="has no reference trainings"):
        table_study([even_widths(number) for number in range(3)], reference_factor=8)


def test_numbers_out_of_range_are_refused() -> None:
    task = resolve("synthetic")
    valid = {"architectures": 4, "seeds": 2, "reference_factor": 8, "seed": 1}
    for name, value in (("architectures", 2), ("seeds", 1), ("reference_factor", 1), ("seed", -1), ("seeds", 101)):
        with pytest.raises(InvalidValueError, match=f"{name} is {value}") as raised:
            design(SearchSpace(), task, None, **(valid | {name: value}))
        assert raised.value.field == name
    with pytest.raises(InvalidValueError, match="steps"):
        design(SearchSpace(), resolve("paper", steps=9_000_000), None, **valid)
