"""The cost of a network: multi-adds and parameters by block, and the list of its parameters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from search_space.networks.retinanet import retinanet
from search_space.parameters import Parameter, Role
from search_space.topology import BLOCKS

if TYPE_CHECKING:
    from search_space.architecture import Architecture
    from search_space.ops import Activation


class Network(Protocol):
    """A network as a function of `Ops`, which this module interprets as costs."""

    def __call__(self, ops: CostOps, images: FeatureSize, /) -> object:
        """The network's outputs for images `[batch, height, width, 3]`."""
        ...


@dataclass(frozen=True)
class NetworkCost:
    """Cost of one image through a network.

    `madds` counts the multiply-adds of convolutions and fully connected layers only. `madds_profiler` counts as the
    published figures do: the same, plus 1 for each output element of a batch normalisation, plus 0.5 for each element
    of additions, products, means and biases. `params` are the trainable ones.
    """

    madds: int
    madds_profiler: int
    params: int


@dataclass(frozen=True)
class BlockCost:
    """Cost of one block with the resampling of its parents: plain multi-adds and trainable parameters."""

    block: int
    level: int
    width: int
    madds: int
    params: int


@dataclass(frozen=True)
class CostReport(NetworkCost):
    """Cost of one image through a RetinaNet over the scale-permuted backbone, and the share of each of its blocks."""

    blocks: tuple[BlockCost, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "madds": self.madds,
            "madds_profiler": self.madds_profiler,
            "params": self.params,
            "blocks": [vars(block) for block in self.blocks],
        }


def network_cost(network: Network, input_px: int) -> NetworkCost:
    """The cost of a network on one square image of `input_px` pixels."""
    return _count(network, input_px).total()


def cost_report(architecture: Architecture) -> CostReport:
    """The cost of RetinaNet with this architecture on one square image of its input size."""
    return _count_retinanet(architecture).report(architecture)


def network_parameters(network: Network, input_px: int) -> list[Parameter]:
    """Every parameter of a network, in the order of their use."""
    return list(_count(network, input_px).parameters.values())


def parameters(architecture: Architecture) -> list[Parameter]:
    """Every parameter of RetinaNet with this architecture, in the order of their use."""
    return list(_count_retinanet(architecture).parameters.values())


def _count_retinanet(architecture: Architecture) -> CostOps:
    return _count(lambda ops, images: retinanet(ops, architecture, images), architecture.input_px)


def _count(network: Network, input_px: int) -> CostOps:
    ops = CostOps()
    network(ops, FeatureSize(input_px, input_px, 3))
    return ops


def _part(name: str) -> str:
    """The part of the network that a parameter belongs to: the first component of its path."""
    return name.split("/", 1)[0]


@dataclass(frozen=True)
class FeatureSize:
    """The size of a feature map; an image has `copies` of it, such as one crop per region.

    The channels consist of `groups` contiguous groups of equal size, four after space-to-depth.
    """

    height: int
    width: int
    channels: int
    copies: int = 1
    groups: int = 1

    @property
    def positions(self) -> int:
        """Height times width, in all copies."""
        return self.height * self.width * self.copies

    @property
    def elements(self) -> int:
        """Values in the map."""
        return self.positions * self.channels


class CostOps:
    """Counts the cost and collects the parameters of a network; its feature maps are sizes.

    `parameters` holds every parameter by name. `uses` has each convolution as the name of its kernel and its number of
    output positions: a kernel of n values at p positions takes n times p multiply-adds.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}
        self.uses: list[tuple[str, int]] = []
        self._elementwise: float = 0.0

    def _parameter(self, name: str, role: Role, *shape: int, initial: float = 0.0, groups: int = 1) -> None:
        self.parameters[name] = Parameter(name, role, shape, initial, groups)

    def total(self) -> NetworkCost:
        """The counted cost."""
        madds = sum(positions * self.parameters[name].size for name, positions in self.uses)
        params = sum(parameter.size for parameter in self.parameters.values() if parameter.is_trainable)
        return NetworkCost(madds, round(madds + self._elementwise), params)

    def report(self, architecture: Architecture) -> CostReport:
        """The counted cost, with the share of each block of `architecture`."""
        madds: dict[str, int] = defaultdict(int)
        params: dict[str, int] = defaultdict(int)
        for name, positions in self.uses:
            madds[_part(name)] += positions * self.parameters[name].size
        for parameter in self.parameters.values():
            params[_part(parameter.name)] += parameter.size * parameter.is_trainable
        names = [f"block{block.number}" for block in BLOCKS]
        blocks = (
            BlockCost(block.number, block.level, width, madds[name], params[name])
            for block, width, name in zip(BLOCKS, architecture.widths, names, strict=True)
        )
        return CostReport(**vars(self.total()), blocks=tuple(blocks))

    def size(self, x: FeatureSize) -> tuple[int, int]:
        return x.height, x.width

    def conv(
        self,
        x: FeatureSize,
        width: int,
        name: str,
        *,
        kernel: int = 1,
        stride: int = 1,
        bias: float | None = None,
    ) -> FeatureSize:
        out = _strided(x, stride, width)
        self._parameter(f"{name}/kernel", "kernel", kernel, kernel, x.channels, width, groups=x.groups)
        self.uses.append((f"{name}/kernel", out.positions))
        if bias is not None:
            self._parameter(f"{name}/bias", "bias", width, initial=bias)
            self._elementwise += 0.5 * out.elements
        return out

    def depthwise(self, x: FeatureSize, name: str, *, kernel: int, stride: int = 1) -> FeatureSize:
        out = _strided(x, stride, x.channels, x.groups)
        self._parameter(f"{name}/kernel", "depthwise_kernel", kernel, kernel, x.channels, 1, groups=x.groups)
        self.uses.append((f"{name}/kernel", out.positions))
        return out

    def batch_norm(self, x: FeatureSize, name: str, *, initial_scale: float = 1.0) -> FeatureSize:
        self._parameter(f"{name}/scale", "scale", x.channels, initial=initial_scale, groups=x.groups)
        self._parameter(f"{name}/offset", "offset", x.channels, groups=x.groups)
        self._parameter(f"{name}/mean", "mean", x.channels, groups=x.groups)
        self._parameter(f"{name}/variance", "variance", x.channels, initial=1.0, groups=x.groups)
        self._elementwise += x.elements
        return x

    def activate(self, x: FeatureSize, kind: Activation) -> FeatureSize:
        return x

    def global_pool(self, x: FeatureSize) -> FeatureSize:
        self._elementwise += 0.5 * x.elements
        return FeatureSize(1, 1, x.channels, x.copies, x.groups)

    def scale(self, x: FeatureSize, gate: FeatureSize) -> FeatureSize:
        self._elementwise += 0.5 * x.elements
        return x

    def space_to_depth(self, x: FeatureSize) -> FeatureSize:
        return _strided(x, 2, 4 * x.channels, 4 * x.groups)

    def upsample(self, x: FeatureSize, factor: int, size: tuple[int, int]) -> FeatureSize:
        return FeatureSize(*size, x.channels, x.copies, x.groups)

    def fuse(self, inputs: list[FeatureSize], name: str) -> FeatureSize:
        self._parameter(f"{name}/weights", "fusion", len(inputs), initial=1.0)
        self._elementwise += 0.5 * sum(x.elements for x in inputs)
        self._elementwise += 0.5 * inputs[0].elements * (len(inputs) - 1)
        return inputs[0]

    def add_if_same_width(self, x: FeatureSize, branch: FeatureSize, drop_depth: float | None = None) -> FeatureSize:
        return self.add(x, branch) if x.channels == branch.channels else branch

    def match_width(self, x: FeatureSize, width: int, name: str) -> FeatureSize:
        if x.channels == width:
            return x
        return self.batch_norm(self.conv(x, width, f"{name}/conv"), f"{name}/bn")

    def max_pool(self, x: FeatureSize, *, kernel: int, stride: int) -> FeatureSize:
        return _strided(x, stride, x.channels, x.groups)

    def average(self, inputs: list[FeatureSize]) -> FeatureSize:
        self._elementwise += 0.5 * sum(x.elements for x in inputs)
        return inputs[0]

    def add(self, x: FeatureSize, y: FeatureSize) -> FeatureSize:
        self._elementwise += 0.5 * y.elements
        return y

    def drop_path(self, branch: FeatureSize, depth: float) -> FeatureSize:
        return branch

    def propose(
        self,
        objectness: dict[int, FeatureSize],
        codes: dict[int, FeatureSize],
        image_size: tuple[int, int],
        count: int,
    ) -> FeatureSize:
        """The boxes of an image as a map of `count` rows and 4 channels."""
        return FeatureSize(count, 1, 4)

    def detect(
        self,
        boxes: FeatureSize,
        class_logits: FeatureSize,
        codes: FeatureSize,
        image_size: tuple[int, int],
        count: int,
    ) -> FeatureSize:
        return FeatureSize(count, 1, 4)

    def roi_align(self, features: dict[int, FeatureSize], boxes: FeatureSize, size: int) -> FeatureSize:
        channels = {feature.channels for feature in features.values()}
        return FeatureSize(size, size, channels.pop(), copies=boxes.height)

    def dense(self, x: FeatureSize, width: int, name: str) -> FeatureSize:
        self._parameter(f"{name}/kernel", "kernel", x.height, x.width, x.channels, width)
        self.uses.append((f"{name}/kernel", x.copies))
        return FeatureSize(1, 1, width, x.copies)

    def conv_transpose(self, x: FeatureSize, width: int, name: str, *, bias: float) -> FeatureSize:
        out = FeatureSize(2 * x.height, 2 * x.width, width, x.copies)
        self._parameter(f"{name}/kernel", "kernel", 2, 2, x.channels, width)
        self.uses.append((f"{name}/kernel", x.positions))
        self._parameter(f"{name}/bias", "bias", width, initial=bias)
        self._elementwise += 0.5 * out.elements
        return out


def _strided(x: FeatureSize, stride: int, channels: int, groups: int = 1) -> FeatureSize:
    """The feature map after an operation of this stride: its size is ceil(size / stride)."""
    return FeatureSize(-(-x.height // stride), -(-x.width // stride), channels, x.copies, groups)
