"""`effspine data make-digits | inspect | register`: data sets. `effspine proxy`: one training, here and now.

effspine data make-digits DIR                                    3,000 images in about half a minute
effspine proxy --widths 16,24,... --profile laptop --data DIR    about a minute on two cores
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy_trainer.printing import print_facts, print_json, progress_bar
from search_space.errors import InvalidValueError

data_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Data sets: make, inspect and register them.")

proxy_app = typer.Typer(add_completion=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

_LISTED_FAULTS = 10
_CHECKPOINTS = 10
"""How many a training has with a profile that says nothing of them."""


@data_app.command("make-digits")
def make_digits_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it must be empty or not there.")],
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
    print(f"{'made' if made.created else 'kept, as it was made before:'} {made.directory}")


@data_app.command("inspect")
def inspect_command(
    images: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the images.")],
    annotations: Annotated[Path, typer.Option(metavar="FILE", help="COCO instances JSON.")],
    image_px: Annotated[int, typer.Option(min=32, help="Image side in training, for the box levels.")] = 128,
    anchor_size: Annotated[float, typer.Option(min=0.1, help="Smallest anchor of a level, in strides.")] = 3.0,
    check_images: Annotated[bool, typer.Option("--check-images", help="Decode every image.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a COCO data set holds, and which of its images cannot be used."""
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
    name: Annotated[str, typer.Argument(metavar="NAME", help="What campaigns call the data set.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="COCO folder of images and annotations.")],
    as_json: AsJson = False,
) -> None:
    """Make a COCO folder known to campaigns by a name."""
    from proxy_trainer.data.dataset_registration import register_dataset
    from search_space.data_dir import data_dir

    file = register_dataset(data_dir(), name, directory)
    if as_json:
        print_json({"name": name, "path": str(directory.expanduser().absolute()), "file": str(file)})
        return
    print(f"{name} is {directory.expanduser().absolute()}, as {file} says")


@proxy_app.command()
def proxy(
    data: Annotated[Path, typer.Option(metavar="DIR", help="COCO folder of images and annotations.")],
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
        Path | None, typer.Option(metavar="FILE", help="Save the training here as it goes; run again to go on.")
    ] = None,
    keep_checkpoint: Annotated[
        bool, typer.Option("--keep-checkpoint", help="Leave the checkpoint there when the training is done.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train one proxy network here and now, and print its COCO figures."""
    from search_space.data_dir import data_dir
    from search_space.notation import given_architecture
    from search_space.proxy_task import parse_overrides, resolve
    from search_space.space import SearchSpace

    candidate = given_architecture(widths, architecture)
    task = resolve(profile, **parse_overrides(overrides or []))
    if task.kind == "synthetic":
        raise InvalidValueError(f"profile {profile} trains nothing; use another one", field="proxy_task.profile")
    if keep_checkpoint and checkpoint is None:
        raise InvalidValueError("--keep-checkpoint needs --checkpoint FILE")
    if checkpoint is not None and not task.checkpoint_steps:
        task = replace(task, checkpoint_steps=math.ceil(task.steps / _CHECKPOINTS))

    from proxy_trainer.data.coco_directory import find_splits
    from proxy_trainer.native_output import suppress_native_output

    find_splits(data)  # a wrong folder need not wait for TensorFlow
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with suppress_native_output():
        from proxy_trainer.training.checkpoint import check_overwritable
        from proxy_trainer.training.proxy_worker import Progress as Step
        from proxy_trainer.training.proxy_worker import ProxyWorker

        if checkpoint is not None:
            check_overwritable(checkpoint)
        pool = SearchSpace().start_pool() if task.start_steps else ()
        worker = ProxyWorker(task, data, data_dir() / "cache", seed, threads or os.cpu_count() or 1, pool)
    with progress_bar("common start") as of_supernet, progress_bar("training") as of_trial:

        def show(step: Step) -> None:
            (of_supernet if step.of_supernet else of_trial)(step.step, step.steps)

        metrics = worker.run(candidate, show, checkpoint=checkpoint, keep=keep_checkpoint)
    if as_json:
        print_json(metrics)
        return
    print_facts([(name, "-" if value is None else f"{value:.4g}") for name, value in metrics.items()])


def _print_inspection(found: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    print_facts(_facts(found))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("id", "category", "boxes", "images"):
        table.add_column(column, justify="left" if column == "category" else "right")
    for row in found["categories"]:
        table.add_row(str(row["id"]), Text(row["name"]), f"{row['boxes']:,}", f"{row['images']:,}")
    console.print(table)
    for path in found["missing_images"][:_LISTED_FAULTS]:
        console.print(Text(f"missing: {path}", style="red"))
    for fault in (found["unreadable_images"] or [])[:_LISTED_FAULTS]:
        console.print(Text(fault["error"], style="red"))


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    unreadable = found["unreadable_images"]
    return [
        ("images", f"{found['images']:,} ({found['empty_images']:,} without boxes)"),
        ("image sizes", ", ".join(f"{name} {w}x{h}" for name, (w, h) in found["image_sizes"].items())),
        ("boxes", f"{found['boxes']:,} ({found['crowd_boxes']:,} crowds)"),
        (
            "not as they stand",
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
