"""Compares the suppression of an exported detector with one that takes candidate after candidate.

suppression.py MODEL
"""

from __future__ import annotations

import sys

import torch

sys.path.insert(0, sys.argv[1])

import detection

SETTINGS = {"iou": 0.5, "score": 0.01, "detections": 40}


def one_by_one(boxes: torch.Tensor, scores: torch.Tensor) -> list[tuple[int, int]]:
    """The (anchor, class) of the detections, best first; of equal scores, the first anchor and class first."""
    kept: list[tuple[int, int]] = []
    for place in torch.sort(scores.flatten(), descending=True, stable=True).indices.tolist():
        anchor, label = divmod(place, scores.shape[1])
        if len(kept) == SETTINGS["detections"] or scores[anchor, label] <= SETTINGS["score"]:
            break
        same = [other for other, kind in kept if kind == label]
        if not (detection.iou(boxes[[anchor]], boxes[same]) > SETTINGS["iou"]).any():
            kept.append((anchor, label))
    return kept


def cases(random: torch.Generator) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Boxes and scores: few and many objects, scores that are equal, all of them, and below the lowest."""
    found = []
    for spread in (10.0, 60.0, 400.0):
        corners = spread * torch.rand(300, 2, generator=random)
        boxes = torch.cat([corners, corners + 20 + 30 * torch.rand(300, 2, generator=random)], dim=1)
        scores = torch.rand(300, 3, generator=random) ** 4
        found += [(boxes, scores), (boxes, (8 * scores).round() / 8), (boxes, torch.full_like(scores, 0.5))]
    return [*found, (boxes, torch.zeros_like(scores))]


counts = []
for boxes, scores in cases(torch.Generator().manual_seed(0)):
    expected = one_by_one(boxes, scores)
    counts.append(len(expected))
    for detection.CHUNK, detection.FIRST_ANCHORS in ((250, 1000), (7, 20), (1, 299), (250, 1)):
        found = detection.suppress(boxes, scores, SETTINGS)
        assert found["labels"].tolist() == [label for _, label in expected]
        assert torch.equal(found["boxes"], boxes[[anchor for anchor, _ in expected]])
        assert found["scores"].tolist() == [float(scores[place]) for place in expected]
assert 0 < min(counts[:-1]) < max(counts) == SETTINGS["detections"]
assert counts[-1] == 0
