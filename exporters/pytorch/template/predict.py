"""Detects objects in pictures: boxes as JSON on standard output, and drawn pictures.

    python predict.py IMAGE... [--out DIR] [--score 0.3]

Needs torch, safetensors, pillow and numpy.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageOps

from retinanet import RetinaNet, load

COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")


def main() -> int:
    parser = argparse.ArgumentParser(description="Detects objects in pictures.")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, help="directory for the pictures with their boxes drawn")
    parser.add_argument("--score", type=float, default=0.3, help="the lowest score that is reported (default: 0.3)")
    parser.add_argument("--model", type=Path, default=Path(__file__).parent, help="another exported directory")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    model = load(options.model).to(options.device)
    results: list[dict[str, Any]] = []
    for path in options.images:
        try:
            with Image.open(path) as file:
                image = ImageOps.exif_transpose(file).convert("RGB")
        except OSError as error:
            print(f"{path} cannot be read as a picture: {error}", file=sys.stderr)
            return 1
        found = detect(model, image, options.score)
        results.append({"image": str(path), "width": image.width, "height": image.height, "detections": found})
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            is_unique = [each.stem for each in options.images].count(path.stem) == 1
            name = path.stem if is_unique else f"{path.stem}-{len(results)}"
            drawn(image, found).save(options.out / f"{name}.png")
    print(json.dumps(results, indent=2, ensure_ascii=False))
    return 0


@torch.inference_mode()
def detect(model: RetinaNet, image: Image.Image, lowest_score: float) -> list[dict[str, Any]]:
    """The detections, best first: `box` (x1, y1, x2, y2) in pixels of the image, `score`, `label` and its `name`."""
    pixels, scale = model.preprocess(image)
    (found,) = model(pixels[None].to(next(model.parameters()).device))
    rows = zip(found["labels"].tolist(), found["scores"].tolist(), (found["boxes"] / scale).tolist(), strict=True)
    return [
        {"label": label, "name": name_of(model, label), "score": score, "box": box}
        for label, score, box in rows
        if score >= lowest_score
    ]


def name_of(model: RetinaNet, label: int) -> str:
    """The name of a class; its number where the names are unknown."""
    return str(label) if model.classes is None else model.classes[label]["name"]


def drawn(image: Image.Image, detections: list[dict[str, Any]]) -> Image.Image:
    """A copy of the image with the boxes of the detections, the best ones on top."""
    picture = image.copy()
    pen, line = ImageDraw.Draw(picture), max(1, round(max(image.size) / 400))
    for each in reversed(detections):
        colour = COLOURS[each["label"] % len(COLOURS)]
        x1, y1, x2, y2 = each["box"]
        pen.rectangle((x1, y1, x2, y2), outline=colour, width=line)
        text = f"{each['name']} {each['score']:.2f}"
        corner = (x1 + line, max(0.0, y1 - 12))
        pen.rectangle(pen.textbbox(corner, text), fill=colour)
        pen.text(corner, text, fill="white")
    return picture


if __name__ == "__main__":
    sys.exit(main())
