"""Prints the processor time that the suppression of the PyTorch export takes for one image, on one thread.

.venv-exports/bin/python tests/exporters/pytorch/programs/suppression_time.py
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[4] / "exporters" / "pytorch" / "template"))

import detection

ROUNDS, OBJECTS = 9, 8
SETTINGS = {"iou": 0.5, "score": 0.001, "detections": 100}
CONFIG = {"anchors": {"octave_scales": [1, 2 ** (1 / 3), 2 ** (2 / 3)], "aspect_ratios": [0.5, 1, 2], "size": 4.0}}


def predictions(px: int, classes: int, *, is_trained: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes and scores of noise, and for a trained detector, many boxes around eight objects with high scores."""
    random = torch.Generator().manual_seed(0)
    anchors = detection.anchors_of([3, 4, 5, 6, 7], (px, px), CONFIG)
    boxes = moved(anchors, 0.1, random, px)
    if not is_trained:
        return boxes, torch.sigmoid(0.1 * torch.randn(len(anchors), classes, generator=random) - 4.6)
    corners = torch.rand(OBJECTS, 2, generator=random) * (px - 20)
    objects = torch.cat([corners, corners + 20 + torch.rand(OBJECTS, 2, generator=random) * px / 3], 1).clamp(0, px)
    labels = torch.randint(0, classes, (OBJECTS,), generator=random)
    overlap, nearest = detection.iou(anchors, objects).max(dim=1)
    near = overlap > 0.2
    boxes[near] = moved(objects[nearest[near]], 0.1, random, px)
    # With one class, all boxes have a score that counts: a crowd.
    logits = 1.2 * torch.randn(len(anchors), classes, generator=random) - (10 if classes > 1 else 4)
    logits[near, labels[nearest[near]]] += 10 * overlap[near] + 2
    return boxes, torch.sigmoid(logits)


def moved(boxes: torch.Tensor, share: float, random: torch.Generator, px: int) -> torch.Tensor:
    """Boxes whose sides are moved by about a share of their length."""
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    boxes = boxes + share * sides * torch.randn(boxes.shape, generator=random)
    return torch.cat([torch.minimum(boxes[:, :2], boxes[:, 2:]), torch.maximum(boxes[:, :2], boxes[:, 2:])], 1).clamp(
        0, px
    )


def main() -> None:
    torch.set_num_threads(1)
    for px, classes, is_trained in ((512, 80, False), (512, 80, True), (512, 1, True), (96, 10, True)):
        boxes, scores = predictions(px, classes, is_trained=is_trained)
        times_ms = []
        for _ in range(ROUNDS):
            started = time.process_time()
            found = detection.suppress(boxes, scores, SETTINGS)
            times_ms.append((time.process_time() - started) * 1e3)
        candidates = int((scores > SETTINGS["score"]).sum())
        print(
            f"{len(boxes):,} anchors, {classes} classes, {candidates:,} scores: {statistics.median(times_ms):.1f} ms, "
            f"{len(found['scores'])} detections"
        )


if __name__ == "__main__":
    main()
