from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from nas_controller.proxy_check.results import missing, open_results, read, training_key
from search_space.errors import InvalidValueError
from tests.support.training_results import result, synthetic_study

STUDY = synthetic_study(architectures=3, seeds=2)
FIRST, SECOND, THIRD = STUDY.trainings()[:3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "results.jsonl"


def test_appended_results_are_read_back(path: Path) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.25))
        file.append(result(STUDY, SECOND, None))
        assert len(path.read_text().splitlines()) == 2  # each at once, not both at the end
        assert file.results == read(path)
    assert read(path) == {
        training_key(STUDY, FIRST): result(STUDY, FIRST, 0.25),
        training_key(STUDY, SECOND): result(STUDY, SECOND, None),
    }
    with open_results(path) as file:
        assert file.results == read(path)


def test_without_a_file_there_are_no_results(path: Path) -> None:
    assert read(path) == {}


def test_trainings_without_a_reward_are_missing(path: Path) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.25))
        file.append(result(STUDY, SECOND, None))
    assert missing(STUDY, read(path)) == list(STUDY.trainings()[1:])


def test_a_reward_replaces_a_failure_and_is_kept(path: Path) -> None:
    with open_results(path) as file:
        for reward in None, 0.5, None, 0.7:
            file.append(result(STUDY, FIRST, reward))
        assert file.results[training_key(STUDY, FIRST)].reward == 0.5
    assert read(path)[training_key(STUDY, FIRST)].reward == 0.5


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_an_incomplete_last_line_is_dropped_and_overwritten(path: Path, cut: int) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.1))
        file.append(result(STUDY, SECOND, 0.2))
    complete = path.read_bytes()
    path.write_bytes(complete[:-cut])
    assert set(read(path)) == {training_key(STUDY, FIRST)}
    with open_results(path) as file:
        assert missing(STUDY, file.results)[0] == SECOND
        file.append(result(STUDY, SECOND, 0.2))
    assert path.read_bytes() == complete


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"widths": [1]}', "\xff"])
def test_the_number_of_an_invalid_line_is_reported(path: Path, line: str) -> None:
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.1))
    path.write_bytes(path.read_bytes() + line.encode("latin-1") + b"\n" + path.read_bytes())
    with pytest.raises(InvalidValueError, match="line 2"):
        read(path)


def test_every_part_of_the_key_counts() -> None:
    original = result(STUDY, FIRST, 0.1)
    others = [
        replace(original, base="D0"),
        replace(original, widths=SECOND.widths),
        replace(original, task=dict(original.task) | {"steps": 7}),
        replace(original, seed=9),
        replace(original, dataset="/cars"),
    ]
    assert len({other.key for other in (original, *others)}) == 6
    assert replace(original, threads=7, reward=None).key == original.key
    assert replace(original, task=dict(original.task) | {"learning_rate": 1}).key == (
        replace(original, task=dict(original.task) | {"learning_rate": 1.0}).key
    )


def test_a_file_has_one_writer(path: Path) -> None:
    with open_results(path), pytest.raises(InvalidValueError, match="another process"), open_results(path):
        pass
    with open_results(path) as file:
        file.append(result(STUDY, FIRST, 0.1))


def test_a_path_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for invalid in tmp_path / "file" / "results.jsonl", tmp_path:
        with pytest.raises(InvalidValueError, match=str(invalid)), open_results(invalid):
            pass


def test_a_metric_that_json_cannot_represent_is_left_out(path: Path) -> None:
    result_with_nan = replace(result(STUDY, THIRD, 0.3), metrics={"ap": 0.3, "loss": float("nan")})
    with open_results(path) as file:
        file.append(result_with_nan)
    assert json.loads(path.read_text())["metrics"] == {"ap": 0.3}
    assert read(path)[result_with_nan.key].reward == 0.3


DATA = {"sha256": "s", "train": {"boxes": 512, "annotations_sha256": "a"}, "reserved": {"boxes": 92}}
EDITED = {"sha256": "t", "train": {"boxes": 510, "annotations_sha256": "x"}, "reserved": {"boxes": 92}}


def test_the_data_of_a_result_are_read_again(path: Path) -> None:
    stated = replace(result(STUDY, FIRST, 0.1), data=DATA)
    with open_results(path) as file:
        file.append(stated)
        file.append(result(STUDY, SECOND, 0.2))
    assert read(path) == {stated.key: stated, training_key(STUDY, SECOND): result(STUDY, SECOND, 0.2)}


def test_rewards_of_one_seed_on_different_data_are_refused(path: Path) -> None:
    """Also with `--report-only`, which reads them."""
    assert FIRST.seed == SECOND.seed
    with open_results(path) as file:
        file.append(replace(result(STUDY, FIRST, 0.1), data=DATA))
        file.append(replace(result(STUDY, SECOND, 0.2), data=EDITED))
    message = (
        r"changed between the results of seed \d+: other training annotations \(510 training boxes instead of 512\)"
    )
    with pytest.raises(InvalidValueError, match=message):
        read(path)


def test_other_seeds_and_failures_may_have_read_other_data(path: Path) -> None:
    """Each seed reserves other images, and a failure measures nothing."""
    other_seed = next(training for training in STUDY.trainings() if training.seed != FIRST.seed)
    with open_results(path) as file:
        file.append(replace(result(STUDY, FIRST, 0.1), data=DATA))
        file.append(replace(result(STUDY, other_seed, 0.2), data=EDITED))
        file.append(replace(result(STUDY, SECOND, None), data=EDITED))
    assert len(read(path)) == 3


def test_a_pipe_in_the_place_of_the_results_is_refused(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(InvalidValueError, match="cannot be read: it is a named pipe, not a regular file"):
        read(path)
