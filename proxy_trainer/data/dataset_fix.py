"""Writes a data set as it was understood, in the plain COCO layout, with a report (`effspine data fix`)."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.findings import Finding
from proxy_trainer.data.image_checks import ImageChecks, OnProgress
from proxy_trainer.data.images import decode_image, image_content
from proxy_trainer.data.judgement import judge_dataset
from proxy_trainer.data.stratified_split import subset
from proxy_trainer.errors import DataError
from search_space.atomic_file import fsync_directory, partial_path, write_atomically
from search_space.display import counted, displayed

_EXACT_IDS = 2**53
"""Below it, programs that keep numbers as doubles keep integers exact."""


@dataclass(frozen=True)
class FixedDataset:
    """What was written: `report` is the content of DIR2/report.json, `text` that of DIR2/report.txt."""

    directory: Path
    report: dict[str, Any]
    text: str


def fix_dataset(directory: Path, out: Path, progress: OnProgress) -> FixedDataset:
    """Writes the data set in `directory` to `out`: images, annotations, report.json and report.txt.

    Images that cannot be used are left out, with their boxes. An image that is turned, has an EXIF orientation, or 16
    bits a channel becomes a PNG of the pixels that the trainer sees; the others are copied. Outlines, key points and
    other fields that detection does not use are not written. `out` is created atomically. Raises DataError where
    `out` exists and is not empty or one contains the other, where the annotations cannot be understood, where no image
    can be used, and where `out` cannot be written.
    """
    directory, out = directory.expanduser().absolute(), out.expanduser().absolute()
    _check_out(directory, out)
    judged = judge_dataset(directory, every_image=True, progress=progress)
    if not judged.loaded or len(judged.loaded) < len(judged.splits) or _not_understood(judged.refusals):
        judged.raise_if_refused()
    partial = partial_path(out)
    try:
        partial.mkdir(parents=True)
        splits = {
            name: _write_split(partial, name, split, judged.checks[name], is_single=len(judged.loaded) == 1)
            for name, split in judged.loaded.items()
        }
        report = {
            "source": str(directory),
            "directory": str(out),
            "splits": splits,
            "warnings": [each.to_dict() for each in judged.warnings],
            "refusals": [each.to_dict() for each in judged.refusals],
        }
        text = _text(report)
        write_atomically(partial / "report.json", (json.dumps(report, indent=2) + "\n").encode())
        write_atomically(partial / "report.txt", text.encode())
        if out.exists():
            out.rmdir()  # empty, as checked
        partial.rename(out)
        fsync_directory(out.parent)
    except OSError as error:
        raise DataError(f"cannot write the data set {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return FixedDataset(out, report, text)


def _check_out(directory: Path, out: Path) -> None:
    source, target = directory.resolve(), out.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise DataError(f"{out} and {directory} contain one another; give a directory beside it")
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise DataError(f"{out} exists; give a directory that is empty or does not exist yet")
    except OSError as error:
        raise DataError(f"cannot write the data set {out}: {error.strerror or error}") from error


def _not_understood(refusals: tuple[Finding, ...]) -> bool:
    """Whether the annotations themselves could not be read, or the classes of the splits differ."""
    return any(not each.kind.startswith("image-") and not each.kind.startswith("empty-") for each in refusals)


def _write_split(root: Path, name: str, whole: CocoSplit, checks: ImageChecks, *, is_single: bool) -> dict[str, Any]:
    usable = np.array([index for index in range(len(whole)) if index not in checks.faults], np.int64)
    if not len(usable):
        raise DataError(f"none of the {len(whole)} images of {whole.annotations_file} can be used")
    split = subset(whole, usable)
    images_dir = root / ("images" if is_single else name)
    file = root / "annotations.json" if is_single else root / "annotations" / f"instances_{name}.json"
    rewritten = [
        header is not None and (header.orientation != 1 or header.is_deep)
        for header in (checks.headers[index] for index in usable.tolist())
    ]
    names = _new_names(split.file_names, rewritten)
    by_name = {new: index for index, new in enumerate(names)}

    def write(index: int) -> None:
        path = images_dir / names[index]
        path.parent.mkdir(parents=True, exist_ok=True)
        content = image_content(split, index)
        path.write_bytes(_upright_png(split, index, content) if rewritten[index] else content)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, by_name.values()))
    write_atomically(file, (json.dumps(_document(split, names), indent=1) + "\n").encode())
    return {
        "images": len(split),
        "boxes": len(split.boxes),
        "images_left_out": [
            {"file_name": whole.file_names[index], "why": fault.message} for index, fault in checks.faults.items()
        ],
        "boxes_left_out": len(whole.boxes) - len(split.boxes),
        "images_rewritten": [
            {"file_name": old, "written_as": new}
            for old, new, changed in zip(split.file_names, names, rewritten, strict=True)
            if changed
        ],
    }


def _new_names(names: tuple[str, ...], rewritten: list[bool]) -> list[str]:
    """The names below the new images directory; a rewritten image becomes a PNG under a name that no other has."""
    taken = {name for name, changed in zip(names, rewritten, strict=True) if not changed}
    given: dict[str, str] = {}
    for name, changed in zip(names, rewritten, strict=True):
        if not changed or name in given:
            continue
        new = str(PurePosixPath(name).with_suffix(".png"))
        while new in taken:
            new = f"{new.removesuffix('.png')}_.png"
        given[name] = new
        taken.add(new)
    return [given.get(name, name) for name in names]


def _upright_png(split: CocoSplit, index: int, content: bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(decode_image(split, index, content)).save(file, "PNG")
    return file.getvalue()


def _document(split: CocoSplit, names: list[str]) -> dict[str, Any]:
    image_ids = _new_ids(split.image_ids, split.image_ranks.tolist())
    category_ids = _new_ids(split.category_ids, list(range(len(split.category_ids))))
    return {
        "images": [
            {"id": number, "file_name": name, "width": width, "height": height}
            for number, name, (height, width) in zip(image_ids, names, split.sizes.tolist(), strict=True)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image_ids[image],
                "category_id": category_ids[category],
                "bbox": box,
                "area": area,
                "iscrowd": int(crowd),
            }
            for number, (image, category, box, area, crowd) in enumerate(
                zip(
                    split.box_images.tolist(),
                    split.categories.tolist(),
                    split.boxes.tolist(),
                    split.areas.tolist(),
                    split.crowd.tolist(),
                    strict=True,
                ),
                1,
            )
        ],
        "categories": [
            {"id": number, "name": name} for number, name in zip(category_ids, split.category_names, strict=True)
        ],
    }


def _new_ids(ids: tuple[int | str, ...], ranks: list[int]) -> list[int]:
    """The ids, or numbers from 1 in the same order where one is a text, negative or not exact as a double."""
    plain = [number for number in ids if isinstance(number, int) and 0 <= number < _EXACT_IDS]
    return plain if len(plain) == len(ids) else [rank + 1 for rank in ranks]


def _text(report: Mapping[str, Any]) -> str:
    lines = [f"The data set {report['source']} as it was understood.", ""]
    for name, split in report["splits"].items():
        lines.append(f"{name}: {counted(split['images'], 'image')}, {counted(split['boxes'], 'box')} written")
        left_out = split["images_left_out"]
        if left_out:
            boxes = counted(split["boxes_left_out"], "box")
            lines.append(f"  {counted(len(left_out), 'image')} left out, with {boxes}:")
            lines += [f"    {each['file_name']}: {each['why']}" for each in left_out]
        rewritten = split["images_rewritten"]
        if rewritten:
            lines.append(f"  {counted(len(rewritten), 'image')} written as the trainer sees them:")
            lines += [f"    {each['file_name']} as {each['written_as']}" for each in rewritten]
    if report["warnings"]:
        lines += ["", "How it was understood, and what to look at:"]
        for each in report["warnings"]:
            lines.append(f"- {each['message']} ({each['kind']})")
            lines += [f"    {example}" for example in each["examples"]]
    return "".join(f"{displayed(line)}\n" for line in lines)
