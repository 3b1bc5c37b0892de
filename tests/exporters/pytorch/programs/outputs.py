"""Runs exported networks on images in inference and in training, and stores what they compute.

outputs.py CASE...      each has `model/` and `images.npy`; `outputs.npz` is written
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch

assert importlib.util.find_spec("search_space") is None, "effspine can be imported"
cases = [Path(argument) for argument in sys.argv[1:]]
sys.path.insert(0, str(cases[0] / "model"))

from cost import cost_of  # noqa: E402
from retinanet import load  # noqa: E402

for case in cases:
    model = load(case / "model", drop_rate=0.0)
    images = torch.from_numpy(np.load(case / "images.npy")).permute(0, 3, 1, 2)
    found = {name: np.array(value) for name, value in cost_of(model.network, model.input_px).items()}
    for mode in ("inference", "training"):
        model.train(mode == "training")
        with torch.no_grad():
            logits, codes = model.network(images)
        found |= {f"{mode}/logits": logits.numpy(), f"{mode}/codes": codes.numpy()}
    found |= {f"after/{name}": values.numpy() for name, values in model.network.state_dict().items()}
    np.savez(case / "outputs.npz", **found)
