"""What a network costs: multi-adds and parameters, block by block, and which parameters it has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search_space.network import retinanet
from search_space.parameters import Parameter, Role
from search_space.topology import BLOCKS

if TYPE_CHECKING:
    from search_space.architecture import Architecture
    from search_space.ops import Activation


@dataclass(frozen=True)
class BlockCost:
    """Cost of one block with the resampling of its parents: plain multi-adds and trainable parameters."""

    block: int
    level: int
    width: int
    madds: int
    params: int


@dataclass(frozen=True)
class CostReport:
    """Cost of one image through a network.

    `madds` counts the multiply-adds of convolutions only. `madds_profiler` counts as the published figures do: the
    same, plus 1 for each output element of a batch normalisation, plus 0.5 for each element of additions, products,
    means and biases. `params` are the trainable ones.
    """

    madds: int
    madds_profiler: int
    params: int
    blocks: tuple[BlockCost, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "madds": self.madds,
            "madds_profiler": self.madds_profiler,
            "params": self.params,
            "blocks": [vars(block) for block in self.blocks],
        }


def cost_report(architecture: Architecture) -> CostReport:
    """The cost of RetinaNet with this architecture on one square image of its input size."""
    return _read(architecture).report(architecture)


def parameters(architecture: Architecture) -> list[Parameter]:
    """Every parameter of RetinaNet with this architecture, in the order in which the network uses them."""
    return list(_read(architecture).parameters.values())


def _read(architecture: Architecture) -> CostOps:
    ops = CostOps()
    retinanet(ops, architecture, FeatureSize(architecture.input_px, architecture.input_px, 3))
    return ops


def _part(name: str) -> str:
    """The part of the network that a parameter belongs to: the first step of its path."""
    return name.split("/", 1)[0]


@dataclass(frozen=True)
class FeatureSize:
    """Height, width and channels of a feature map."""

    height: int
    width: int
    channels: int

    @property
    def positions(self) -> int:
        """Height times width."""
        return self.height * self.width

    @property
    def elements(self) -> int:
        """Values in the map."""
        return self.positions * self.channels


class CostOps:
    """The reading of a network as cost and parameters; its feature maps are sizes.

    `parameters` holds every parameter by name, and `uses` each convolution as the name of its kernel and the output
    positions at which it is applied: a kernel of n values at p positions is n times p multiply-adds.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {}
        self.uses: list[tuple[str, int]] = []
        self._elementwise: float = 0.0

    def _parameter(self, name: str, role: Role, *shape: int, initial: float = 0.0) -> None:
        self.parameters[name] = Parameter(name, role, shape, initial)

    def report(self, architecture: Architecture) -> CostReport:
        """What was counted, with the share of each block of `architecture`."""
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
        total = sum(madds.values())
        return CostReport(total, round(total + self._elementwise), sum(params.values()), tuple(blocks))

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
        out = FeatureSize(-(-x.height // stride), -(-x.width // stride), width)
        self._parameter(f"{name}/kernel", "kernel", kernel, kernel, x.channels, width)
        self.uses.append((f"{name}/kernel", out.positions))
        if bias is not None:
            self._parameter(f"{name}/bias", "bias", width, initial=bias)
            self._elementwise += 0.5 * out.elements
        return out

    def depthwise(self, x: FeatureSize, name: str, *, kernel: int, stride: int = 1) -> FeatureSize:
        out = FeatureSize(-(-x.height // stride), -(-x.width // stride), x.channels)
        self._parameter(f"{name}/kernel", "depthwise_kernel", kernel, kernel, x.channels, 1)
        self.uses.append((f"{name}/kernel", out.positions))
        return out

    def batch_norm(self, x: FeatureSize, name: str, *, initial_scale: float = 1.0) -> FeatureSize:
        self._parameter(f"{name}/scale", "scale", x.channels, initial=initial_scale)
        self._parameter(f"{name}/offset", "offset", x.channels)
        self._parameter(f"{name}/mean", "mean", x.channels)
        self._parameter(f"{name}/variance", "variance", x.channels, initial=1.0)
        self._elementwise += x.elements
        return x

    def activate(self, x: FeatureSize, kind: Activation) -> FeatureSize:
        return x

    def global_pool(self, x: FeatureSize) -> FeatureSize:
        self._elementwise += 0.5 * x.elements
        return FeatureSize(1, 1, x.channels)

    def scale(self, x: FeatureSize, gate: FeatureSize) -> FeatureSize:
        self._elementwise += 0.5 * x.elements
        return x

    def space_to_depth(self, x: FeatureSize) -> FeatureSize:
        return FeatureSize(-(-x.height // 2), -(-x.width // 2), 4 * x.channels)

    def upsample(self, x: FeatureSize, factor: int, size: tuple[int, int]) -> FeatureSize:
        return FeatureSize(*size, x.channels)

    def fuse(self, inputs: list[FeatureSize], name: str) -> FeatureSize:
        self._parameter(f"{name}/weights", "fusion", len(inputs), initial=1.0)
        self._elementwise += 0.5 * sum(x.elements for x in inputs)
        self._elementwise += 0.5 * inputs[0].elements * (len(inputs) - 1)
        return inputs[0]

    def add_if_same_width(self, x: FeatureSize, y: FeatureSize) -> FeatureSize:
        return self.add(x, y) if x.channels == y.channels else y

    def match_width(self, x: FeatureSize, width: int, name: str) -> FeatureSize:
        if x.channels == width:
            return x
        return self.batch_norm(self.conv(x, width, f"{name}/conv"), f"{name}/bn")

    def add(self, x: FeatureSize, y: FeatureSize) -> FeatureSize:
        self._elementwise += 0.5 * y.elements
        return y

    def drop_path(self, branch: FeatureSize, depth: float) -> FeatureSize:
        return branch
