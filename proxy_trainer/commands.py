"""`effspine data make-digits | inspect | register`: data sets. `effspine proxy`: train and score one architecture.

effspine data make-digits DIR                                    3,000 images in about half a minute
effspine proxy --widths 16,24,... --profile laptop --data DIR    about a minute on two cores
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxy_trainer.printing import print_facts, progress_bar
from search_space.errors import InvalidValueError
from search_space.terminal import cell_text, console, print_json, print_text

if TYPE_CHECKING:
    from search_space.proxy_task import ProxyTask

data_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Data sets: make, inspect and register them.")

proxy_app = typer.Typer(add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_MAX_LISTED_FAULTS = 10
_DEFAULT_CHECKPOINTS = 10
"""Checkpoints of a training whose profile sets no `checkpoint_steps`."""


@data_app.command("make-digits")
def make_digits_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory to make; it must be empty or absent.")],
    train: Annotated[int, typer.Option(help="Training images.")] = 1000,
    val: Annotated[int, typer.Option(help="Validation images, for rewards.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    categories: Annotated[int, typer.Option(help='1: "digit"; 10: "0" to "9", much slower to learn.')] = 1,
    as_json: AsJson = False,
) -> None:
    """Make a COCO-format detection data set of real handwritten digits."""
    from proxy_trainer.data.digits import make_digits

    with progress_bar("making digits") as progress:
        made = make_digits(directory, train=train, val=val, seed=seed, categories=categories, progress=progress)
    if as_json:
        print_json({"directory": str(made.directory), "created": made.created, **made.parameters.to_dict()})
        return
    print_text(f"{'made' if made.created else 'exists already:'} {made.directory}")


@data_app.command("inspect")
def inspect_command(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Directory of the images.")],
    annotations: Annotated[Path, typer.Option(metavar="FILE", help="COCO instances JSON.")],
    image_px: Annotated[int, typer.Option(min=32, help="Image side in training, for the box levels.")] = 128,
    anchor_size: Annotated[float, typer.Option(min=0.1, help="Smallest anchor of a level, in strides.")] = 3.0,
    check_images: Annotated[bool, typer.Option("--check-images", help="Decode every image.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print statistics of a COCO data set, and which of its images cannot be used."""
    from proxy_trainer.data.coco import load_split
    from proxy_trainer.data.inspection import inspect_split, unreadable_images
    from proxy_trainer.errors import DataError

    split = load_split(images, annotations)
    found = inspect_split(split, image_px=image_px, anchor_size=anchor_size)
    found["unreadable_images"] = None
    if check_images:
        with progress_bar("decoding images") as progress:
            found["unreadable_images"] = unreadable_images(split, progress)
    if as_json:
        print_json(found)
    else:
        _print_inspection(found)
    faulty = found["missing_images"] or [fault["path"] for fault in found["unreadable_images"] or ()]
    if faulty:
        kind = "are missing" if found["missing_images"] else "cannot be used"
        raise DataError(f"{len(faulty)} of {len(split)} images {kind}; the first is {faulty[0]}")


@data_app.command("register")
def register_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the data set in campaigns.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="COCO directory of images and annotations.")],
    as_json: AsJson = False,
) -> None:
    """Register a COCO directory as a data set for campaigns."""
    from proxy_trainer.data.dataset_registration import register_dataset
    from search_space.data_dir import data_dir

    file = register_dataset(data_dir(), name, directory)
    if as_json:
        print_json({"name": name, "path": str(directory.expanduser().absolute()), "file": str(file)})
        return
    print_text(f"registered {name} as {directory.expanduser().absolute()} in {file}")


@proxy_app.command()
def proxy(
    data: Annotated[Path, typer.Option(metavar="DIR", help="COCO directory of images and annotations.")],
    widths: Annotated[
        str | None, typer.Option(help="18 channel widths, separated by commas, at the scale of D0.")
    ] = None,
    architecture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Instead of widths: an exported block specification.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Proxy task.")] = "laptop",
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Replace one field of the proxy task.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of weights, batches and reserved images.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the training here regularly; run again to resume.")
    ] = None,
    keep_checkpoint: Annotated[
        bool, typer.Option("--keep-checkpoint", help="Keep the checkpoint when the training is done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train and score one proxy network in this process, and print its COCO metrics."""
    from search_space.data_dir import data_dir
    from search_space.option_values import architecture_from_options
    from search_space.space import SearchSpace

    candidate = architecture_from_options(widths, architecture)
    task = _training_task(profile, overrides or [], checkpoints=checkpoint is not None)
    if keep_checkpoint and checkpoint is None:
        raise InvalidValueError("--keep-checkpoint needs --checkpoint FILE")

    from proxy_trainer.data.coco_directory import find_splits
    from proxy_trainer.native_output import suppress_native_output

    find_splits(data)  # fail on a wrong directory before TensorFlow is loaded
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with suppress_native_output():
        from proxy_trainer.training.checkpoint import check_overwritable
        from proxy_trainer.training.proxy_worker import ProxyWorker
        from proxy_trainer.training.trial_run import Progress

        if checkpoint is not None:
            check_overwritable(checkpoint)
        pool = SearchSpace().start_pool() if task.start_steps else ()
        worker = ProxyWorker(task, data, data_dir() / "cache", seed, threads or os.cpu_count() or 1, pool)
    with progress_bar("common start") as supernet_bar, progress_bar("training") as trial_bar:

        def show(now: Progress) -> None:
            (supernet_bar if now.of_supernet else trial_bar)(now.step, now.steps)

        metrics = worker.run(candidate, show, checkpoint=checkpoint, keep=keep_checkpoint)
    if as_json:
        print_json(metrics)
        return
    print_facts([(name, "-" if value is None else f"{value:.4g}") for name, value in metrics.items()])


def _training_task(profile: str, overrides: list[str], *, checkpoints: bool) -> ProxyTask:
    """The proxy task of a real training. Raises InvalidValueError for a synthetic one and for invalid overrides."""
    from search_space.proxy_task import parse_overrides, resolve

    task = resolve(profile, **parse_overrides(overrides))
    if task.kind == "synthetic":
        raise InvalidValueError(f"profile {profile} trains nothing; use another one", field="proxy_task.profile")
    if checkpoints and not task.checkpoint_steps:
        return replace(task, checkpoint_steps=math.ceil(task.steps / _DEFAULT_CHECKPOINTS))
    return task


def _print_inspection(found: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    print_facts(_inspection_facts(found))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("id", "category", "boxes", "images"):
        table.add_column(column, justify="left" if column == "category" else "right")
    for row in found["categories"]:
        table.add_row(str(row["id"]), cell_text(row["name"]), f"{row['boxes']:,}", f"{row['images']:,}")
    console().print(table)
    for path in found["missing_images"][:_MAX_LISTED_FAULTS]:
        console().print(cell_text(f"missing: {path}", "red"))
    for fault in (found["unreadable_images"] or [])[:_MAX_LISTED_FAULTS]:
        console().print(cell_text(fault["error"], "red"))


def _inspection_facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    unreadable = found["unreadable_images"]
    return [
        ("images", f"{found['images']:,} ({found['empty_images']:,} without boxes)"),
        ("image sizes", ", ".join(f"{name} {w}x{h}" for name, (w, h) in found["image_sizes"].items())),
        ("boxes", f"{found['boxes']:,} ({found['crowd_boxes']:,} crowds)"),
        (
            "corrected boxes",
            f"{found['boxes_clipped']:,} clipped, {found['boxes_without_area']:,} without area",
        ),
        ("by COCO area", ", ".join(f"{name} {count:,}" for name, count in found["areas"].items())),
        (
            f"by level at {found['image_px']} px",
            ", ".join(f"{name} {n:,}" for name, n in found["levels"].items()),
        ),
        ("missing images", f"{len(found['missing_images']):,}"),
        (
            "unreadable images",
            "not checked (--check-images)" if unreadable is None else f"{len(unreadable):,}",
        ),
    ]
