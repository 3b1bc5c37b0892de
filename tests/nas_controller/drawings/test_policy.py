"""The heat map of the policy, its entropy, the importance of blocks and the multipliers in parallel."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nas_controller.campaigns.block_importance import block_importance
from nas_controller.campaigns.figure_data import Entropy, Parallel, PolicyFigure
from nas_controller.drawings.importance import importance, parallel
from nas_controller.drawings.policy import entropy, policy
from nas_controller.drawings.sheet import NothingToDrawError, Sheet
from tests.support.drawn_figures import Drawn

SHEETS = [Sheet(320), Sheet(1160)]
BLOCKS = list(range(1, 19))


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_colours_of_the_policy_run_from_its_smallest_to_its_largest_probability(sheet: Sheet) -> None:
    rows = [[0.19, 0.21, 0.2, 0.2, 0.2]] * 18
    drawn = Drawn(policy(PolicyFigure(BLOCKS, [1, 5, 10, 15, 20], rows, 7), sheet))
    cells = drawn.marks("heat-high")
    assert len(cells) == 18 * 5
    assert cells[0].get("data-tip") == "block 1, L1 · multiplier 1 · probability 0.190"
    assert [float(cell.attrib["fill-opacity"]) for cell in cells[:3]] == pytest.approx([0, 1, 0.5])
    assert [found for element in drawn.root.iter() if (found := element.get("data-told"))] == ["7"]
    assert {"0.190", "0.210", "after 7 rewards"} <= set(drawn.texts())
    assert drawn.outside() == []


def test_a_policy_that_has_learned_nothing_is_even() -> None:
    drawn = Drawn(policy(PolicyFigure([5, 7], [1, 2], [[0.5, 0.5]] * 2, 0), Sheet()))
    assert {cell.get("fill-opacity") for cell in drawn.marks("heat-high")} == {"0.000"}
    assert "before any reward" in drawn.texts()


def test_many_multipliers_fit() -> None:
    choices = [1 + index / 10 for index in range(60)]
    drawn = Drawn(policy(PolicyFigure([1, 2], choices, [[1 / 60] * 60] * 2, 5), Sheet(320)))
    assert len(drawn.marks("heat-high")) == 120
    assert drawn.outside() == []


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_entropy_has_a_point_for_each_snapshot(sheet: Sheet) -> None:
    drawn = Drawn(entropy(Entropy([0, 10, 20], [1.0, 0.8, 0.5], [None, 0.4, -0.2], 20), sheet))
    assert drawn.tips("best-mark")[1:] == ["after 10 rewards · entropy 0.80", "after 20 rewards · entropy 0.50"]
    assert drawn.tips("average-dot")[0] == "after 10 rewards · mean advantage 0.40"
    assert drawn.outside() == []
    assert {"0.40", "\u22120.20"} <= set(drawn.texts())  # the ends of the axis of the advantage
    flat = Drawn(entropy(Entropy([0, 10, 20], [1.0, 0.8, 0.5], [None, 0.01, -0.01], 20), sheet))
    assert {"0.10", "\u22120.10"} <= set(flat.texts())
    assert flat.outside() == []
    alone = Drawn(entropy(Entropy([0, 10], [1.0, 0.8], [None, None], 10), sheet))
    assert alone.tips("average-dot") == []
    assert alone.outside() == []
    with pytest.raises(NothingToDrawError, match="not learned"):
        entropy(Entropy([0], [1.0], [None], 0), sheet)


def _trials(count: int, noise: float) -> list[tuple[int, list[int], float]]:
    """Trials whose reward grows by 0.01 with each doubling of block 3 and falls by that with block 7."""
    random = np.random.default_rng(2)
    chosen = random.integers(3, size=(count, 18))
    rewards = 0.3 + 0.01 * (chosen[:, 2] - chosen[:, 6]) + noise * random.normal(size=count)
    return [
        (number, row.tolist(), float(reward)) for number, (row, reward) in enumerate(zip(chosen, rewards, strict=True))
    ]


def test_importance_finds_the_blocks_that_matter_and_how_sure_that_is() -> None:
    figure = block_importance(BLOCKS, [1, 2, 4], _trials(400, 0.005), 400)
    assert figure.effect is not None
    assert figure.low is not None
    assert figure.high is not None
    assert figure.effect[2] == pytest.approx(0.01, abs=0.0015)
    assert figure.effect[6] == pytest.approx(-0.01, abs=0.0015)
    assert all(low < effect < high for low, effect, high in zip(figure.low, figure.effect, figure.high, strict=True))
    sure = {block for block, low, high in zip(BLOCKS, figure.low, figure.high, strict=True) if low > 0 or high < 0}
    assert {3, 7} <= sure
    assert len(sure) <= 5  # one in twenty of the others by chance
    assert figure.explained == pytest.approx(0.0133 / (0.0133 + 0.0025), abs=0.1)


def test_noise_explains_nothing() -> None:
    trials = [(number, chosen, 0.3 + 0.01 * float(np.sin(997 * number))) for number, chosen, _ in _trials(120, 0.0)]
    figure = block_importance(BLOCKS, [1, 2, 4], trials, 120)
    assert figure.explained is not None
    assert figure.explained < 0.1


def test_importance_of_too_few_trials_is_null() -> None:
    few = block_importance(BLOCKS, [1, 2, 4], _trials(53, 0.01), 53)
    assert (few.effect, few.low, few.high, few.explained, few.needed) == (None, None, None, None, 54)
    with pytest.raises(NothingToDrawError, match="needs at least 54 trained architectures; 53 so far"):
        importance(few, Sheet())
    equal = block_importance(BLOCKS, [1, 2, 4], [(*row[:2], 0.3) for row in _trials(60, 0.0)], 60)
    with pytest.raises(NothingToDrawError, match="all rewards are equal"):
        importance(equal, Sheet())


@pytest.mark.parametrize("sheet", SHEETS)
def test_importance_is_drawn_with_its_intervals(sheet: Sheet) -> None:
    drawn = Drawn(importance(block_importance(BLOCKS, [1, 2, 4], _trials(400, 0.005), 400), sheet))
    tips = drawn.tips("best-mark")
    assert any(tip.startswith("block 3, L2 · +0.0") and "95 % interval" in tip for tip in tips)
    assert len(tips) + len(drawn.tips("unsure-mark")) == 18
    assert drawn.outside() == []


@pytest.mark.parametrize("sheet", SHEETS)
def test_each_strand_has_its_trial_reward_and_choices(sheet: Sheet) -> None:
    figure = Parallel([5, 7, 9], [1, 2, 4], [1, 2, 3], [0.31, 0.29, 0.3], [[0, 1, 2], [2, 2, 2], [0, 0, 0]], 1, 400)
    drawn = Drawn(parallel(figure, sheet))
    strands = {mark.attrib["data-trial"]: mark for mark in drawn.marks("strand")}
    assert set(strands) == {"2", "3"}
    assert strands["3"].attrib["data-reward"] == "0.3"
    assert strands["2"].attrib["data-choices"] == "2,2,2"
    assert float(strands["3"].attrib["stroke-opacity"]) > float(strands["2"].attrib["stroke-opacity"])
    (best,) = drawn.marks("strand-best")
    assert (best.attrib["data-trial"], best.attrib["data-choices"]) == ("1", "0,1,2")
    assert {"best, trial 1", "AP 0.290", "0.310", "3 of 400 trials shown"} <= set(drawn.texts())
    heights = [float(pair.split(",")[1]) for pair in best.attrib["points"].split()]
    assert heights[0] > heights[1] > heights[2]
    assert drawn.outside() == []
    without_best = parallel(figure._replace(best_number=None), sheet)
    strongest = max(map(float, re.findall(r'stroke-opacity="([\d.]+)" stroke-width', without_best)))
    assert float(re.findall(r'fill-opacity="([\d.]+)"', without_best)[-1]) == strongest  # the end of the legend
    with pytest.raises(NothingToDrawError, match="no sampled architecture"):
        parallel(Parallel([5], [1, 2], [], [], [], None, 0), sheet)
