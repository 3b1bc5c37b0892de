"""What docs/architecture.md says of the estimates of slices, from the rows in the documentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from nas_controller.proxy_check.truth_file import read_truth
from nas_controller.search.estimated_values import Rewarded, estimate_values
from search_space.space import SearchSpace
from tools.studies.rows import read_rows

DOCS = Path(__file__).resolve().parents[3] / "docs"
SPACE = SearchSpace()
TRIALS = read_rows(DOCS / "results").trials


@pytest.mark.parametrize(("search", "share"), [("reinforce", 0.26), ("random", 0.45)])
def test_slices_differ_from_their_neighbours_although_their_rewards_repeat(search: str, share: float) -> None:
    found = [Rewarded(each.number, each.widths, each.ap) for each in TRIALS if each.search == search and each.number]
    assert estimate_values(found, SPACE.baseline.widths).noise_share == pytest.approx(share, abs=0.005)


def test_the_regression_on_the_slices_ranks_the_truth_table() -> None:
    random = [each for each in TRIALS if each.search == "random"]
    x, y = np.log([each.widths for each in random]), np.array([each.ap for each in random])
    design = np.hstack([np.ones((len(x), 1)), x])
    weights = np.linalg.lstsq(design, y, rcond=None)[0]
    truth = read_truth(DOCS / "truth" / "digits.jsonl", SPACE.base.name).rewards
    fitted = [float(weights[0] + np.log(widths) @ weights[1:]) for widths in truth]
    means = [float(np.mean(list(rewards.values()))) for rewards in truth.values()]
    assert kendalltau(fitted, means).statistic == pytest.approx(0.53, abs=0.005)
