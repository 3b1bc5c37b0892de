"""A COCO detection data set as training and evaluation read it; the standard library reads the annotations.

DIR/annotations/instances_train*.json    with their images in DIR/train*/, DIR/images/train*/ or DIR/images/
DIR/annotations/instances_val*.json
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from torch import Tensor

from retinanet import RetinaNet

SMALLEST_VISIBLE_PX = 2.0
"""Boxes with a shorter side than this, after scaling and cropping, are not trained on."""


class CocoFolder:
    """The images of a split (`train` or `val`) with their boxes.

    `classes` is the `{id, name}` of each category in the order of ids, which is that of the labels. Raises
    SystemExit, with one sentence, where the data set is not there or is not as described above.
    """

    def __init__(self, directory: Path, split: str) -> None:
        found = sorted(directory.glob(f"annotations/instances_{split}*.json"))
        if len(found) != 1:
            sys_exit(f"{directory} has {len(found)} files annotations/instances_{split}*.json; there must be one")
        self.annotations = found[0]
        document = json.loads(self.annotations.read_text(encoding="utf-8"))
        categories = sorted(document["categories"], key=lambda category: category["id"])
        self.classes = [{"id": category["id"], "name": category["name"]} for category in categories]
        labels = {category["id"]: label for label, category in enumerate(self.classes)}
        self.images: list[dict[str, Any]] = document["images"]
        self.boxes: dict[Any, list[tuple[list[float], int]]] = defaultdict(list)
        for each in document["annotations"]:
            x, y, width, height = each["bbox"]
            if not each.get("iscrowd") and width > 0 and height > 0:
                self.boxes[each["image_id"]].append(([x, y, x + width, y + height], labels[each["category_id"]]))
        if not self.images:
            sys_exit(f"{self.annotations} lists no images")
        self.folder = self._images_folder(directory, split)

    def _images_folder(self, directory: Path, split: str) -> Path:
        name, first = self.annotations.stem.removeprefix("instances_"), self.images[0]["file_name"]
        usual = [directory / parts for parts in (name, split, f"images/{name}", f"images/{split}", "images", ".")]
        for folder in usual:
            if (folder / first).is_file():
                return folder
        return sys_exit(f"{first} of {self.annotations} is in none of {', '.join(map(str, usual))}")

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> Image.Image:
        """The picture in colour, as it is stored."""
        with Image.open(self.folder / self.images[index]["file_name"]) as image:
            return image.convert("RGB")

    def targets(self, index: int) -> tuple[Tensor, Tensor]:
        """Boxes `[n, 4]` in pixels of the picture, and labels `[n]`."""
        boxes = self.boxes[self.images[index]["id"]]
        corners = torch.tensor([corners for corners, _ in boxes], dtype=torch.float32).reshape(-1, 4)
        return corners, torch.tensor([label for _, label in boxes], dtype=torch.long)


class TrainingViews(torch.utils.data.Dataset):
    """Random views of the images of a folder: mirrored half of the time, scaled, and cropped where they are too large.

    Item `(index, seed)` is the prepared image and its target; equal seeds give equal views.
    """

    def __init__(self, folder: CocoFolder, model: RetinaNet, scale: tuple[float, float], flip: bool) -> None:
        self.folder, self.scale, self.flip = folder, scale, flip
        self.input_px, self.normalise = model.input_px, model.normalise

    def __len__(self) -> int:
        return len(self.folder)

    def __getitem__(self, item: tuple[int, str]) -> tuple[Tensor, dict[str, Tensor]]:
        index, seed = item
        draws, px = random.Random(seed), self.input_px
        image, (boxes, labels) = self.folder.image(index), self.folder.targets(index)
        limits = torch.tensor([*image.size, *image.size])
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        factor = draws.uniform(*self.scale) * px / max(image.size)
        width, height = (max(1, round(side * factor)) for side in image.size)
        boxes = boxes * torch.tensor([width, height, width, height]) / limits
        left, top = (draws.random() * max(0, side - px) for side in (width, height))
        left, top = round(left), round(top)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        image = image.crop((left, top, min(width, left + px), min(height, top + px)))
        boxes = boxes - torch.tensor([left, top, left, top])
        if self.flip and draws.random() < 0.5:
            image = ImageOps.mirror(image)
            boxes = torch.stack([image.width - boxes[:, 2], boxes[:, 1], image.width - boxes[:, 0], boxes[:, 3]], 1)
        boxes = torch.minimum(boxes.clamp(min=0), torch.tensor([*image.size, *image.size]))
        visible = (boxes[:, 2:] - boxes[:, :2] >= SMALLEST_VISIBLE_PX).all(dim=1)
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
        padded = torch.zeros(3, px, px)
        padded[:, : image.height, : image.width] = self.normalise(pixels.permute(2, 0, 1))
        return padded, {"boxes": boxes[visible], "labels": labels[visible]}


def sys_exit(message: str) -> Any:
    """Ends the program with one sentence."""
    raise SystemExit(f"error: {message}")
