"""Reads scored architectures: a truth table, the trials of a search, or any lines with widths and a reward."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from nas_controller.benchmarks.searchers.surrogate import Surrogate
from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.regular_file import read_regular
from search_space.space import Widths

MIN_ARCHITECTURES = 20
FIELD = "rewards"
_KEYS = ("reward", "ap")
_GZIP = b"\x1f\x8b"


def read_surrogate(path: Path) -> Surrogate:
    """The surrogate of the architectures in a file, whose rewards are averaged where there are several.

    Raises InvalidValueError like `read_rewards`, and for fewer than MIN_ARCHITECTURES.
    """
    found = read_rewards(path)
    if len(found) < MIN_ARCHITECTURES:
        raise InvalidValueError(
            f"{path} has {len(found)} architectures; a surrogate needs at least {MIN_ARCHITECTURES}", field=FIELD
        )
    return Surrogate(list(found), [float(np.mean(rewards)) for rewards in found.values()])


def read_rewards(path: Path) -> dict[Widths, list[float]]:
    """The rewards of each architecture in a file with an object on each line, compressed with gzip or not:
    `{"widths": [18 whole numbers], "reward": 0.31}`, or with `ap` in the place of `reward`.

    Other keys are ignored; a failed training, which has an `error` and no reward, is left out. Raises
    InvalidValueError for a file that cannot be read, and for a wrong line with its number.
    """
    found: dict[Widths, list[float]] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            try:
                parsed = _parsed(line)
            except InvalidValueError as error:
                raise InvalidValueError(f"{path}, line {number}: {error}", field=FIELD) from error
            if parsed is not None:
                widths, reward = parsed
                found.setdefault(widths, []).append(reward)
    return found


def _text(path: Path) -> str:
    try:
        content = read_regular(path)
        return (gzip.decompress(content) if content.startswith(_GZIP) else content).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "it is a damaged gzip file"
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        raise InvalidValueError(f"the rewards in {path} cannot be read: {reason}", field=FIELD) from error


def _parsed(line: str) -> tuple[Widths, float] | None:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise InvalidValueError(f"it is no JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("widths"), list):
        raise InvalidValueError('it must be an object such as {"widths": [16, 24, ...], "reward": 0.31}')
    key = next((key for key in _KEYS if row.get(key) is not None), None)
    if key is None:
        if row.get("error") is not None:
            return None
        raise InvalidValueError("it has neither a reward nor an ap")
    reward = row[key]
    if isinstance(reward, bool) or not isinstance(reward, (int, float)) or not 0.0 <= reward <= 1.0:
        raise InvalidValueError(f"{key} is {reward!r}; it must be a number from 0 to 1")
    return Architecture(tuple(row["widths"])).widths, float(reward)
