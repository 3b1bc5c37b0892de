"""The operations that networks are written in; a reading of a network is one implementation of them."""

from __future__ import annotations

from typing import Literal, Protocol, TypeVar

T = TypeVar("T")

Activation = Literal["swish", "relu", "sigmoid"]


class Ops(Protocol[T]):
    """Operations over feature maps of type T, `[batch, height, width, channels]` in a tensor reading.

    `width` is the number of output channels. `name` is the path of the parameters; asking twice for one name shares
    them. Padding keeps ceil(size / stride). A network never looks at a width to decide on its structure: the two
    operations that depend on one, `add_if_same_width` and `match_width`, belong to the reading, so that one traced
    graph serves architectures of all widths.
    """

    def size(self, x: T) -> tuple[int, int]:
        """Height and width of the feature map."""
        ...

    def conv(self, x: T, width: int, name: str, *, kernel: int = 1, stride: int = 1, bias: float | None = None) -> T:
        """Convolution; with a bias that starts at `bias` unless that is None."""
        ...

    def depthwise(self, x: T, name: str, *, kernel: int, stride: int = 1) -> T:
        """Depthwise convolution without a bias."""
        ...

    def batch_norm(self, x: T, name: str, *, initial_scale: float = 1.0) -> T:
        """Batch normalisation with learned scale and offset."""
        ...

    def activate(self, x: T, kind: Activation) -> T:
        """The activation, element by element."""
        ...

    def global_pool(self, x: T) -> T:
        """Mean over all positions: `[batch, 1, 1, channels]`."""
        ...

    def scale(self, x: T, gate: T) -> T:
        """`x` times a gate of shape `[batch, 1, 1, channels]`."""
        ...

    def space_to_depth(self, x: T) -> T:
        """2x2 positions into 4 times the channels; odd sizes are padded with zeros at the end."""
        ...

    def upsample(self, x: T, factor: int, size: tuple[int, int]) -> T:
        """Nearest-neighbour upsampling by `factor`, cropped to `size`."""
        ...

    def fuse(self, inputs: list[T], name: str) -> T:
        """Fast normalised fusion with one learned weight an input (Equation 1)."""
        ...

    def add_if_same_width(self, x: T, y: T) -> T:
        """x + y where both have the same width, else `y`."""
        ...

    def match_width(self, x: T, width: int, name: str) -> T:
        """`x` where it has `width` channels already, else a 1x1 convolution and batch normalisation of it."""
        ...

    def add(self, x: T, y: T) -> T:
        """x + y."""
        ...

    def drop_path(self, branch: T, depth: float) -> T:
        """Stochastic depth on a residual branch at the relative `depth` (0 to 1); the identity in inference."""
        ...


def squeezed_width(width: int) -> int:
    """Channels inside squeeze-and-excitation for a block of input width `width`: a fifth, at least one."""
    return max(1, width // 5)
