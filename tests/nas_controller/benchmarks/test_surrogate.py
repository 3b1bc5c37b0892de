"""The surrogate predicts rewards that it was not fitted to, and states its error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nas_controller.benchmarks.searchers.landscapes import separable
from nas_controller.benchmarks.searchers.surrogate import MIN_ROWS, Surrogate, read_surrogate
from search_space.errors import InvalidValueError
from search_space.space import SearchSpace

WIDTHS = [candidate.widths for candidate in SearchSpace().random_candidates(160, seed=1)]
REWARDS = [separable(widths) for widths in WIDTHS]


def test_the_leave_one_out_error_is_that_of_fits_without_each_row() -> None:
    widths, rewards = WIDTHS[:30], REWARDS[:30]
    surrogate = Surrogate(widths, rewards)
    scaled = (np.array(rewards) - np.mean(rewards)) / np.std(rewards)
    kernel = surrogate._kernel(surrogate._points, surrogate.fit.length)
    errors = []
    for row in range(30):
        rest = np.arange(30) != row
        covariance = kernel[np.ix_(rest, rest)] + surrogate.fit.noise * np.eye(29)
        errors.append(scaled[row] - kernel[row, rest] @ np.linalg.solve(covariance, scaled[rest]))
    assert surrogate.fit.error == pytest.approx(np.sqrt(np.mean(np.square(errors))) * np.std(rewards))


def test_it_predicts_architectures_that_it_has_not_seen() -> None:
    surrogate = Surrogate(WIDTHS[:120], REWARDS[:120])
    errors = [surrogate(widths) - reward for widths, reward in zip(WIDTHS[120:], REWARDS[120:], strict=True)]
    error = float(np.sqrt(np.mean(np.square(errors))))
    assert error < 0.7 * np.std(REWARDS)
    assert surrogate.fit.error == pytest.approx(error, rel=0.5)
    assert surrogate.fit.rank_correlation > 0.6
    assert surrogate.fit.rows == 120


def test_predictions_are_rewards() -> None:
    surrogate = Surrogate(WIDTHS[:30], [0.0, 1.0] * 15)
    for widths in ((8,) * 18, (4096,) * 18):
        assert 0.0 <= surrogate(widths) <= 1.0


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines))
    return path


def rows(count: int) -> list[str]:
    return [
        json.dumps({"widths": widths, "ap": reward, "seed": 1})
        for widths, reward in zip(WIDTHS[:count], REWARDS, strict=False)
    ]


def test_a_file_of_scored_architectures_is_read_and_equal_widths_are_averaged(tmp_path: Path) -> None:
    lines = rows(MIN_ROWS)
    twice = json.dumps({"widths": WIDTHS[0], "ap": REWARDS[0] + 0.1})
    read = read_surrogate(write(tmp_path / "rewards.jsonl", *lines, "", twice))
    expected = Surrogate(WIDTHS[:MIN_ROWS], [REWARDS[0] + 0.05, *REWARDS[1:MIN_ROWS]])
    assert read.fit.rows == MIN_ROWS
    assert read(WIDTHS[50]) == pytest.approx(expected(WIDTHS[50]))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: it is no JSON"),
        ("[1]", 'line 2: it must be an object such as {"widths"'),
        ('{"widths": [8, 16], "ap": 0.3}', "line 2: "),
        (json.dumps({"widths": [*WIDTHS[0][:-1], "8"], "ap": 0.3}), "line 2: "),
        (json.dumps({"widths": WIDTHS[0], "ap": 1.5}), "line 2: ap is 1.5; it must be a number from 0 to 1"),
        (json.dumps({"widths": WIDTHS[0], "ap": True}), "line 2: ap is True"),
        (json.dumps({"widths": WIDTHS[0]}), "line 2: ap is None"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "rewards.jsonl", *rows(1), line)
    with pytest.raises(InvalidValueError) as caught:
        read_surrogate(path)
    assert message in str(caught.value)
    assert caught.value.field == "rewards"


def test_too_few_architectures_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "rewards.jsonl", *rows(MIN_ROWS - 1))
    with pytest.raises(InvalidValueError, match="has 19 architectures; a surrogate needs at least 20"):
        read_surrogate(path)
    with pytest.raises(InvalidValueError, match="cannot be read"):
        read_surrogate(tmp_path / "missing")
