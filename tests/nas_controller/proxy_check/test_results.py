from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from nas_controller.proxy_check.results import key_of, missing, open_results, read
from search_space.errors import InvalidValueError
from tests.support.results_of_trainings import result, synthetic_study

STUDY = synthetic_study(architectures=3, seeds=2)
FIRST, SECOND, THIRD = STUDY.trainings()[:3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "results.jsonl"


def test_what_is_appended_is_read_again(path: Path) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.25))
        file.append(result(STUDY, SECOND, None))
        assert len(path.read_text().splitlines()) == 2  # at once, not at the end
        assert file.results == read(path)
    assert read(path) == {
        key_of(STUDY, FIRST): result(STUDY, FIRST, 0.25),
        key_of(STUDY, SECOND): result(STUDY, SECOND, None),
    }
    with open_results(path) as file:
        assert file.results == read(path)


def test_without_a_file_there_is_nothing(path: Path) -> None:
    assert read(path) == {}


def test_only_what_has_no_reward_is_missing(path: Path) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.25))
        file.append(result(STUDY, SECOND, None))
    assert missing(STUDY, read(path)) == list(STUDY.trainings()[1:])


def test_a_reward_replaces_a_failure_and_stays(path: Path) -> None:
    with open_results(path) as file:
        for reward in None, 0.5, None, 0.7:
            file.append(result(STUDY, FIRST, reward))
        assert file.results[key_of(STUDY, FIRST)].reward == 0.5
    assert read(path)[key_of(STUDY, FIRST)].reward == 0.5


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_dropped_and_written_over(path: Path, cut: int) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.1))
        file.append(result(STUDY, SECOND, 0.2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert set(read(path)) == {key_of(STUDY, FIRST)}
    with open_results(path) as file:
        assert missing(STUDY, file.results)[0] == SECOND
        file.append(result(STUDY, SECOND, 0.2))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"widths": [1]}', "\xff"])
def test_a_line_that_is_no_result_is_named(path: Path, line: str) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.1))
    path.write_bytes(path.read_bytes() + line.encode("latin-1") + b"\n" + path.read_bytes())
    with pytest.raises(InvalidValueError, match="line 2"):
        read(path)


def test_every_part_of_the_key_counts() -> None:
    one = result(STUDY, FIRST, 0.1)
    others = [
        replace(one, base="D0"),
        replace(one, widths=SECOND.widths),
        replace(one, task=dict(one.task) | {"steps": 7}),
        replace(one, seed=9),
        replace(one, dataset="/cars"),
    ]
    assert len({other.key for other in (one, *others)}) == 6
    assert replace(one, threads=7, reward=None).key == one.key
    assert replace(one, task=dict(one.task) | {"learning_rate": 1}).key == (
        replace(one, task=dict(one.task) | {"learning_rate": 1.0}).key
    )


def test_a_file_has_one_writer(path: Path) -> None:
    with open_results(path), pytest.raises(InvalidValueError, match="another process"), open_results(path):
        pass
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.1))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for wrong in tmp_path / "file" / "results.jsonl", tmp_path:
        with pytest.raises(InvalidValueError, match=str(wrong)), open_results(wrong):
            pass


def test_a_figure_that_json_cannot_carry_does_not_cost_the_reward(path: Path) -> None:
    odd = replace(result(STUDY, THIRD, 0.3), metrics={"ap": 0.3, "loss": float("nan")})
    with open_results(path) as file:
        file.append(odd)
    assert json.loads(path.read_text())["metrics"] == {"ap": 0.3}
    assert read(path)[odd.key].reward == 0.3
