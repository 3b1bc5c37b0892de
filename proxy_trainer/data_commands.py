"""`effspine data make-digits | list | inspect | register | fix | preview | to-tfrecord`: data sets.

effspine data make-digits DIR             4,000 images to train on and 2,000 to score
effspine data inspect DIR                 what is in a data set, and what is unusual about it
effspine data register NAME DIR           the same judgement, and a name for campaigns
effspine data list                        the registered data sets
effspine data inspect NAME                what the registration found
effspine data preview NAME                images with their boxes as the trainer sees them
effspine data fix DIR                     a copy as the data set was understood
effspine data to-tfrecord DIR             records for TensorFlow's Model Garden
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from proxy_trainer.data.digits_parameters import OBJECT_PX, TRAIN_IMAGES, VAL_IMAGES
from proxy_trainer.dataset_tables import (
    print_inspection,
    print_registered,
    print_registration,
    print_warnings,
    registered_datasets,
)
from proxy_trainer.printing import progress_bar
from search_space.errors import InvalidValueError
from search_space.terminal import note, print_json, print_text

if TYPE_CHECKING:
    from proxy_trainer.data.judgement import DatasetReport

data_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Data sets: make, inspect, register, fix, draw and convert them."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
CheckImages = Annotated[
    bool, typer.Option("--check-images", help="Decode every image; otherwise some, and of the others the headers.")
]


@data_app.command("make-digits")
def make_digits_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory to make; it must be empty or absent.")],
    train: Annotated[int, typer.Option(help="Training images.")] = TRAIN_IMAGES,
    val: Annotated[int, typer.Option(help="Validation images, for rewards.")] = VAL_IMAGES,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    categories: Annotated[
        int | None, typer.Option(help='1: "digit"; 10: "0" to "9", much slower to learn. Classification has 10.')
    ] = None,
    task: Annotated[
        str, typer.Option(help="detection (with masks), classification (a directory per digit) or segmentation (VOC).")
    ] = "detection",
    object_px: Annotated[
        str, typer.Option(metavar="LOW:HIGH", help="Heights of the digits, in pixels of images of 128.")
    ] = "{:g}:{:g}".format(*OBJECT_PX),
    as_json: AsJson = False,
) -> None:
    """Make a data set of real handwritten digits: in COCO format, or for another task."""
    from proxy_trainer.data.digits import make_digits

    heights = _parsed_range(object_px)
    categories = categories if categories is not None else 10 if task == "classification" else 1
    with progress_bar("making digits") as progress:
        made = make_digits(
            directory, train=train, val=val, seed=seed, categories=categories, object_px=heights,
            task=task, progress=progress,  # type: ignore[arg-type]  # it is checked
        )  # fmt: skip
    if as_json:
        print_json({"directory": str(made.directory), "created": made.created, **made.parameters.to_dict()})
        return
    print_text(f"{'made' if made.created else 'exists already:'} {made.directory}")


def _parsed_range(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise InvalidValueError(
            f"object_px is {text!r}; it must be LOW:HIGH, such as 10:32", field="object_px"
        ) from None
    return low, high


@data_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the data sets that campaigns can name, with what their registration found."""
    from search_space.data_dir import data_dir
    from search_space.datasets import in_data_dir

    found = registered_datasets(data_dir())
    if as_json:
        print_json(found)
    elif found:
        print_registered(found)
    else:
        command = in_data_dir(data_dir(), "effspine data register NAME DIR")
        note(f"there is no data set in {data_dir() / 'datasets'}; add one with `{command}`")


@data_app.command("inspect")
def inspect_command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME|DIR", help="A registered data set, or a COCO directory, which is read."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead: a registered data set, read again.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead of a whole data set: the images of one split.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --images: their COCO instances JSON.")
    ] = None,
    image_px: Annotated[int | None, typer.Option(help="Image side in training; default: laptop's.")] = None,
    anchor_size: Annotated[
        float | None, typer.Option(help="Smallest anchor of a level, in strides; default: laptop's.")
    ] = None,
    check_images: CheckImages = False,
    as_json: AsJson = False,
) -> None:
    """Print what a COCO data set contains, what is unusual about it, and why it cannot be used, if so.

    Of a registered data set, without options: what its registration found.
    """
    from proxy_trainer.data.coco_directory import SplitFiles
    from proxy_trainer.data.judgement import judge_dataset, judge_files
    from search_space.data_dir import data_dir
    from search_space.datasets import dataset_path
    from search_space.proxy_task import resolve

    if sum(value is not None for value in (name, dataset, images)) != 1 or (images is None) != (annotations is None):
        raise InvalidValueError("give NAME or DIR, or --dataset NAME, or --images DIR with --annotations FILE")
    is_read_again = check_images or image_px is not None or anchor_size is not None
    if name is not None and not is_read_again and print_registration(data_dir(), name, as_json):
        return
    directory = None if name is None else _directory(name)
    if dataset is not None:
        directory = dataset_path(data_dir(), dataset)
    overrides = {"image_px": image_px, "anchor_size": anchor_size}
    task = resolve("laptop", **{field: value for field, value in overrides.items() if value is not None})
    with progress_bar("reading images") as progress:
        if directory is not None:
            report = judge_dataset(directory, task, every_image=check_images, progress=progress)
        elif images is not None and annotations is not None:
            files = {"train": SplitFiles(images, annotations)}
            report = judge_files(images, files, task, every_image=check_images, progress=progress)
    if as_json:
        print_json(report.to_dict() if images is None else _split_document(report))
    else:
        print_inspection(report.splits, [each.to_dict() for each in report.warnings])
    report.raise_if_refused()


@data_app.command("register")
def register_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the data set in campaigns.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="COCO directory of images and annotations.")],
    check_images: CheckImages = False,
    as_json: AsJson = False,
) -> None:
    """Register a COCO directory as a data set for campaigns, if they can use it."""
    from proxy_trainer.data.dataset_registration import check_free, register_dataset
    from proxy_trainer.data.judgement import judge_dataset
    from search_space.data_dir import data_dir

    directory = directory.expanduser().absolute()
    check_free(data_dir(), name, directory)
    with progress_bar("reading images") as progress:
        report = judge_dataset(directory, every_image=check_images, progress=progress)
    file = None if report.refusals else register_dataset(data_dir(), name, report)
    if as_json:
        print_json({"name": name, "file": None if file is None else str(file), **report.to_dict()})
    elif file is not None:
        print_text(f"registered {name} as {directory} in {file}")
        print_warnings([each.to_dict() for each in report.warnings])
    report.raise_if_refused()


@data_app.command("fix")
def fix_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="COCO directory of images and annotations.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR2", help="Directory to make; empty or absent.", show_default="NAME-fixed, here"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a copy of a data set as it was understood, without the images that cannot be used, and a report."""
    from proxy_trainer.data.dataset_fix import fix_dataset

    with progress_bar("decoding images") as progress:
        fixed = fix_dataset(directory, out or _beside(directory, "fixed"), progress)
    if as_json:
        print_json(fixed.report)
        return
    print_text(f"{fixed.text}\nwritten to {fixed.directory}; the above is in its report.txt")


@data_app.command("preview")
def preview_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Registered data set, or a COCO directory.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Directory for train.png and reserved.png.", show_default="NAME-preview, here"
        ),
    ] = None,
    profile: Annotated[str, typer.Option(help="Proxy task: image size, augmentation and reserved images.")] = "laptop",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the campaign: which are reserved.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Draw images with their boxes as the trainer sees them, after resizing and after augmentation."""
    from proxy_trainer.data.preview import write_previews
    from search_space.data_dir import data_dir
    from search_space.datasets import dataset_names, dataset_path
    from search_space.proxy_task import resolve

    task = resolve(profile)
    if task.kind == "synthetic":
        raise InvalidValueError(f"profile {profile} trains nothing; use another one", field="proxy_task.profile")
    is_registered = name in dataset_names(data_dir())
    directory = dataset_path(data_dir(), name) if is_registered else _directory(name)
    out = out or _beside(Path(name) if is_registered else directory, "preview")
    paths = write_previews(directory, out.expanduser().absolute(), task, seed)
    if as_json:
        print_json({"files": [str(path) for path in paths]})
        return
    for path in paths:
        print_text(str(path))


@data_app.command("to-tfrecord")
def to_tfrecord_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of the data set, as training reads it.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR2", help="Directory to make; empty or absent.", show_default="NAME-tfrecord, here"
        ),
    ] = None,
    task: Annotated[
        str,
        typer.Option(
            help="detection, instance-segmentation (with masks), classification (a directory per class) or "
            "semantic-segmentation (VOC)."
        ),
    ] = "detection",
    shards: Annotated[int, typer.Option(metavar="N", help="Files of each split.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Write a data set as TFRecords for TensorFlow's Model Garden, in the features that its decoders read."""
    from proxy_trainer.native_output import suppress_native_output

    with suppress_native_output():
        from proxy_trainer.data.tfrecords import write_tfrecords
    out = out or _beside(directory, "tfrecord")
    with progress_bar("writing records") as progress:
        report = write_tfrecords(directory, out, task, shards, progress)  # type: ignore[arg-type]  # it is checked
    if as_json:
        print_json({"directory": str(out.expanduser().absolute()), **report})
        return
    for name, split in report["splits"].items():
        print_text(f"{name}: {split['images']:,} images, {split['objects']:,} objects, {len(split['files'])} files")
    print_text(f"written to {out}; labels are in its dataset.json")


def _split_document(report: DatasetReport) -> dict[str, Any]:
    """The document of one split, which options named, without a level for its name."""
    findings = report.to_dict()
    return {**report.splits.get("train", {}), "warnings": findings["warnings"], "refusals": findings["refusals"]}


def _directory(name: str) -> Path:
    """The directory that an argument names; that of a data set in the data directory if it is none here."""
    from search_space.data_dir import data_dir
    from search_space.datasets import dataset_names, dataset_path

    directory = Path(name).expanduser()
    if "/" in name or directory.exists():
        return directory
    if name in dataset_names(data_dir()):
        return dataset_path(data_dir(), name)
    known = ", ".join(dataset_names(data_dir())) or "none yet"
    raise InvalidValueError(f"{name} is neither a directory nor a registered data set; there are: {known}")


def _beside(directory: Path, what: str) -> Path:
    """The default of --out: `NAME-what` in the current directory, after the name of a directory."""
    return Path(f"{directory.expanduser().absolute().resolve().name or 'data'}-{what}")
