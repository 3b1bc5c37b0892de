"""What `effspine evaluate` and `effspine predict` run: a model of any task, and what it finds, ready to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from search_space.coco_metrics import metric_title
from search_space.errors import InvalidValueError

Progress = Callable[[int, int], None]

MODEL_DIRECTORY = "model directory"
"""The format of a directory that effspine has trained, among those of exports."""


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


@dataclass(frozen=True)
class Scored:
    """What `evaluate` has measured with the model of a task in a directory.

    `where` names the images for a reader and `data` identifies them in the document; `is_held_out` says whether they
    are those of the model's figures. `classes` has for each class its `name` and the values of `columns`.
    """

    task: str
    path: Path
    name: str
    where: Path | str
    data: Mapping[str, Any]
    is_held_out: bool | None
    figures: Mapping[str, float | None]
    columns: Sequence[str]
    classes: Sequence[Mapping[str, Any]]
    seconds: float
    facts: Sequence[tuple[str, str]] = ()

    def report(self) -> Report:
        """The document, the facts and the table."""
        document = {
            "task": self.task,
            "model": str(self.path),
            "format": MODEL_DIRECTORY,
            **self.data,
            "is_held_out": self.is_held_out,
            "figures": self.figures,
            "classes": self.classes,
            "seconds": round(self.seconds, 3),
        }
        facts = [
            *model_facts(self.path, MODEL_DIRECTORY, self.name),
            ("images", images_text(self.data["images"], self.where, self.is_held_out)),
            *self.facts,
            *figure_facts(self.figures),
        ]
        return Report(document, facts, ("class", *self.columns), class_cells(self.classes, self.columns))


def figure_facts(figures: Mapping[str, float | None]) -> list[tuple[str, str]]:
    """Metrics as people call them, as text."""
    return [(metric_title(name), _cell(value)) for name, value in figures.items()]


def class_cells(classes: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[tuple[str, ...]]:
    """The rows of a table of classes: the name of each, and the values of these columns."""
    return [(str(each["name"]), *(_cell(each[column]) for column in columns)) for each in classes]


def _cell(value: float | None) -> str:
    """A metric, or a count, for a table."""
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def images_text(count: int, where: Path | str, is_held_out: bool | None) -> str:
    """Which images were scored, and whether the figures in the model are of them (None: it has no figures)."""
    of_figures = {True: ", those of the model's figures", False: ", not those of the model's figures", None: ""}
    return f"{count:,} of {where}{of_figures[is_held_out]}"


def model_facts(path: Path, format: str, name: str) -> list[tuple[str, str]]:
    """Where a model is, and the name of its network."""
    return [("model", f"{path} ({format})"), ("network", name)]
