"""What surrounds the network of a RetinaNet: anchors, box codes, training targets, losses and suppression.

Boxes are (x1, y1, x2, y2) in pixels of the network's input, codes are (dy, dx, log dh, log dw). The constants are those
of the section `detector` of `config.json`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the name that PyTorch's documentation gives it
from torch import Tensor

SMALLEST_SIDE_PX = 1e-3
BACKGROUND = -1
FIRST_ANCHORS = 1000
"""Anchors that suppression looks at first; then, where these give too few detections, at four times as many."""
CHUNK = 250
"""Candidates that suppression compares with each other at once."""


def anchors_of(levels: list[int], size: tuple[int, int], detector: dict[str, Any]) -> Tensor:
    """All anchors `[anchors, 4]` of an input of (height, width), by level, row, column, scale and aspect ratio."""
    settings = detector["anchors"]
    shapes = [
        (scale * math.sqrt(ratio), scale / math.sqrt(ratio))
        for scale in settings["octave_scales"]
        for ratio in settings["aspect_ratios"]
    ]
    parts = []
    for level in levels:
        stride = 2**level
        sides = torch.tensor(shapes, dtype=torch.float64) * settings["size"] * stride
        rows, columns = ((torch.arange(-(-px // stride), dtype=torch.float64) + 0.5) * stride for px in size)
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        half_height, half_width = sides.T / 2
        y, x = y[..., None], x[..., None]
        parts.append(torch.stack([x - half_width, y - half_height, x + half_width, y + half_height], -1).reshape(-1, 4))
    return torch.cat(parts).float()


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Boxes `[anchors, 4]` as codes relative to the anchors `[anchors, 4]`."""
    centre, side = _centre_and_side(boxes)
    anchor_centre, anchor_side = _centre_and_side(anchors)
    side = side.clamp(min=SMALLEST_SIDE_PX)
    codes = torch.cat([(centre - anchor_centre) / anchor_side, torch.log(side / anchor_side)], dim=-1)
    return codes[..., [1, 0, 3, 2]]


def decode(codes: Tensor, anchors: Tensor, size: tuple[int, int], detector: dict[str, Any]) -> Tensor:
    """The inverse of `encode`; sides are bounded, and boxes clipped to an input of (height, width)."""
    codes = codes[..., [1, 0, 3, 2]]
    anchor_centre, anchor_side = _centre_and_side(anchors)
    centre = codes[..., :2] * anchor_side + anchor_centre
    half = torch.exp(codes[..., 2:].clamp(max=detector["boxes"]["largest_log_ratio"])) * anchor_side / 2
    boxes = torch.cat([centre - half, centre + half], dim=-1)
    limits = boxes.new_tensor([size[1], size[0], size[1], size[0]])
    return torch.minimum(boxes.clamp(min=0.0), limits)


def _centre_and_side(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def match(anchors: Tensor, boxes: Tensor, detector: dict[str, Any]) -> Tensor:
    """The index of the box of each anchor, -1 for background: `[anchors]`.

    An anchor is matched with the box of highest overlap if that is high enough. Every box is also matched with its
    anchor of highest overlap; of two boxes with the same best anchor, the first gets it.
    """
    if not len(boxes):
        return torch.full((len(anchors),), BACKGROUND, device=anchors.device)
    overlaps = iou(boxes, anchors)
    best, box = overlaps.max(dim=0)
    matches = torch.where(best >= detector["anchors"]["positive_iou"], box, BACKGROUND)
    largest, anchor = overlaps.max(dim=1)
    for number in reversed(range(len(boxes))):
        if largest[number] > 0:
            matches[anchor[number]] = number
    return matches


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union `[boxes, others]`; 0 with a box without area."""
    sides = [
        torch.minimum(boxes[:, None, axis + 2], others[None, :, axis + 2])
        - torch.maximum(boxes[:, None, axis], others[None, :, axis])
        for axis in (0, 1)
    ]
    intersection = sides[0].clamp(min=0) * sides[1].clamp(min=0)
    areas = [(each[:, 2:] - each[:, :2]).prod(dim=-1) for each in (boxes, others)]
    union = areas[0][:, None] + areas[1][None, :] - intersection
    return torch.where(intersection > 0, intersection / union, 0.0)


def losses_of(
    logits: Tensor, codes: Tensor, anchors: Tensor, targets: list[dict[str, Tensor]], detector: dict[str, Any]
) -> dict[str, Tensor]:
    """The losses of logits `[batch, anchors, classes]` and codes `[batch, anchors, 4]`; their sum is minimised.

    `targets` has, for each image, `boxes` `[n, 4]` and `labels` `[n]`. Sums over all anchors are divided by the number
    of positive anchors of the batch plus one.
    """
    settings = detector["losses"]
    classes, box_targets = [], []
    for target in targets:
        boxes, labels = target["boxes"].to(anchors), target["labels"].to(anchors.device)
        matches = match(anchors, boxes, detector)
        found = matches.clamp(min=0)
        is_positive = matches != BACKGROUND
        classes.append(torch.where(is_positive, labels[found], BACKGROUND) if len(boxes) else matches)
        box_targets.append(encode(boxes[found], anchors) if len(boxes) else torch.zeros_like(anchors))
    positive = torch.stack(classes) >= 0
    divisor = positive.sum() + 1.0
    labels = F.one_hot(torch.stack(classes) + 1, logits.shape[-1] + 1)[..., 1:].to(logits.dtype)
    focal = _focal_loss(logits, labels, settings["focal_alpha"], settings["focal_gamma"]).sum() / divisor
    errors = _huber(codes - torch.stack(box_targets), settings["huber_delta"])
    boxes = (errors * positive[..., None]).sum() / (4.0 * divisor)
    return {"classification": focal, "bbox_regression": settings["box_weight"] * boxes}


def _focal_loss(logits: Tensor, labels: Tensor, alpha: float, gamma: float) -> Tensor:
    signed = logits * (1.0 - 2.0 * labels)
    weights = 1.0 - alpha + (2.0 * alpha - 1.0) * labels
    # (1 - p_t) ** gamma, computed from the log-sigmoid so that its gradient stays finite.
    return weights * torch.exp(-gamma * F.softplus(-signed)) * F.softplus(signed)


def _huber(error: Tensor, delta: float) -> Tensor:
    size = error.abs()
    inside = size.clamp(max=delta)
    return inside * (size - 0.5 * inside)


def suppress(boxes: Tensor, scores: Tensor, settings: dict[str, Any]) -> dict[str, Tensor]:
    """The detections of one image, best first, after non-maximum suppression within each class.

    From boxes `[anchors, 4]` and scores `[anchors, classes]`: `boxes` `[n, 4]`, `scores` and `labels` `[n]`. Candidates
    are taken by falling score, of equal ones in the order of anchors, so the result is that of all of them, also where
    the first suffice.
    """
    classes, most = scores.shape[1], settings["detections"]
    best = scores.amax(dim=1)
    kept, ceiling = torch.empty(0, dtype=torch.long, device=boxes.device), math.inf
    for floor in _floors(best, settings["score"]):
        anchors = torch.nonzero(best > floor).squeeze(1)
        values = scores[anchors]
        row, label = torch.nonzero((values > floor) & (values <= ceiling), as_tuple=True)
        order = torch.sort(values[row, label], descending=True, stable=True).indices
        for chunk in (anchors[row] * classes + label)[order].split(CHUNK):
            chunk = chunk[~_overlapping(boxes, classes, kept, chunk, settings["iou"]).any(dim=0)]
            chosen = _undominated(_overlapping(boxes, classes, chunk, chunk, settings["iou"]))
            kept = torch.cat([kept, chunk[chosen]])[:most]
            if len(kept) == most:
                break
        if len(kept) == most:
            break
        ceiling = floor
    return {"boxes": boxes[kept // classes], "scores": scores.flatten()[kept], "labels": kept % classes}


def _floors(best: Tensor, lowest: float) -> Iterator[float]:
    """Falling scores down to `lowest`, from the best scores `[anchors]`: few candidates are above the first ones."""
    count = FIRST_ANCHORS
    while count < len(best) and (floor := float(best.topk(count + 1).values[-1])) > lowest:
        yield floor
        count *= 4
    yield lowest


def _undominated(overlaps: Tensor) -> Tensor:
    """Which candidates stay, `[n]`: those that overlap with no better one that stays; `overlaps` `[n, n]`, best first.

    Whether a candidate stays depends on better ones alone, so each round settles at least one more, and usually nearly
    all of them.
    """
    worse = overlaps.float().triu(diagonal=1)
    stays = worse.new_ones(len(worse))
    while True:
        now = (stays @ worse == 0).to(stays)
        if torch.equal(now, stays):
            return now.bool()
        stays = now


def _overlapping(boxes: Tensor, classes: int, first: Tensor, second: Tensor, limit: float) -> Tensor:
    """Which candidates of `first` and `second` are of one class and overlap too much `[first, second]`."""
    overlaps = iou(boxes[first // classes], boxes[second // classes])
    return (first[:, None] % classes == second[None, :] % classes) & (overlaps > limit)
