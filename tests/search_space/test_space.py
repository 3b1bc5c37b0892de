"""The search space: the equations of the paper, and properties for any multipliers."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_space.allocation import allocate, block_madds
from search_space.errors import BudgetError, InvalidValueError
from search_space.published import BASES, D0_BETAS, EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.space import CHOICES, Mode, SearchSpace
from search_space.topology import BLOCKS, NUM_BLOCKS

EXACT = SearchSpace()
PAPER = SearchSpace(mode="paper")
MODES = get_args(Mode)

any_betas = st.lists(st.sampled_from(CHOICES), min_size=NUM_BLOCKS, max_size=NUM_BLOCKS)


def test_the_stated_betas_give_the_published_widths() -> None:
    assert PAPER.candidate(D0_BETAS).widths == EFF_SPINENET_D0.widths


def test_equation_2_is_height_times_width_times_squared_width_times_twice_the_expansion() -> None:
    assert block_madds(SP_EFFICIENTNET_B0)[4] == 32 * 32 * 96**2 * 2 * 6


@given(any_betas)
def test_equations_3_and_4_distribute_the_target_in_the_ratio_of_the_betas(betas: list[int]) -> None:
    costs = block_madds(SP_EFFICIENTNET_B0)
    alphas = allocate(betas, costs, 1e9)
    assert math.isclose(sum(alpha * cost for alpha, cost in zip(alphas, costs, strict=True)), 1e9, rel_tol=1e-12)
    assert all(math.isclose(alpha / alphas[0], beta / betas[0]) for alpha, beta in zip(alphas, betas, strict=True))


@given(any_betas)
def test_every_sample_is_on_budget_with_positive_multiples_of_eight(betas: list[int]) -> None:
    candidate = EXACT.candidate(betas)
    assert abs(candidate.madds_ratio - 1) <= 0.01
    assert candidate.madds_ratio == candidate.madds / EXACT.budget_madds
    assert all(width > 0 and width % 8 == 0 for width in candidate.widths)


@given(any_betas, st.integers(2, 1000))
def test_proportional_betas_give_the_same_architecture(betas: list[int], factor: int) -> None:
    assert EXACT.candidate([factor * beta for beta in betas]).widths == EXACT.candidate(betas).widths


@given(any_betas)
def test_equal_blocks_have_the_order_of_their_betas_up_to_a_rounding_step(betas: list[int]) -> None:
    widths = EXACT.candidate(betas).widths
    for i in range(NUM_BLOCKS):
        for j in range(NUM_BLOCKS):
            if SP_EFFICIENTNET_B0.widths[i] == SP_EFFICIENTNET_B0.widths[j] and betas[i] > betas[j]:
                assert widths[i] >= widths[j] - 8


def test_the_uniform_baseline_is_the_base_itself() -> None:
    assert EXACT.baseline.widths == SP_EFFICIENTNET_B0.widths
    assert EXACT.baseline.madds_ratio == 1


def test_paper_mode_misses_the_budget_by_the_effect_of_rounding() -> None:
    """95 % of random samples are within 10 % of the budget; the extremes are about -24 % and +15 %."""
    import numpy as np

    rng = np.random.default_rng(1)
    ratios = np.array([PAPER.candidate(rng.choice(CHOICES, NUM_BLOCKS).tolist()).madds_ratio for _ in range(2000)])
    assert 0.93 <= np.mean(np.abs(ratios - 1) < 0.1) <= 0.97
    assert -0.27 < ratios.min() - 1 < -0.15
    assert 0.10 < ratios.max() - 1 < 0.19


@pytest.mark.parametrize("base", BASES)
def test_every_base_has_a_search_space_on_its_own_budget(base: str) -> None:
    assert abs(SearchSpace(base).candidate(D0_BETAS).madds_ratio - 1) <= 0.01


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_another_budget_is_met(factor: float) -> None:
    budget = int(factor * EXACT.budget_madds)
    space = SearchSpace(budget_madds=budget)
    assert abs(space.candidate(D0_BETAS).madds / budget - 1) <= 0.01
    assert abs(space.baseline.madds / budget - 1) <= 0.01


@pytest.mark.parametrize("budget", [0, -5, 1000, 10**15])
def test_a_budget_that_no_widths_meet_is_refused_with_the_feasible_range(budget: int) -> None:
    low, high = EXACT.feasible_madds()
    with pytest.raises(BudgetError, match=f"{budget:,}.*{low:,} to {high:,}") as error:
        SearchSpace(budget_madds=budget)
    assert error.value.field == "search_space.budget_madds"


def test_the_ends_of_the_feasible_range_are_feasible() -> None:
    low, high = EXACT.feasible_madds()
    for budget in (low, high):
        assert SearchSpace(budget_madds=budget).budget_madds == budget


@pytest.mark.parametrize("blocks", [(8, 11), (1, 18), (17, 18)])
def test_the_feasible_range_of_few_searched_blocks_is_feasible(blocks: tuple[int, ...]) -> None:
    """At their smallest width they take less than the tolerance, so that the other blocks alone meet the budget."""
    low, high = SearchSpace(searched_blocks=blocks).feasible_madds()
    for budget in (low, high):
        space = SearchSpace(searched_blocks=blocks, budget_madds=budget)
        for betas in ((1, 1), (1, 20), (20, 1)):
            assert abs(space.candidate(betas).madds_ratio - 1) <= 0.01
        assert abs(space.baseline.madds_ratio - 1) <= 0.01
    smallest = SearchSpace(searched_blocks=blocks, budget_madds=low).candidate((1, 20)).widths
    assert [smallest[block - 1] for block in blocks] == [8, 8]


def test_mode_paper_refuses_a_budget_that_the_fixed_blocks_alone_reach() -> None:
    exact, paper = (SearchSpace(searched_blocks=(8, 11), mode=mode) for mode in MODES)
    low, _ = paper.feasible_madds()
    assert low > exact.feasible_madds()[0]
    with pytest.raises(BudgetError, match=f"budget_madds is .* Feasible are {low:,} to"):
        SearchSpace(searched_blocks=(8, 11), mode="paper", budget_madds=low - 1)
    widths = SearchSpace(searched_blocks=(8, 11), mode="paper", budget_madds=low).candidate((1, 20)).widths
    assert (widths[7], widths[10]) == (8, 8)


def test_spaces_of_equal_bases_are_equal_whatever_their_names() -> None:
    renamed = replace(EFF_SPINENET_D0, name="EFF-SPINENET-D0")
    assert SearchSpace(renamed) == SearchSpace(EFF_SPINENET_D0)
    first, second = (SearchSpace(replace(EFF_SPINENET_D0, input_px=384, name=name)) for name in ("a", "b"))
    assert first == second
    assert len({first, second, SearchSpace(renamed), SearchSpace(EFF_SPINENET_D0)}) == 2


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([1] * 17, "17 betas given; there must be 18, one for each searched block"),
        ([0] + [1] * 17, r"betas\[0\] is 0; it must be a positive number"),
        ([1, -5] + [1] * 16, r"betas\[1\] is -5"),
        ([float("nan")] * 18, r"betas\[0\] is nan"),
    ],
)
def test_betas_that_are_not_18_positive_numbers_are_refused(betas: list[float], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        EXACT.candidate(betas)


def test_an_unknown_base_or_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidValueError, match="'resnet'; it must be one of sp-efficientnet-b0"):
        SearchSpace("resnet")
    with pytest.raises(InvalidValueError, match="'greedy'; it must be exact or paper"):
        SearchSpace(mode="greedy")  # type: ignore[arg-type]


def test_the_topology_is_in_order_and_has_one_endpoint_per_level() -> None:
    assert all(parent < block.number for block in BLOCKS for parent in block.parents)
    assert sorted(block.level for block in BLOCKS if block.is_endpoint) == [3, 4, 5, 6, 7]
    assert not any(1 in block.parents for block in BLOCKS if len(block.parents) == 2)


def _random_betas(count: int, seed: int, blocks: int = NUM_BLOCKS) -> list[list[float]]:
    draw = random.Random(seed)
    return [draw.choices(CHOICES, k=blocks) for _ in range(count)]


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_samples_are_within_1_percent_of_the_budget_and_half_of_them_within_0_3_percent(count: int) -> None:
    off = [abs(EXACT.candidate(betas).madds_ratio - 1) for betas in _random_betas(count, seed=3)]
    assert max(off) <= 0.01
    assert statistics.median(off) < 0.003


@pytest.mark.parametrize("base", ["sp-efficientnet-b0", "eff-spinenet-m0"])
def test_every_width_is_one_of_the_two_multiples_around_its_unrounded_value(base: str) -> None:
    """So no correction moves a block further from its share than rounding does."""
    space = SearchSpace(base)
    for betas in _random_betas(300, seed=4):
        candidate = space.candidate(betas)
        for width, base_width, alpha in zip(candidate.widths, space.base.widths, candidate.alphas, strict=True):
            unrounded = base_width * math.sqrt(alpha)
            assert abs(width - unrounded) < 8 * (1 + 1e-9) or width == 8 > unrounded


def test_a_larger_beta_gets_no_smaller_share_beyond_a_rounding_step() -> None:
    draw = random.Random(5)
    for betas in _random_betas(300, seed=5):
        block = draw.randrange(NUM_BLOCKS)
        larger = list(betas)
        larger[block] = 20
        before, after = EXACT.candidate(betas).widths, EXACT.candidate(larger).widths
        assert after[block] >= before[block] - 8
        assert all(after[i] <= before[i] + 8 for i in range(NUM_BLOCKS) if i != block)


def test_alphas_of_a_candidate_are_in_the_ratio_of_its_betas() -> None:
    betas = _random_betas(1, seed=6)[0]
    alphas = EXACT.candidate(betas).alphas
    assert all(math.isclose(alpha / alphas[0], beta / betas[0]) for alpha, beta in zip(alphas, betas, strict=True))


def test_only_searched_blocks_change() -> None:
    space = SearchSpace(searched_blocks=(5, 7, 9, 14))
    for betas in _random_betas(50, seed=7, blocks=4):
        candidate = space.candidate(betas)
        assert len(candidate.betas) == len(candidate.alphas) == 4
        fixed = [i for i in range(NUM_BLOCKS) if i + 1 not in space.searched_blocks]
        assert all(candidate.widths[i] == SP_EFFICIENTNET_B0.widths[i] for i in fixed)
        assert abs(candidate.madds_ratio - 1) <= 0.01
    with pytest.raises(InvalidValueError, match="18 betas given; there must be 4, one for each searched block"):
        space.candidate([1] * 18)


def test_caps_on_blocks_and_parameters_hold_for_every_sample() -> None:
    space = SearchSpace(max_params=3_000_000, max_block_width={10: 64, 12: 100})
    assert space.baseline.params <= 3_000_000
    for betas in _random_betas(100, seed=8):
        candidate = space.candidate(betas)
        assert candidate.params <= 3_000_000
        assert candidate.widths[9] <= 64
        assert candidate.widths[11] <= 96  # the largest multiple of 8 under the cap
        assert abs(candidate.madds_ratio - 1) <= 0.01
    uniform = SearchSpace(max_block_width=128)
    assert max(uniform.candidate(D0_BETAS).widths) <= 128


def test_the_parameter_cap_preserves_the_proportions_of_blocks_of_one_level() -> None:
    betas = _random_betas(1, seed=9)[0]
    free, capped = EXACT.candidate(betas), SearchSpace(max_params=3_000_000).candidate(betas)
    assert free.params > 3_000_000
    for level in range(1, 8):
        ratios = [capped.alphas[b.number - 1] / free.alphas[b.number - 1] for b in BLOCKS if b.level == level]
        assert max(ratios) == pytest.approx(min(ratios))
    under = SearchSpace(max_params=free.params)
    assert under.candidate(betas) == free


@pytest.mark.parametrize("divisor", [1, 4, 16, 32])
def test_widths_are_multiples_of_the_divisor(divisor: int) -> None:
    space = SearchSpace(width_divisor=divisor)
    for betas in _random_betas(50, seed=10):
        candidate = space.candidate(betas)
        assert all(width % divisor == 0 for width in candidate.widths)
        assert abs(candidate.madds_ratio - 1) <= 0.01
    assert all(width % divisor == 0 for width in space.baseline.widths)


def test_other_choices_are_accepted_and_whole_ones_become_int() -> None:
    assert SearchSpace(choices=(0.5, 1.0, 2)).choices == (0.5, 1, 2)
    assert isinstance(SearchSpace(choices=(0.5, 1.0, 2)).choices[1], int)


def test_a_parameter_cap_that_cannot_be_met_is_refused_with_the_feasible_range() -> None:
    low, high = EXACT.feasible_params()
    with pytest.raises(BudgetError, match=f"max_params is 1,000; .* {low:,} to {high:,} parameters") as error:
        SearchSpace(max_params=1_000)
    assert error.value.field == "search_space.max_params"
    assert SearchSpace(max_params=low).baseline.params == low


def test_infeasible_block_caps_are_refused_with_the_feasible_range() -> None:
    with pytest.raises(BudgetError, match=r"budget_madds is .* Feasible are") as error:
        SearchSpace(max_block_width=16)
    assert error.value.field == "search_space.budget_madds"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"choices": (1,)}, r"choices is \[1\]; it must be 2 to 64 numbers"),
        ({"choices": (1, -1)}, "choices has -1; it must be positive"),
        ({"choices": (5, 1)}, r"choices is \[5, 1\]; it must be in ascending order"),
        ({"choices": (1, float("inf"))}, "choices has inf"),
        ({"searched_blocks": (5,)}, r"searched_blocks is \[5\]; it must be at least 2 blocks"),
        ({"searched_blocks": (5, 19)}, "searched_blocks has 19; it must be block numbers from 1 to 18"),
        ({"searched_blocks": (7, 5)}, r"searched_blocks is \[7, 5\]; it must be in ascending order"),
        ({"width_divisor": 0}, "width_divisor is 0; it must be a whole number from 1 to 64"),
        ({"max_params": 0}, "max_params is 0"),
        ({"max_block_width": 4}, "max_block_width is 4; it must be a whole number from 8 to 4,096"),
        ({"max_block_width": {19: 64}}, "max_block_width names block 19; it must be blocks that are searched"),
        ({"max_params": 4_000_000, "mode": "paper"}, "max_params is 4000000; .* mode paper, which has no caps"),
        ({"max_block_width": 64, "mode": "paper"}, "max_block_width is 64; .* mode paper"),
    ],
)
def test_invalid_arguments_of_a_search_space_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message) as error:
        SearchSpace(**arguments)
    assert error.value.field == f"search_space.{next(iter(arguments))}"
