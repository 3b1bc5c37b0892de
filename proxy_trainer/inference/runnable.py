"""What `effspine evaluate` and `effspine predict` run: a model of any task, and what it finds, ready to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from search_space.errors import InvalidValueError

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report:
    """What was measured: `facts` by name, and a table below them; `document` has all of it as plain JSON values."""

    document: Mapping[str, Any]
    facts: Sequence[tuple[str, str]]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class PredictOptions:
    """What a command line asks for; None where it does not.

    `score` is the lowest one that is reported, `top` the number of classes.
    """

    score: float | None = None
    top: int | None = None

    def refuse(self, task: str, *names: str) -> None:
        """Raises InvalidValueError where an option is given that has no meaning for the task."""
        for name in names:
            if getattr(self, name) is not None:
                raise InvalidValueError(f"--{name} is not for {task}; leave it out", field=name)


@dataclass(frozen=True)
class Predicted:
    """What was found in a picture: a `summary`, lines about it, and the same as plain JSON values.

    `pictures` draws it; a key is that of the file's path in the document. The one called "mask" is a file for programs.
    """

    document: Mapping[str, Any]
    summary: str
    lines: Sequence[str]
    pictures: Callable[[], Mapping[str, Image.Image]]


class Runnable(Protocol):
    """A model that is ready to run."""

    def evaluate(self, data: Path, split: str, cache_dir: Path, progress: Progress) -> Report:
        """The metrics on a split of a data set. Raises InvalidValueError or DataError for what cannot be scored."""
        ...

    def predict(self, picture: Path, options: PredictOptions) -> Predicted:
        """What is found in a picture. Raises UnreadableImageError, and InvalidValueError for a wrong option."""
        ...


def figure_text(value: float | None) -> str:
    """A metric for a table."""
    return "-" if value is None else f"{value:.4f}"


def images_text(count: int, where: Path | str, is_held_out: bool | None) -> str:
    """Which images were scored, and whether the figures in the model are of them (None: it has no figures)."""
    of_figures = {True: ", those of the model's figures", False: ", not those of the model's figures", None: ""}
    return f"{count:,} of {where}{of_figures[is_held_out]}"


def model_facts(path: Path, format: str, name: str) -> list[tuple[str, str]]:
    """Where a model is, and the name of its network."""
    return [("model", f"{path} ({format})"), ("network", name)]
