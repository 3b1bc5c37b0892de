"""The mathematics of the search space against the paper, and its properties for any multipliers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_space.published import BASES, D0_BETAS, EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.errors import BudgetError, InvalidValueError
from search_space.space import CHOICES, SearchSpace, allocate, block_madds
from search_space.topology import BLOCKS, NUM_BLOCKS

EXACT = SearchSpace()
PAPER = SearchSpace(mode="paper")

any_betas = st.lists(st.sampled_from(CHOICES), min_size=NUM_BLOCKS, max_size=NUM_BLOCKS)


def test_the_published_widths_come_out_of_the_stated_betas() -> None:
    assert PAPER.candidate(D0_BETAS).widths == EFF_SPINENET_D0.widths


def test_equation_2_is_height_times_width_times_squared_width_times_twice_the_expansion() -> None:
    assert block_madds(SP_EFFICIENTNET_B0)[4] == 32 * 32 * 96**2 * 2 * 6


@given(any_betas)
def test_equations_3_and_4_spend_the_target_in_the_ratio_of_the_betas(betas: list[int]) -> None:
    costs = block_madds(SP_EFFICIENTNET_B0)
    alphas = allocate(betas, costs, 1e9)
    assert math.isclose(sum(alpha * cost for alpha, cost in zip(alphas, costs, strict=True)), 1e9, rel_tol=1e-12)
    assert all(math.isclose(alpha / alphas[0], beta / betas[0]) for alpha, beta in zip(alphas, betas, strict=True))


@given(any_betas)
@settings(deadline=None)
def test_every_sample_is_on_budget_with_positive_multiples_of_eight(betas: list[int]) -> None:
    candidate = EXACT.candidate(betas)
    assert abs(candidate.madds_ratio - 1) <= 0.01
    assert candidate.madds_ratio == candidate.madds / EXACT.budget_madds
    assert all(width > 0 and width % 8 == 0 for width in candidate.widths)


@given(any_betas, st.integers(2, 1000))
@settings(deadline=None)
def test_betas_in_the_same_ratio_are_the_same_architecture(betas: list[int], factor: int) -> None:
    assert EXACT.candidate([factor * beta for beta in betas]).widths == EXACT.candidate(betas).widths


@given(any_betas)
@settings(deadline=None)
def test_blocks_alike_keep_the_order_of_their_betas_to_a_rounding_step(betas: list[int]) -> None:
    widths = EXACT.candidate(betas).widths
    for i in range(NUM_BLOCKS):
        for j in range(NUM_BLOCKS):
            if SP_EFFICIENTNET_B0.widths[i] == SP_EFFICIENTNET_B0.widths[j] and betas[i] > betas[j]:
                assert widths[i] >= widths[j] - 8


def test_the_uniform_baseline_is_the_base_itself() -> None:
    assert EXACT.baseline.widths == SP_EFFICIENTNET_B0.widths
    assert EXACT.baseline.madds_ratio == 1


def test_paper_mode_spreads_as_rounding_makes_it() -> None:
    """95 % of random samples within 10 % of the budget; the worst at some -24 % and +15 %."""
    import numpy as np

    rng = np.random.default_rng(1)
    ratios = np.array([PAPER.candidate(rng.choice(CHOICES, NUM_BLOCKS).tolist()).madds_ratio for _ in range(2000)])
    assert 0.93 <= np.mean(np.abs(ratios - 1) < 0.1) <= 0.97
    assert -0.27 < ratios.min() - 1 < -0.15
    assert 0.10 < ratios.max() - 1 < 0.19


@pytest.mark.parametrize("base", BASES)
def test_every_base_spans_a_space_on_its_own_budget(base: str) -> None:
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


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([1] * 17, "17 betas given; there must be 18"),
        ([0] + [1] * 17, r"betas\[0\] is 0; it must be a positive number"),
        ([1, -5] + [1] * 16, r"betas\[1\] is -5"),
        ([float("nan")] * 18, r"betas\[0\] is nan"),
    ],
)
def test_betas_that_are_not_18_positive_numbers_are_refused(betas: list[float], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        EXACT.candidate(betas)


def test_an_unknown_base_or_mode_is_refused_with_what_there_is() -> None:
    with pytest.raises(InvalidValueError, match="'resnet'; it must be one of sp-efficientnet-b0"):
        SearchSpace("resnet")
    with pytest.raises(InvalidValueError, match="'greedy'; it must be exact or paper"):
        SearchSpace(mode="greedy")  # type: ignore[arg-type]


def test_the_topology_is_a_graph_in_order_with_one_endpoint_a_level() -> None:
    assert all(parent < block.number for block in BLOCKS for parent in block.parents)
    assert sorted(block.level for block in BLOCKS if block.is_endpoint) == [3, 4, 5, 6, 7]
    assert not any(1 in block.parents for block in BLOCKS if len(block.parents) == 2)
