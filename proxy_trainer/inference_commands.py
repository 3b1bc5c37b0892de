"""`effspine evaluate` and `effspine predict`: a trained or exported detector on a data set, and on pictures.

effspine evaluate RUN/best --data DIR
effspine predict picture.jpg --model RUN/best --out drawn
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxy_trainer.data_commands import AsJson
from proxy_trainer.printing import print_facts, print_table, progress_bar
from search_space.errors import InvalidValueError
from search_space.terminal import note, print_json, print_text

if TYPE_CHECKING:
    from proxy_trainer.inference.evaluation_report import EvaluationReport

evaluate_app = typer.Typer(add_completion=False)
predict_app = typer.Typer(add_completion=False)

Threads = Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")]

_MODEL = "A model directory, such as best of a training, or the folder of an export."
_INCOMPLETE_STATUS = 1


@evaluate_app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help=_MODEL)],
    data: Annotated[Path, typer.Option(metavar="DIR", help="COCO directory of images and annotations.")],
    split: Annotated[
        str, typer.Option(help="val: images that a training holds out; train: those it learns from; all: one file.")
    ] = "val",
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Print the COCO metrics of a detector on a data set, and the AP of each class."""
    from search_space.data_dir import data_dir

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    detector = _detector(model, threads)
    from proxy_trainer.inference.evaluation_report import evaluate_detector
    from proxy_trainer.inference.scored_split import scored_split

    images = scored_split(data, split, detector.specification.training)
    with progress_bar("evaluating") as progress:
        report = evaluate_detector(detector, images, data_dir() / "cache", progress)
    if as_json:
        print_json(report.to_dict())
        return
    _print_report(report)


@predict_app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Pictures.")],
    model: Annotated[Path, typer.Option(metavar="MODEL", help=_MODEL)],
    score: Annotated[float, typer.Option(min=0.0, max=1.0, help="The lowest score that is reported.")] = 0.3,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the pictures here, with boxes.")] = None,
    threads: Threads = 0,
    as_json: AsJson = False,
) -> None:
    """Find objects in pictures; a picture that cannot be read is named, and the status is 1 at the end."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    detector = _detector(model, threads)
    from proxy_trainer.data.box_drawing import png
    from proxy_trainer.errors import UnreadableImageError, write_error
    from proxy_trainer.inference.prediction import drawn
    from proxy_trainer.inference.prediction import predict as predict_one
    from search_space.atomic_file import write_atomically

    documents: list[dict[str, Any]] = []
    for number, path in enumerate(images, start=1):
        try:
            prediction = predict_one(detector, path, score)
        except UnreadableImageError as error:
            note(f"error: {error}")
            documents.append({"image": str(path), "error": str(error)})
            continue
        document = prediction.to_dict()
        if out is not None:
            file = out / _drawn_name(images, number)
            try:
                write_atomically(file, png(drawn(prediction)))
            except OSError as error:
                raise write_error(str(file), error) from error
            document["drawn"] = str(file)
        documents.append(document)
        if not as_json:
            _print_prediction(document)
    if as_json:
        print_json(documents)
    if any("error" in each for each in documents):
        raise typer.Exit(_INCOMPLETE_STATUS)


def _detector(model: Path, threads: int) -> Any:
    from proxy_trainer.inference.detector import load_any_detector

    if not model.expanduser().exists():
        raise InvalidValueError(f"there is no {model}; name a model directory or an export", field="model")
    return load_any_detector(model, threads or os.cpu_count() or 1)


def _drawn_name(images: list[Path], number: int) -> str:
    """The file name of a drawn picture: that of the image, with its number where several have the same."""
    stem = images[number - 1].stem
    is_unique = sum(other.stem == stem for other in images) == 1
    return f"{stem}.png" if is_unique else f"{stem}-{number}.png"


def _print_prediction(document: dict[str, Any]) -> None:
    found = document["detections"]
    print_text(f"{document['image']}: {len(found)} found" + (f", {document['drawn']}" if "drawn" in document else ""))
    for each in found:
        box = ", ".join(f"{side:.1f}" for side in each["box"])
        print_text(f"  {each['class'] if each['name'] is None else each['name']} {each['score']:.3f} at {box}")


def _print_report(report: EvaluationReport) -> None:
    images = f"{report.identity.images:,} of {report.split.annotations_file}"
    held_out = {True: ", those of the model's figures", False: ", not those of the model's figures", None: ""}
    facts = [("model", f"{report.detector.path} ({report.detector.format})")]
    facts += [("images", images + held_out[report.is_held_out]), ("boxes", f"{report.identity.boxes:,}")]
    facts += [(name, _figure(value)) for name, value in report.scores.metrics.items()]
    print_facts(facts)
    rows = [(row["name"], f"{row['boxes']:,}", _figure(row["ap"])) for row in report.class_rows()]
    print_table(("class", "boxes", "ap"), rows)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
