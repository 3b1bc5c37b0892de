"""`effspine evaluate` and `effspine predict`: a trained or exported model on a data set, and on pictures.

effspine evaluate RUN/best --data DIR
effspine predict picture.jpg --model RUN/best --out drawn
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxy_trainer.data_commands import AsJson
from proxy_trainer.printing import print_facts, progress_bar
from proxy_trainer.threads import thread_count
from search_space.terminal import note, print_json, print_text
from search_space.terminal_table import print_table

if TYPE_CHECKING:
    from proxy_trainer.inference.runnable import Predicted, Runnable

evaluate_app = typer.Typer(add_completion=False)
predict_app = typer.Typer(add_completion=False)

Threads = Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")]

_MODEL = "The directory of a training, a model directory, such as its best, or the folder of an export."
_INCOMPLETE_STATUS = 1


@evaluate_app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help=_MODEL)],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Data set, in the layout of the model's task.")],
    split: Annotated[
        str, typer.Option(help="val: images that a training holds out; train: those it learns from; all: one file.")
    ] = "val",
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Print the metrics of a model on a data set, as its task has them, and those of each class."""
    from search_space.data_dir import data_dir

    runnable = _runnable(model, threads)
    with progress_bar("evaluating") as progress:
        report = runnable.evaluate(data, split, data_dir() / "cache", progress)
    if as_json:
        print_json(report.document)
        return
    print_facts(report.facts)
    print_table(report.columns, report.rows, left=report.columns[:1])


@predict_app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures.")],
    model: Annotated[Path, typer.Option(metavar="MODEL", help=_MODEL)],
    score: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="The lowest score, or probability of a class, that is reported. [default: 0.3 for objects, else 0]",
        ),
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Classes that a classifier reports. [default: 5]")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pictures here, with what was found.")
    ] = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Find objects or classes in pictures; one that cannot be read is named, and the status is 1 at the end."""
    runnable = _runnable(model, threads)
    from proxy_trainer.errors import UnreadableImageError
    from proxy_trainer.inference.runnable import PredictOptions

    documents: list[dict[str, Any]] = []
    for path, name in zip(images, _drawn_names(images), strict=True):
        try:
            found = runnable.predict(path, PredictOptions(score, top))
        except UnreadableImageError as error:
            note(f"error: {error}")
            documents.append({"image": str(path), "error": str(error)})
            continue
        files = {} if out is None else _write_pictures(found, out, name)
        documents.append({**found.document, **files})
        if not as_json:
            print_text(", ".join((f"{path}: {found.summary}", *files.values())))
            for line in found.lines:
                print_text(f"  {line}")
    if as_json:
        print_json(documents)
    if any("error" in each for each in documents):
        raise typer.Exit(_INCOMPLETE_STATUS)


def _runnable(model: Path, threads: int) -> Runnable:
    from proxy_trainer.inference.models import load_runnable

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return load_runnable(model, thread_count(threads))


def _write_pictures(found: Predicted, out: Path, name: str) -> dict[str, str]:
    """Writes OUT/NAME, and others than the drawn picture into directories of OUT; returns the paths by key."""
    from proxy_trainer.data.box_drawing import png
    from proxy_trainer.errors import write_error
    from search_space.atomic_file import write_atomically

    files = {}
    for key, picture in found.pictures().items():
        file = out / name if key == "drawn" else out / key / name
        try:
            write_atomically(file, png(picture))
        except OSError as error:
            raise write_error(str(file), error) from error
        files[key] = str(file)
    return files


def _drawn_names(images: list[Path]) -> list[str]:
    """The file name of each drawn picture: that of the image, with its number where several have the same."""
    stems = Counter(path.stem for path in images)
    return [
        f"{path.stem}.png" if stems[path.stem] == 1 else f"{path.stem}-{number}.png"
        for number, path in enumerate(images, start=1)
    ]
