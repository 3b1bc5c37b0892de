"""Files of rewards are read whatever wrote them, and a wrong one is refused with its line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from nas_controller.benchmarks.searchers.landscapes import separable
from nas_controller.benchmarks.searchers.rewards_file import MIN_ARCHITECTURES, read_rewards, read_surrogate
from nas_controller.benchmarks.searchers.surrogate import Surrogate
from search_space.errors import InvalidValueError
from search_space.space import SearchSpace

ROOT = Path(__file__).resolve().parents[3]
WIDTHS = [candidate.widths for candidate in SearchSpace().random_candidates(60, seed=1)]
REWARDS = [separable(widths) for widths in WIDTHS]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines))
    return path


def rows(count: int) -> list[str]:
    return [
        json.dumps({"widths": widths, "ap": reward, "seed": 1})
        for widths, reward in zip(WIDTHS[:count], REWARDS, strict=False)
    ]


def test_a_file_of_scored_architectures_is_read_and_equal_widths_are_averaged(tmp_path: Path) -> None:
    lines = rows(MIN_ARCHITECTURES)
    twice = json.dumps({"widths": WIDTHS[0], "ap": REWARDS[0] + 0.1})
    read = read_surrogate(write(tmp_path / "rewards.jsonl", *lines, "", twice))
    expected = Surrogate(WIDTHS[:MIN_ARCHITECTURES], [REWARDS[0] + 0.05, *REWARDS[1:MIN_ARCHITECTURES]])
    assert read.fit.architectures == MIN_ARCHITECTURES
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
        (json.dumps({"widths": WIDTHS[0], "reward": -0.1}), "line 2: reward is -0.1"),
        (json.dumps({"widths": WIDTHS[0]}), "line 2: it has neither a reward nor an ap"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path / "rewards.jsonl", *rows(1), line)
    with pytest.raises(InvalidValueError) as caught:
        read_surrogate(path)
    assert message in str(caught.value)
    assert caught.value.field == "rewards"


def test_too_few_architectures_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "rewards.jsonl", *rows(MIN_ARCHITECTURES - 1))
    with pytest.raises(InvalidValueError, match="has 19 architectures; a surrogate needs at least 20"):
        read_surrogate(path)
    with pytest.raises(InvalidValueError, match="cannot be read"):
        read_surrogate(tmp_path / "missing")


def test_a_reward_comes_before_an_ap_and_a_failed_training_is_left_out(tmp_path: Path) -> None:
    both = json.dumps({"widths": WIDTHS[0], "reward": 0.25, "ap": 0.5})
    failed = json.dumps({"widths": WIDTHS[1], "reward": None, "error": "out of memory"})
    assert read_rewards(write(tmp_path / "rewards.jsonl", both, failed)) == {WIDTHS[0]: [0.25]}


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(rows(MIN_ARCHITECTURES)).encode())
    path = tmp_path / "rewards.jsonl.gz"
    path.write_bytes(whole)
    assert len(read_rewards(path)) == MIN_ARCHITECTURES
    for damaged in (whole[:-12], whole[:40] + b"xxxx" + whole[44:], whole[:2] + b"x" + whole[3:]):
        path.write_bytes(damaged)
        with pytest.raises(InvalidValueError, match="cannot be read: it is a damaged gzip file"):
            read_rewards(path)


@pytest.mark.parametrize(
    ("file", "architectures", "rewards"), [("truth/digits.jsonl", 46, 122), ("results/trials.jsonl.gz", 9_999, 10_000)]
)
def test_the_rewards_in_the_documentation_are_read(file: str, architectures: int, rewards: int) -> None:
    found = read_rewards(ROOT / "docs" / file)
    assert (len(found), sum(map(len, found.values()))) == (architectures, rewards)
