"""What a detector costs: trainable parameters, and multiply-adds for one image, counted while the network runs.

python cost.py
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import torch
from torch import nn

from effspinenet import Block, Fusion, MBConv, Sum
from retinanet import Network, load


def cost_of(network: Network, input_px: int) -> dict[str, int]:
    """`params`; `madds`, the multiply-adds of convolutions for one square image; and `madds_profiler`.

    The last counts as profilers do: 1 more for each output element of a batch normalisation, and a half for each
    element of sums, products, means and biases.
    """
    counts: dict[str, float] = defaultdict(float)

    def count(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        if isinstance(module, nn.Conv2d):
            counts["madds"] += module.weight.numel() * output[0, 0].numel()
            counts["elementwise"] += 0.5 * output.numel() if module.bias is not None else 0.0
        elif isinstance(module, nn.BatchNorm2d):
            counts["elementwise"] += output.numel()
        elif isinstance(module, Fusion):
            counts["elementwise"] += 0.5 * output.numel() * (2 * len(inputs[0]) - 1)
        elif isinstance(module, Sum):
            counts["elementwise"] += 0.5 * output.numel() * (len(inputs[0]) - 1)
        elif isinstance(module, MBConv):
            # A mean and a product with its gate, both over the expanded map; the residual.
            positions = output[0, 0].numel()
            counts["elementwise"] += positions * module.depthwise.in_channels if module.squeeze is not None else 0.0
            counts["elementwise"] += 0.5 * output.numel() if module.is_residual else 0.0
        elif isinstance(module, Block) and module.is_fused:
            counts["elementwise"] += 0.5 * output.numel() * len(module.adds)

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    try:
        with torch.no_grad():
            parameter = next(network.parameters())
            network(torch.zeros(1, 3, input_px, input_px, device=parameter.device, dtype=parameter.dtype))
    finally:
        for hook in hooks:
            hook.remove()
    return {
        "madds": int(counts["madds"]),
        "madds_profiler": round(counts["madds"] + counts["elementwise"]),
        "params": sum(parameter.numel() for parameter in network.parameters()),
    }


if __name__ == "__main__":
    model = load(Path(__file__).parent)
    print(json.dumps(cost_of(model.network, model.input_px)))
