from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas_controller.proxy_check.dispersion import dispersion
from nas_controller.proxy_check.results import Result
from nas_controller.proxy_check.statistics import intraclass_consistency, intraclass_one_way
from nas_controller.proxy_check.truth import TruthTable, assess
from nas_controller.proxy_check.truth_file import read_truth
from search_space.errors import InvalidValueError
from search_space.space import SearchSpace
from tests.support.training_results import even_widths, truth_results, write_results

BASE = SearchSpace().base.name
REWARDS = [[0.3, 0.32], [0.4, 0.38], [0.5, 0.51]]
DATA = {"sha256": "s", "train": {"boxes": 512, "annotations_sha256": "a"}, "reserved": {"boxes": 92}}


def table(path: Path, results: list[Result]) -> TruthTable:
    return read_truth(write_results(path / "truth.jsonl", results), BASE)


def test_rewards_are_read_by_architecture_and_seed_in_the_order_of_the_file(tmp_path: Path) -> None:
    results = truth_results(REWARDS)
    read = table(tmp_path, [results[4], *results[:4], results[5]])
    assert list(read.rewards.items()) == [
        (even_widths(2), {1: 0.5, 2: 0.51}), (even_widths(0), {1: 0.3, 2: 0.32}), (even_widths(1), {1: 0.4, 2: 0.38}),
    ]  # fmt: skip
    assert read.mean(even_widths(1)) == pytest.approx(0.39)
    assert (read.task, read.dataset) == (results[0].task, "/digits")


def test_failures_and_other_bases_do_not_count(tmp_path: Path) -> None:
    failed = truth_results([[None, None], *REWARDS[1:], [0.1, None]])
    others = truth_results(REWARDS, base="other", task={"steps": 1}, dataset="/cars")
    read = table(tmp_path, [*others, *failed])
    assert list(read.rewards) == [even_widths(1), even_widths(2), even_widths(3)]
    assert read.rewards[even_widths(3)] == {1: 0.1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": {**truth_results([[0.1]])[0].task, "steps": 7}}, "more than one task, with different steps"),
        ({"dataset": "/cars"}, "on the data sets /digits and /cars"),
        ({"data": DATA | {"sha256": "t"}}, "the data set /digits changed between the results of seed 1"),
        ({"widths": (8, 8)}, "widths has 2 values"),
        ({"reward": 1.5}, "the reward 1.5 is not a number from 0 to 1"),
        ({"reward": float("nan")}, "the reward nan is not a number"),
        ({"reward": "0.5"}, "the reward '0.5' is not a number"),
    ],
)
def test_mixed_and_impossible_results_are_refused_with_the_file(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    results = truth_results([*REWARDS, [0.6]], data=DATA)
    with pytest.raises(InvalidValueError, match=rf"truth\.jsonl.*{message}") as raised:
        table(tmp_path, [*results[:-1], replace(results[-1], **changes)])
    assert raised.value.field == "reference"


def test_a_file_without_three_architectures_of_the_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=rf"rewards of 2 architectures of base {BASE}; .* at least 3"):
        table(tmp_path, truth_results([*REWARDS[:2], [None, None]]))
    with pytest.raises(InvalidValueError, match=r"there are no results in .*none"):
        read_truth(tmp_path / "none", BASE)
    (tmp_path / "text").write_text("8,8\n")
    with pytest.raises(InvalidValueError, match="text, line 1: this is not the result of a training") as raised:
        read_truth(tmp_path / "text", BASE)
    assert raised.value.field == "reference"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidValueError, match="there are no results in"):
        read_truth(tmp_path / "pipe", BASE)


def test_the_intraclass_correlations_are_over_the_largest_complete_part(tmp_path: Path) -> None:
    quality = assess(table(tmp_path, truth_results([*REWARDS, [0.6], [0.7, 0.69, 0.71]])))
    complete = [*REWARDS, [0.7, 0.69]]
    assert (quality.architectures, quality.min_seeds, quality.max_seeds) == (5, 1, 3)
    assert quality.intraclass_one_way == intraclass_one_way(complete)
    assert quality.intraclass_consistency == intraclass_consistency(complete)
    assert quality.dispersion == dispersion([*REWARDS, [0.6], [0.7, 0.69, 0.71]])


def test_a_table_of_one_seed_has_no_error_of_its_own(tmp_path: Path) -> None:
    quality = assess(table(tmp_path, truth_results([[0.1], [0.2], [0.4]])))
    assert (quality.intraclass_one_way, quality.intraclass_consistency) == (None, None)
    assert quality.dispersion == (None, None, None)
