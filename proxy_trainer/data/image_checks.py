"""Checks the image files of a split before anything is trained on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.findings import MAX_EXAMPLES, Finding, findings_of
from proxy_trainer.data.image_header import ImageHeader, read_header
from proxy_trainer.data.images import TRANSPOSED, depth_findings, read_image
from proxy_trainer.errors import DataError
from proxy_trainer.threads import thread_count

DECODED_IMAGES = 256
"""So many images of a split, evenly spread, are decoded where not all are."""

_CHUNK_IMAGES = 64
_MISSING, _UNREADABLE, _OTHER_SIZE = "image-missing", "image-unreadable", "image-size-differs"
_FAULTS = {
    _MISSING: "are missing",
    _UNREADABLE: "cannot be read",
    _OTHER_SIZE: "have another size than the annotations say",
}

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImageFault:
    """Why an image cannot be used: `kind` as in a refusal, and the message of the error."""

    kind: str
    message: str


@dataclass(frozen=True, eq=False)
class ImageChecks:
    """What the files of a split's images are: `headers` in its order, None for an image with a fault.

    `faults` are by the index of the image; `decoded` images were decoded, of the others only headers were read.
    """

    headers: tuple[ImageHeader | None, ...]
    faults: dict[int, ImageFault] = field(default_factory=dict)
    decoded: int = 0


def check_images(split: CocoSplit, progress: OnProgress, *, every: bool) -> ImageChecks:
    """Reads the header of every image, and decodes every one or, without `every`, DECODED_IMAGES evenly spread ones.

    `progress` is called with (images done, images in total).
    """
    count = len(split)
    decoded = np.ones(count, np.bool_) if every else np.zeros(count, np.bool_)
    decoded[np.linspace(0, count - 1, min(count, DECODED_IMAGES)).round().astype(np.int64)] = True

    def check(index: int) -> ImageHeader | ImageFault:
        return _checked(split, index, decode=bool(decoded[index]))

    headers: list[ImageHeader | None] = []
    faults = {}
    with ThreadPoolExecutor(thread_count()) as pool:
        for start in range(0, count, _CHUNK_IMAGES):
            chunk = range(start, min(start + _CHUNK_IMAGES, count))
            for index, found in zip(chunk, pool.map(check, chunk), strict=True):
                if isinstance(found, ImageFault):
                    faults[index] = found
                headers.append(None if isinstance(found, ImageFault) else found)
            progress(chunk.stop, count)
    return ImageChecks(tuple(headers), faults, int(decoded.sum()))


def _checked(split: CocoSplit, index: int, *, decode: bool) -> ImageHeader | ImageFault:
    path = split.path(index)
    try:
        header = read_header(path)
        if not _has_stated_size(split, index, header):
            height, width = split.sizes[index].tolist()
            return ImageFault(
                _OTHER_SIZE,
                f"the image {path} is {header.width}x{header.height} pixels, but {split.annotations_file} says "
                f"{width}x{height}",
            )
        if decode or header.is_deep:
            read_image(split, index)
    except DataError as error:
        return ImageFault(_UNREADABLE if path.exists() else _MISSING, str(error))
    return header


def _has_stated_size(split: CocoSplit, index: int, header: ImageHeader) -> bool:
    height, width = split.sizes[index].tolist()
    is_turned = (header.width, header.height) == (height, width) and header.orientation in TRANSPOSED
    return is_turned or (header.height, header.width) == (height, width)


def is_read_upright(split: CocoSplit, index: int, header: ImageHeader) -> bool:
    """Whether the trainer turns this image as its EXIF orientation says."""
    return (header.height, header.width) != tuple(split.sizes[index].tolist())


def image_refusals(split: CocoSplit, checks: ImageChecks, remedy: str) -> list[Finding]:
    """What a campaign would stop at: one refusal for each kind of fault. `remedy` completes a sentence."""
    found = []
    for kind, text in _FAULTS.items():
        of_kind = {index: fault for index, fault in checks.faults.items() if fault.kind == kind}
        if not of_kind:
            continue
        first, fault = next(iter(of_kind.items()))
        example = f"; the first is {split.path(first)}" if kind == _MISSING else f": {fault.message}"
        message = f"{len(of_kind)} of {len(split)} images of {split.annotations_file} {text}{example}; {remedy}"
        examples = tuple(split.file_names[index] for index in list(of_kind)[:MAX_EXAMPLES])
        found.append(Finding(kind, len(of_kind), message, examples))
    return found


def image_warnings(split: CocoSplit, checks: ImageChecks) -> list[Finding]:
    """How pictures are understood that could be understood in another way."""
    turned, ignored, ambiguous = [], [], []
    for index, header in enumerate(checks.headers):
        if header is None or header.orientation == 1:
            continue
        name = f"{split.file_names[index]} (orientation {header.orientation})"
        if is_read_upright(split, index, header):
            turned.append(name)
        elif header.orientation in TRANSPOSED and header.height != header.width:
            ignored.append(name)
        else:
            ambiguous.append(name)
    source = split.annotations_file.name
    return [
        *findings_of(
            "orientation-applied", turned, source, "image", "turned as its EXIF orientation says, to the stated size"
        ),
        *findings_of(
            "orientation-ignored",
            ignored,
            source,
            "image",
            "with an EXIF orientation, but the stated size of the stored pixels, which are taken as they are stored",
        ),
        *findings_of(
            "orientation-ambiguous",
            ambiguous,
            source,
            "image",
            "with an EXIF orientation that keeps its size: boxes may be meant for the stored or for the turned pixels; "
            "the stored ones are taken, as the COCO tools do",
        ),
        *depth_findings(split, checks.headers),
        *_listed_twice(split),
    ]


def _listed_twice(split: CocoSplit) -> list[Finding]:
    first: dict[str, int] = {}
    again = []
    for index, name in enumerate(split.file_names):
        path = os.path.realpath(split.path(index))
        if path in first:
            again.append(f"{name} (ids {split.image_ids[first[path]]} and {split.image_ids[index]})")
        else:
            first[path] = index
    return findings_of(
        "image-twice",
        again,
        split.annotations_file.name,
        "image",
        "whose file is listed before, with boxes of its own each time; what is a box in one entry is background in the "
        "other",
    )
