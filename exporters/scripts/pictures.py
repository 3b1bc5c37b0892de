"""The command line of `predict.py`: reads pictures, prints what is found in them as JSON, and draws it.

The JSON is a list with a document of each picture: `image`, `width`, `height`, and `detections`, best first, each with

- `box`: (x1, y1, x2, y2) in pixels of the upright picture and within it, to 4 decimals,
- `score`: 0 to 1, to 6 decimals,
- `class`: the class slot, from 0,
- `name`: that of the class; null where it is unknown.

`effspine predict --json` prints the same. With --out, pictures with boxes are written, named after the pictures, and of
pictures with the same name also after their place in the command. Needs pillow.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageOps

COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")

Detection = tuple[Sequence[float], float, int]
"""A box (x1, y1, x2, y2) in pixels of the picture, its score and its class slot."""

Detect = Callable[[Image.Image, float], Iterable[Detection]]
"""Gives the detections of an RGB picture with at least the score, best first."""


def arguments(model: Path, needed: str) -> argparse.ArgumentParser:
    """The command line; `model` is used unless another one is named, and `needed` says what is."""
    parser = argparse.ArgumentParser(description="Finds objects in pictures.")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="directory for the pictures with their boxes drawn")
    parser.add_argument("--score", type=float, default=0.3, help="the lowest score that is reported (default: 0.3)")
    parser.add_argument("--model", type=Path, default=model, metavar="PATH", help=f"another {needed}")
    return parser


def report(options: argparse.Namespace, detect: Detect, classes: Sequence[dict[str, Any]] | None) -> None:
    """Prints the documents of all pictures, and draws the detections; `classes` have a `name` each."""
    documents = []
    for number, path in enumerate(options.images, start=1):
        picture = open_picture(path)
        found = documents_of(picture, detect(picture, options.score), classes)
        documents.append({"image": str(path), "width": picture.width, "height": picture.height, "detections": found})
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            is_unique = [each.stem for each in options.images].count(path.stem) == 1
            drawn(picture, found).save(options.out / f"{path.stem if is_unique else f'{path.stem}-{number}'}.png")
    print(json.dumps(documents, indent=2, ensure_ascii=False))


def open_picture(path: Path) -> Image.Image:
    """The upright picture as RGB. Ends the program where the file cannot be read or has more than 8 bits a value."""
    try:
        with Image.open(path) as file:
            if file.mode.startswith(("I", "F")):
                sys.exit(f"{path} has pixels of mode {file.mode}; convert it to 8 bits a value first")
            return ImageOps.exif_transpose(file).convert("RGB")
    except OSError as error:
        sys.exit(f"{path} cannot be read as a picture: {error}")


def documents_of(
    picture: Image.Image, found: Iterable[Detection], classes: Sequence[dict[str, Any]] | None
) -> list[dict[str, Any]]:
    """The detections as JSON values; boxes are cut to the picture, and those in the padding left out."""
    limits = (picture.width, picture.height) * 2
    documents = []
    for box, score, slot in found:
        x1, y1, x2, y2 = (min(max(side, 0.0), limit) for side, limit in zip(box, limits, strict=True))
        if x1 < x2 and y1 < y2:
            sides = [round(side, 4) for side in (x1, y1, x2, y2)]
            name = None if classes is None else classes[slot]["name"]
            documents.append({"box": sides, "score": round(score, 6), "class": slot, "name": name})
    return documents


def drawn(picture: Image.Image, detections: list[dict[str, Any]]) -> Image.Image:
    """A copy with the boxes of the detections, the best ones on top."""
    copy = picture.copy()
    pen, line = ImageDraw.Draw(copy), max(1, round(max(copy.size) / 400))
    for each in reversed(detections):
        colour = COLOURS[each["class"] % len(COLOURS)]
        x1, y1, x2, y2 = each["box"]
        pen.rectangle((x1, y1, x2, y2), outline=colour, width=line)
        text = f"{each['class'] if each['name'] is None else each['name']} {each['score']:.2f}"
        corner = (x1 + line, max(0.0, y1 - 12))
        pen.rectangle(pen.textbbox(corner, text), fill=colour)
        pen.text(corner, text, fill="white")
    return copy
