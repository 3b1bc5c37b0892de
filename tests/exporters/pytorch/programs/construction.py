"""Builds an exported detector without its weights: initial values, stochastic depth, and the backbone's interface.

construction.py MODEL OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, sys.argv[1])

from effspinenet import EffSpineNet, MBConv, drop_path
from retinanet import RetinaNet

config = json.loads((Path(sys.argv[1]) / "config.json").read_text())
torch.manual_seed(0)
network = RetinaNet(config).network
found = {f"initial/{name}": values.numpy() for name, values in network.state_dict().items()}
found |= {
    f"drop/{name}": np.array(module.drop) for name, module in network.named_modules() if isinstance(module, MBConv)
}
found["dropped"] = drop_path(torch.ones(20_000, 2, 1, 1), 0.3).numpy()

backbone = EffSpineNet(config)
features = backbone(torch.zeros(2, 3, 75, 133))
found["keys"] = np.array(list(features))
found["sizes"] = np.array([list(feature.shape) for feature in features.values()])
found["out_channels"] = np.array(backbone.out_channels)
found["feature_info"] = np.array(json.dumps(backbone.feature_info))
modules = dict(backbone.named_modules())
assert all(info["module"] in modules for info in backbone.feature_info)
np.savez(sys.argv[2], **found)
