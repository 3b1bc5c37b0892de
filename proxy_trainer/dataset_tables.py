"""Prints what is in a data set, as a reading or its registration has found it, and the list of those registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proxy_trainer.printing import print_facts
from search_space.datasets import dataset_location, dataset_names, dataset_report
from search_space.terminal import cell_text, console, note, print_json, print_text
from search_space.terminal_table import print_table

MAX_LISTED_FAULTS = 10


def print_inspection(splits: Mapping[str, dict[str, Any]], warnings: Sequence[Mapping[str, Any]]) -> None:
    """Prints each split, by name if there are several, and the warnings."""
    for name, found in splits.items():
        if len(splits) > 1:
            print_text(f"{name}: {found['annotations']}")
        _print_split(found)
    print_warnings(warnings)


def print_warnings(warnings: Sequence[Mapping[str, Any]]) -> None:
    """Prints each warning with its examples."""
    for each in warnings:
        print_text(f"warning: {each['message']} ({each['kind']})")
        for example in each["examples"]:
            print_text(f"  {example}")


def _print_split(found: dict[str, Any]) -> None:
    print_facts(_facts(found))
    rows = [(str(row["id"]), row["name"], f"{row['boxes']:,}", f"{row['images']:,}") for row in found["categories"]]
    columns = ("id", "category", "boxes", "images")
    print_table(columns, rows, left=("category",), drop=("images",), cut=("category",))
    print_text("")
    for path in found["missing_images"][:MAX_LISTED_FAULTS]:
        console().print(cell_text(f"missing: {path}", "red"))
    for fault in found["unreadable_images"][:MAX_LISTED_FAULTS]:
        console().print(cell_text(fault["error"], "red"))


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    decoded = "all" if found["images_decoded"] == found["images"] else f"{found['images_decoded']:,}"
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
        ("unreadable images", f"{len(found['unreadable_images']):,} (headers of all read, {decoded} decoded)"),
    ]


def print_registration(data_dir: Path, name: str, as_json: bool) -> bool:
    """Prints what the registration of a data set found, and says so; False where `name` has none."""
    report = _report(data_dir, name) if name in dataset_names(data_dir) else None
    if report is None:
        return False
    if as_json:
        print_json({"name": name, **report})
        return True
    print_text(f"data set {name}, as registered {report['registered_at'][:16].replace('T', ' ')}: {report['path']}")
    print_inspection(report["splits"], report["warnings"])
    note(f"`effspine data inspect --dataset {name}` reads it again")
    return True


def registered_datasets(data_dir: Path) -> list[dict[str, Any]]:
    """All data sets of a data directory, by name: where each is and what its registration found there.

    `splits`, `classes` and `warnings`, a count, are None without a report of the present directory.
    """
    return [_registered(data_dir, name) for name in dataset_names(data_dir)]


def _registered(data_dir: Path, name: str) -> dict[str, Any]:
    location, report = dataset_location(data_dir, name), _report(data_dir, name)
    splits = None if report is None else report["splits"]
    return {
        "name": name,
        "path": None if location is None else str(location),
        "is_there": location is not None and location.is_dir(),
        "registered_at": None if report is None else report["registered_at"],
        "splits": splits and {each: {"images": it["images"], "boxes": it["boxes"]} for each, it in splits.items()},
        "classes": splits and len(splits["train"]["categories"]),
        "warnings": None if report is None else len(report["warnings"]),
    }


def _report(data_dir: Path, name: str) -> dict[str, Any] | None:
    """The report of a registration; None where there is none that has its fields."""
    report = dataset_report(data_dir, name)
    return report if report is not None and {"registered_at", "splits", "warnings"} <= report.keys() else None


def print_registered(datasets: Sequence[Mapping[str, Any]]) -> None:
    """Prints the data sets, one a row; a dash stands for what no registration has found."""
    rows = [
        (
            each["name"],
            _state(each),
            _count(each, "train", "images"),
            _count(each, "val", "images"),
            _count(each, "train", "boxes"),
            "-" if each["classes"] is None else f"{each['classes']:,}",
            "-" if each["warnings"] is None else str(each["warnings"]),
            each["path"] or "-",
        )
        for each in datasets
    ]
    columns = ("name", "state", "training images", "validation", "boxes", "classes", "warnings", "directory")
    drop = ("boxes", "directory", "validation", "classes", "warnings")
    print_table(columns, rows, left=("name", "state", "directory"), drop=drop)


def _state(dataset: Mapping[str, Any]) -> str:
    if dataset["path"] is None:
        return "damaged"
    if not dataset["is_there"]:
        return "gone"
    return "not registered" if dataset["splits"] is None else "registered"


def _count(dataset: Mapping[str, Any], split: str, what: str) -> str:
    found = (dataset["splits"] or {}).get(split)
    return "-" if found is None else f"{found[what]:,}"
