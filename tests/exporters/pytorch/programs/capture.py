"""Gives an exported network to `torch.export` and `torch.compile`, and compares what comes out with the network.

capture.py MODEL captured       exported with a dynamic batch, and captured as one graph without generated code
capture.py MODEL compiled       compiled by TorchInductor, in inference and in training
"""

from __future__ import annotations

import sys

import torch

sys.path.insert(0, sys.argv[1])

from retinanet import load


def assert_same(actual: tuple[torch.Tensor, ...], expected: tuple[torch.Tensor, ...]) -> None:
    for one, two in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-4)


network = load(sys.argv[1], drop_rate=0.0).network
images = torch.randn(2, 3, 66, 140, generator=torch.Generator().manual_seed(0))
if sys.argv[2] == "exported":
    with torch.no_grad():
        exported = torch.export.export(network, (images,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        three = torch.cat([images, images[:1]])
        assert_same(exported.module()(three), network(three))
else:
    with torch.no_grad():
        assert_same(torch.compile(network, fullgraph=True)(images), network(images))
    network.train()
    results = []
    for trained in (network, torch.compile(network, fullgraph=True)):
        outputs = trained(images)
        gradients = torch.autograd.grad(sum(map(torch.sum, outputs)), network.box_subnet.parameters())
        results.append((outputs, gradients))
    (expected, expected_gradients), (actual, actual_gradients) = results
    assert_same(actual, expected)
    # As one vector: the gradient of a bias before batch normalisation is zero up to rounding.
    one, two = (torch.cat([each.flatten() for each in part]) for part in (actual_gradients, expected_gradients))
    assert float((one - two).norm()) < 1e-3 * float(two.norm())
