"""Reads a truth table from the results file of an earlier check."""

from __future__ import annotations

from pathlib import Path

from nas_controller.proxy_check.results import Result, read
from nas_controller.proxy_check.statistics import MIN_ARCHITECTURES
from nas_controller.proxy_check.truth import TruthTable
from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.space import Widths

FIELD = "reference"


def read_truth(path: Path, base: str) -> TruthTable:
    """The rewards of this base architecture in a results file.

    Raises InvalidValueError, with the file, if it does not exist or is not a results file, if its rewards are of more
    than one task, data set or version of the data, and for fewer than 3 architectures.
    """
    if not path.is_file():
        raise InvalidValueError(f"there are no results in {path}", field=FIELD)
    rewarded = [result for result in _read(path) if result.base == base and result.reward is not None]
    for result in rewarded:
        _check(result, path)
    _check_unmixed(rewarded, path)
    rewards: dict[Widths, dict[int, float]] = {}
    for result in rewarded:
        assert result.reward is not None
        rewards.setdefault(result.widths, {})[result.seed] = result.reward
    if len(rewards) < MIN_ARCHITECTURES:
        raise InvalidValueError(
            f"{path} has rewards of {len(rewards)} architectures of base {base}; a truth table has at least "
            f"{MIN_ARCHITECTURES}",
            field=FIELD,
        )
    return TruthTable(path, rewarded[0].task, rewarded[0].dataset, rewards)


def _read(path: Path) -> list[Result]:
    """All results in the file. Rewards of one seed on different data are refused here already."""
    try:
        return list(read(path).values())
    except InvalidValueError as error:
        message = str(error)
        raise InvalidValueError(message if str(path) in message else f"{path}: {message}", field=FIELD) from error


def _check(result: Result, path: Path) -> None:
    """Raises InvalidValueError for widths or a reward that no training can have."""
    try:
        Architecture(result.widths)
    except InvalidValueError as error:
        raise InvalidValueError(f"{path}: {error}", field=FIELD) from error
    reward: object = result.reward
    if not isinstance(reward, (int, float)) or not 0.0 <= reward <= 1.0:
        raise InvalidValueError(f"{path}: the reward {reward!r} is not a number from 0 to 1", field=FIELD)


def _check_unmixed(results: list[Result], path: Path) -> None:
    """Raises InvalidValueError unless all results have one task and one data set."""
    for result in results:
        first = results[0]
        if result.task != first.task:
            names = sorted(
                name for name in {*first.task, *result.task} if first.task.get(name) != result.task.get(name)
            )
            raise InvalidValueError(
                f"{path} mixes rewards of more than one task, with different {', '.join(names)}; a truth table has one",
                field=FIELD,
            )
        if result.dataset != first.dataset:
            raise InvalidValueError(
                f"{path} mixes rewards on the data sets {first.dataset} and {result.dataset}; a truth table has one",
                field=FIELD,
            )
