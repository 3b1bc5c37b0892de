"""Runs an exported detector on pictures: what it detects, its losses, their gradient, and a few training steps.

detector.py CASE        has `model/` and `input.npz`; `output.npz` is written
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

assert importlib.util.find_spec("search_space") is None, "effspine can be imported"
case = Path(sys.argv[1])
sys.path.insert(0, str(case / "model"))

import detection  # noqa: E402
from retinanet import load, save  # noqa: E402

given = np.load(case / "input.npz")
pictures = [Image.fromarray(given[f"picture{number}"]) for number in range(int(given["pictures"]))]
model = load(case / "model", drop_rate=0.0)
prepared = [model.preprocess(picture) for picture in pictures]
images = torch.stack([pixels for pixels, _ in prepared])
output = {"scales": np.array([scale for _, scale in prepared]), "images": images.numpy()}

with torch.no_grad():
    found = model(images)
    detection.CHUNK, detection.FIRST_ANCHORS = 7, 50
    for whole, in_chunks in zip(found, model(images), strict=True):
        assert all(torch.equal(whole[name], in_chunks[name]) for name in whole)
for number, each in enumerate(found):
    output |= {f"{name}{number}": values.numpy() for name, values in each.items()}

corners = [torch.from_numpy(boxes)[:, [1, 0, 3, 2]] for boxes in given["boxes"]]
targets = [
    {"boxes": boxes[labels >= 0], "labels": labels[labels >= 0]}
    for boxes, labels in zip(corners, torch.from_numpy(given["labels"]).long(), strict=True)
]
losses = model.train()(images, targets)
sum(losses.values()).backward()
output |= {f"loss/{name}": loss.detach().numpy() for name, loss in losses.items()}
output |= {f"gradient/{name}": p.grad.numpy() for name, p in model.network.named_parameters()}

model = load(case / "model").train()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
torch.manual_seed(0)
course = []
for _ in range(12):
    total = sum(model(images, targets).values())
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    course.append(total.item())
save(model.eval(), case / "saved")
again = load(case / "saved")
with torch.no_grad():
    assert all(torch.equal(one, two) for one, two in zip(model.network(images), again.network(images), strict=True))
np.savez(case / "output.npz", course=np.array(course), **output)
