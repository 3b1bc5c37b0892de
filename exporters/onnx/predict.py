"""Finds objects in images with the detector beside this file; needs onnxruntime, numpy and pillow.

python predict.py IMAGE... [--out DIR] [--score 0.3]

Prints a JSON list with the detections of each image: the box (x1, y1, x2, y2) in pixels of the upright image, the score
(0 to 1), the class by its slot and its name (null where it is unknown). With --out, draws them into PNG files in DIR,
named after the images; of images with the same name, also after their place in the command.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#808000")


class Detector:
    """The model in a file, and the names of its classes."""

    def __init__(self, path: Path) -> None:
        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape
        classes = json.loads(self._session.get_modelmeta().custom_metadata_map["classes"])
        self._names = [each["name"] for each in classes or []]

    def detect(self, image: Image.Image, lowest_score: float = 0.0) -> list[dict[str, Any]]:
        """The detections of an RGB image with at least this score, best first."""
        scale = min(self._height / image.height, self._width / image.width)
        height, width = max(1, round(image.height * scale)), max(1, round(image.width * scale))
        pixels = np.zeros((1, self._height, self._width, 3), np.uint8)
        pixels[0, :height, :width] = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        sizes = np.array([[height, width]], np.int32)
        outputs = ("boxes", "scores", "classes", "count")
        boxes, scores, classes, count = self._session.run(outputs, {"pixels": pixels, "sizes": sizes})
        return [
            {
                "box": [round(float(side) / scale, 2) for side in box],
                "score": round(float(score), 6),
                "class": int(slot),
                "name": self._names[slot] if self._names else None,
            }
            for box, score, slot in zip(boxes[0, : count[0]], scores[0], classes[0], strict=False)
            if score >= lowest_score
        ]


def open_image(path: Path) -> Image.Image:
    """The upright image as RGB. Ends the program where the file cannot be read or has more than 8 bits a value."""
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                sys.exit(f"{path} has pixels of mode {image.mode}; convert it to 8 bits a value first")
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        sys.exit(f"{path} cannot be read as an image: {error}")


def draw(image: Image.Image, detections: list[dict[str, Any]]) -> Image.Image:
    """The image with the boxes, each labelled with its class and score; the best are on top."""
    drawn = image.copy()
    canvas = ImageDraw.Draw(drawn)
    for each in reversed(detections):
        colour = COLOURS[each["class"] % len(COLOURS)]
        x1, y1, x2, y2 = each["box"]
        canvas.rectangle((x1, y1, x2, y2), outline=colour, width=max(1, max(image.size) // 300))
        label = f"{each['name'] or each['class']} {each['score']:.2f}"
        place = (x1, max(0.0, y1 - 12))
        canvas.rectangle(canvas.textbbox(place, label), fill=colour)
        canvas.text(place, label, fill="white")
    return drawn


def main() -> None:
    """Reads the command line, prints the detections, and draws them."""
    parser = argparse.ArgumentParser(description="Finds objects in images.")
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="draw the detections into PNG files in this directory")
    parser.add_argument("--score", type=float, default=0.3, help="the lowest score of a detection (default: 0.3)")
    parser.add_argument("--model", type=Path, default=Path(__file__).with_name("model.onnx"), metavar="FILE")
    options = parser.parse_args()
    detector = Detector(options.model)
    found = []
    for number, path in enumerate(options.images, start=1):
        image = open_image(path)
        detections = detector.detect(image, options.score)
        found.append({"image": str(path), "width": image.width, "height": image.height, "detections": detections})
        if options.out is not None:
            options.out.mkdir(parents=True, exist_ok=True)
            is_named = sum(other.stem == path.stem for other in options.images) == 1
            draw(image, detections).save(
                options.out / (f"{path.stem}.png" if is_named else f"{path.stem}-{number}.png")
            )
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
