"""Multi-adds and parameters of every width vector at once, as exact quadratic forms.

In a network of fixed topology each count is a sum of products of at most two numbers of channels. Tracing the
network once with widths that remember which block they came from gives the coefficients; after that the exact cost
of any architecture is one small integer product, some thousand times faster than reading the network again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from search_space.cost import FeatureSize
from search_space.network import retinanet
from search_space.ops import squeezed_width
from search_space.topology import NUM_BLOCKS

if TYPE_CHECKING:
    from search_space.architecture import Architecture
    from search_space.ops import Activation

IntArray = npt.NDArray[np.int64]

_WIDTH = 1
_SQUEEZED = 1 + NUM_BLOCKS
_VARIABLES = 1 + 2 * NUM_BLOCKS
_PROBE = 40


class TracedWidth(int):
    """A number of channels that carries its coefficients over (1, widths, squeezed widths)."""

    coefficients: IntArray

    def __new__(cls, value: int, coefficients: IntArray) -> TracedWidth:
        width = super().__new__(cls, value)
        width.coefficients = coefficients
        return width

    def __rmul__(self, factor: int) -> TracedWidth:
        return TracedWidth(factor * int(self), factor * self.coefficients)

    def __floordiv__(self, divisor: int) -> TracedWidth:
        """The squeezed width of the same block: the one division that networks do (`squeezed_width`)."""
        return TracedWidth(int(self) // divisor, np.roll(self.coefficients, NUM_BLOCKS))


class Counts(NamedTuple):
    """Plain multi-adds and trainable parameters."""

    madds: int
    params: int


class QuadraticCost:
    """Exact plain multi-adds and parameters of an architecture's family, as functions of its 18 widths."""

    def __init__(self, architecture: Architecture) -> None:
        ops = _TraceOps()
        widths = tuple(TracedWidth(_PROBE, _unit(_WIDTH + index)) for index in range(NUM_BLOCKS))
        image = FeatureSize(architecture.input_px, architecture.input_px, 3)
        retinanet(ops, replace(architecture, widths=widths), image)
        self._forms = np.stack([ops.madds, ops.params])
        self._matches = ops.matches

    def counts(self, widths: Sequence[int]) -> Counts:
        """Plain multi-adds and parameters for these 18 widths."""
        z = np.array([1, *widths, *map(squeezed_width, widths)], dtype=np.int64)
        madds, params = (self._forms @ z) @ z
        for source, target, forms in self._matches:
            if widths[source] != widths[target]:
                madds, params = np.array([madds, params]) + (forms @ z) @ z
        return Counts(int(madds), int(params))

    @property
    def fixed_madds(self) -> int:
        """Multi-adds that no width changes: the stem and the inner layers of the subnets."""
        return int(self._forms[0, 0, 0])


def _unit(index: int) -> IntArray:
    unit = np.zeros(_VARIABLES, dtype=np.int64)
    unit[index] = 1
    return unit


def _coefficients(width: int) -> IntArray:
    return width.coefficients if isinstance(width, TracedWidth) else width * _unit(0)


class _TraceOps:
    """The reading that accumulates quadratic forms; feature maps are sizes whose channels are traced."""

    def __init__(self) -> None:
        self.madds = np.zeros((_VARIABLES, _VARIABLES), dtype=np.int64)
        self.params = np.zeros((_VARIABLES, _VARIABLES), dtype=np.int64)
        self.matches: list[tuple[int, int, IntArray]] = []
        self._counted: set[str] = set()

    def _count(self, name: str, positions: int, per_position: IntArray, extra_params: IntArray) -> None:
        self.madds += positions * per_position
        if name not in self._counted:
            self._counted.add(name)
            self.params += per_position + extra_params

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
        kernel_form = kernel * kernel * np.outer(_coefficients(x.channels), _coefficients(width))
        bias_form = np.outer(_unit(0), _coefficients(width)) * (bias is not None)
        self._count(name, out.positions, kernel_form, bias_form)
        return out

    def depthwise(self, x: FeatureSize, name: str, *, kernel: int, stride: int = 1) -> FeatureSize:
        out = FeatureSize(-(-x.height // stride), -(-x.width // stride), x.channels)
        form = kernel * kernel * np.outer(_unit(0), _coefficients(x.channels))
        self._count(name, out.positions, form, np.zeros_like(form))
        return out

    def batch_norm(self, x: FeatureSize, name: str, *, initial_scale: float = 1.0) -> FeatureSize:
        self._count(name, 0, 2 * np.outer(_unit(0), _coefficients(x.channels)), np.zeros_like(self.params))
        return x

    def activate(self, x: FeatureSize, kind: Activation) -> FeatureSize:
        return x

    def global_pool(self, x: FeatureSize) -> FeatureSize:
        return FeatureSize(1, 1, x.channels)

    def scale(self, x: FeatureSize, gate: FeatureSize) -> FeatureSize:
        return x

    def space_to_depth(self, x: FeatureSize) -> FeatureSize:
        return FeatureSize(-(-x.height // 2), -(-x.width // 2), 4 * x.channels)

    def upsample(self, x: FeatureSize, factor: int, size: tuple[int, int]) -> FeatureSize:
        return FeatureSize(*size, x.channels)

    def fuse(self, inputs: list[FeatureSize], name: str) -> FeatureSize:
        self._count(name, 0, len(inputs) * np.outer(_unit(0), _unit(0)), np.zeros_like(self.params))
        return inputs[0]

    def add_if_same_width(self, x: FeatureSize, y: FeatureSize) -> FeatureSize:
        return y

    def match_width(self, x: FeatureSize, width: int, name: str) -> FeatureSize:
        """Counted apart: it costs nothing where the two widths agree."""
        branch = _TraceOps()
        out = branch.batch_norm(branch.conv(x, width, f"{name}/conv"), f"{name}/bn")
        source, target = (int(_coefficients(w).argmax()) - _WIDTH for w in (x.channels, width))
        self.matches.append((source, target, np.stack([branch.madds, branch.params])))
        return out

    def add(self, x: FeatureSize, y: FeatureSize) -> FeatureSize:
        return y

    def drop_path(self, branch: FeatureSize, depth: float) -> FeatureSize:
        return branch
