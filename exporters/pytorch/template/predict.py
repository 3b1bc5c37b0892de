"""Detects objects in pictures: boxes as JSON on standard output, and drawn pictures.

    python predict.py IMAGE... [--out DIR] [--score 0.3]

`pictures.py` says what is printed. Needs torch, safetensors, pillow and numpy.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from PIL import Image

from pictures import Detection, arguments, report
from retinanet import RetinaNet, load


def main() -> None:
    parser = arguments(Path(__file__).parent, "exported directory")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    model = load(options.model).to(options.device)
    report(options, partial(detect, model), model.classes)


@torch.inference_mode()
def detect(model: RetinaNet, picture: Image.Image, lowest_score: float) -> list[Detection]:
    """The detections of an RGB picture with at least this score, best first."""
    pixels, scale = model.preprocess(picture)
    (found,) = model(pixels[None].to(next(model.parameters()).device))
    rows = zip((found["boxes"] / scale).tolist(), found["scores"].tolist(), found["labels"].tolist(), strict=True)
    return [row for row in rows if row[1] >= lowest_score]


if __name__ == "__main__":
    main()
