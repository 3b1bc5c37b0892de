"""Eff-SpineNet: the scale-permuted backbone with learned widths, in PyTorch alone.

"Efficient Scale-Permuted Backbone with Learned Resource Distribution", sections 3.1 and 3.2. The network is built from
the block specification in `config.json`. Sizes may be odd and images need not be square: padding is "same" as in
TensorFlow, which places an odd row or column at the end.

    from effspinenet import EffSpineNet

    backbone = EffSpineNet(json.load(open("config.json")))
    features = backbone(images)     # images [batch, 3, height, width]; P3 to P7 under the keys "0" to "4"
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812, the name that PyTorch's documentation gives it
from torch import Tensor, nn

DROP_RATE = 0.2
"""Stochastic depth of the last block, in proportion for earlier ones."""
BATCH_NORM_MOMENTUM = 0.01
"""Weight of a batch in the running statistics."""
STEM_LEVEL = 1
ACTIVATIONS = {"swish": nn.SiLU, "relu": nn.ReLU}
STRIDED_KERNELS = {2: 3, 4: 5}
"""Kernel by stride of the depthwise convolution that downsamples further after space-to-depth."""


class EffSpineNet(nn.Module):
    """The backbone of a block specification: images `[batch, 3, height, width]` to P3 to P7, by "0" to "4".

    All levels have `out_channels` channels, and level l has ceil(size / 2^l) rows and columns, as torchvision's
    detectors expect of a backbone. `feature_info` describes them as timm does. `drop_rate` is the stochastic depth of
    the last block in training, where the specification has stochastic depth.
    """

    def __init__(self, config: dict[str, Any], drop_rate: float = DROP_RATE) -> None:
        super().__init__()
        self.out_channels: int = config["subnets"]["width"]
        widths, levels = {0: config["stem_width"]}, {0: STEM_LEVEL}
        self.blocks = [block["block"] for block in config["blocks"]]
        self.endpoints = {b["level"]: b["block"] for b in config["blocks"] if b["endpoint"]}
        self.stem = ConvBn(3, config["stem_width"], config, kernel=3, stride=2, activates=True)
        for block in config["blocks"]:
            number = block["block"]
            self.add_module(f"block{number}", Block(block, widths, levels, config, drop_rate))
            widths[number], levels[number] = block["width"], block["level"]
        for level, number in sorted(self.endpoints.items()):
            self.add_module(f"endpoint{level}", ConvBn(widths[number], self.out_channels, config, activates=True))
        self.feature_info = [
            {"num_chs": self.out_channels, "reduction": 2**level, "module": f"endpoint{level}"}
            for level in sorted(self.endpoints)
        ]
        self.apply(_initialise)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        height, width = images.shape[-2:]
        features = {0: self.stem(images)}
        for number in self.blocks:
            block = getattr(self, f"block{number}")
            size = (-(-height // 2**block.level), -(-width // 2**block.level))
            features[number] = block(features, size)
        return OrderedDict(
            (str(index), getattr(self, f"endpoint{level}")(features[number]))
            for index, (level, number) in enumerate(sorted(self.endpoints.items()))
        )


class Block(nn.Module):
    """One block: its parents resampled and fused, and MBConv layers in a row. A single parent is not resampled."""

    def __init__(
        self,
        block: dict[str, Any],
        widths: dict[int, int],
        levels: dict[int, int],
        config: dict[str, Any],
        drop_rate: float,
    ) -> None:
        super().__init__()
        operations, width = config["operations"], block["width"]
        self.level, self.parents, self.adds = block["level"], block["parents"], block["adds"]
        self.activation = ACTIVATIONS[operations["activation"]]()
        self.is_fused = len(self.parents) > 1
        input_width, stride = width, 1
        if self.is_fused:
            for parent in self.parents:
                gap = self.level - levels[parent]
                self.add_module(f"from{parent}", Resample(widths[parent], width, gap, config))
            self.fusion = Fusion(len(self.parents), config) if operations["weighted_fusion"] else Sum()
            for other in self.adds:
                projection = nn.Identity() if widths[other] == width else ConvBn(widths[other], width, config)
                self.add_module(f"from{other}", projection)
        else:
            (parent,) = self.parents
            input_width, stride = widths[parent], 2 ** (self.level - levels[parent])
        self.repeats = block["repeats"]
        drop = drop_rate * block["block"] / len(config["blocks"]) if operations["stochastic_depth"] else 0.0
        for repeat in range(1, self.repeats + 1):
            self.add_module(f"mbconv{repeat}", MBConv(input_width, width, stride, drop, config))
            input_width, stride = width, 1

    def forward(self, features: dict[int, Tensor], size: tuple[int, int]) -> Tensor:
        if self.is_fused:
            x = self.fusion([getattr(self, f"from{p}")(features[p], size) for p in self.parents])
            for other in self.adds:
                x = x + getattr(self, f"from{other}")(features[other])
            x = self.activation(x)
        else:
            x = features[self.parents[0]]
        for repeat in range(1, self.repeats + 1):
            x = getattr(self, f"mbconv{repeat}")(x)
        return x


class MBConv(nn.Module):
    """Mobile inverted bottleneck: expand, depthwise, squeeze-and-excitation, project; residual where shapes agree."""

    def __init__(self, input_width: int, width: int, stride: int, drop: float, config: dict[str, Any]) -> None:
        super().__init__()
        expanded, operations = config["expansion"] * input_width, config["operations"]
        self.activation = ACTIVATIONS[operations["activation"]]()
        self.drop, self.is_residual = drop, stride == 1 and input_width == width
        self.expand = ConvBn(input_width, expanded, config, activates=True)
        self.depthwise = depthwise(expanded, config["kernel"], stride)
        self.depthwise_bn = batch_norm(expanded, config)
        if operations["squeeze_excitation"]:
            self.squeeze: nn.Conv2d | None = nn.Conv2d(expanded, max(1, input_width // 5), 1)
            self.excite = nn.Conv2d(max(1, input_width // 5), expanded, 1)
        else:
            self.squeeze = None
        self.project = nn.Conv2d(expanded, width, 1, bias=False)
        self.project_bn = batch_norm(width, config)
        if self.is_residual:
            # The branch is initially zero, so that the untrained network is shallow.
            nn.init.zeros_(self.project_bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.depthwise_bn(self.depthwise(self.expand(x))))
        if self.squeeze is not None:
            gate = self.activation(self.squeeze(y.mean(dim=(2, 3), keepdim=True)))
            y = y * torch.sigmoid(self.excite(gate))
        y = self.project_bn(self.project(y))
        if not self.is_residual:
            return y
        return x + (drop_path(y, self.drop) if self.training and self.drop > 0 else y)


class Resample(nn.Module):
    """A feature map at another level, `gap` levels down (negative: up), and width (section 3.2, Figure 2)."""

    def __init__(self, input_width: int, width: int, gap: int, config: dict[str, Any]) -> None:
        super().__init__()
        operations = config["operations"]
        self.gap, self.splits = gap, gap > 0 and operations["space_to_depth"]
        self.activation = ACTIVATIONS[operations["activation"]]()
        self.steps: list[str] = []
        if self.splits:
            input_width *= 4
            self.space_to_depth_bn = batch_norm(input_width, config)
            if gap > 1:
                self._add_step("depthwise", input_width, 2 ** (gap - 1), config)
        else:
            for step in range(1, gap + 1):
                self._add_step(f"depthwise{step}", input_width, 2, config)
        self.conv = nn.Conv2d(input_width, width, 1, bias=False)
        self.bn = batch_norm(width, config)

    def _add_step(self, name: str, width: int, stride: int, config: dict[str, Any]) -> None:
        self.steps.append(name)
        self.add_module(name, depthwise(width, STRIDED_KERNELS[stride], stride))
        self.add_module(f"{name}_bn", batch_norm(width, config))

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        if self.splits:
            x = self.activation(self.space_to_depth_bn(space_to_depth(x)))
        for name in self.steps:
            x = self.activation(getattr(self, f"{name}_bn")(getattr(self, name)(x)))
        if self.gap < 0:
            x = F.interpolate(x, scale_factor=2**-self.gap, mode="nearest")[..., : size[0], : size[1]]
        return self.bn(self.conv(x))


class Fusion(nn.Module):
    """Fast normalised fusion: a weighted mean with one learned weight per input (Equation 1)."""

    def __init__(self, inputs: int, config: dict[str, Any]) -> None:
        super().__init__()
        self.epsilon = config["detector"]["fusion_epsilon"]
        self.weights = nn.Parameter(torch.ones(inputs))

    def forward(self, inputs: list[Tensor]) -> Tensor:
        positive = F.relu(self.weights)
        shares = positive / (positive.sum() + self.epsilon)
        return sum(share * x for share, x in zip(shares, inputs, strict=True))


class Sum(nn.Module):
    """The sum of its inputs."""

    def forward(self, inputs: list[Tensor]) -> Tensor:
        return sum(inputs)


class ConvBn(nn.Module):
    """Convolution without a bias, batch normalisation, and the activation where it `activates`."""

    def __init__(
        self, input_width: int, width: int, config: dict[str, Any], *, kernel: int = 1, stride: int = 1, activates=False
    ) -> None:
        super().__init__()
        self.conv = SameConv2d(input_width, width, kernel, stride, bias=False)
        self.bn = batch_norm(width, config)
        self.activation = ACTIVATIONS[config["operations"]["activation"]]() if activates else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.bn(self.conv(x)))


class SameConv2d(nn.Conv2d):
    """Convolution whose output has ceil(size / stride) rows and columns; of an odd padding, the larger half is last."""

    def __init__(self, input_width: int, width: int, kernel: int, stride: int = 1, **settings: Any) -> None:
        super().__init__(input_width, width, kernel, stride, kernel // 2 if stride == 1 else 0, **settings)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            padding: list[int] = []
            for size in (x.shape[-1], x.shape[-2]):
                total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
                padding += (total // 2, total - total // 2)
            x = F.pad(x, padding)
        return super().forward(x)


def depthwise(width: int, kernel: int, stride: int = 1) -> SameConv2d:
    """Depthwise convolution without a bias."""
    return SameConv2d(width, width, kernel, stride, groups=width, bias=False)


def batch_norm(width: int, config: dict[str, Any]) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=config["detector"]["batch_norm_epsilon"], momentum=BATCH_NORM_MOMENTUM)


def space_to_depth(x: Tensor) -> Tensor:
    """2x2 positions into 4 times the channels, by row, column, channel; odd sizes are padded with zeros at the end."""
    x = F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
    return torch.cat([x[..., row::2, column::2] for row in (0, 1) for column in (0, 1)], dim=1)


def drop_path(branch: Tensor, drop: float) -> Tensor:
    """The branch without that of some images, the others scaled so that the expectation stays."""
    kept = torch.rand(branch.shape[0], 1, 1, 1, device=branch.device) >= drop
    return branch * kept.to(branch.dtype) / (1.0 - drop)


def _initialise(module: nn.Module) -> None:
    """Kernels are normal with variance 1 / fan-in."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=math.sqrt(1 / module.weight[0].numel()))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
