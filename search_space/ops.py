"""The operations that networks are written in; each interpreter of networks implements them."""

from __future__ import annotations

from typing import Literal, Protocol, TypeVar

T = TypeVar("T")

Activation = Literal["swish", "relu", "sigmoid"]


class Ops(Protocol[T]):
    """Operations over feature maps of type T, `[batch, height, width, channels]` in an interpreter with tensors.

    `width` is the number of output channels. `name` is the path of the parameters; layers with the same name share
    them. Padding is "same": output sizes are ceil(size / stride). Network functions never branch on a width; the two
    operations that must, `add_if_same_width` and `match_width`, belong to the interpreter, so that one traced graph
    can run all widths.
    """

    def size(self, x: T) -> tuple[int, int]:
        """Height and width of the feature map."""
        ...

    def conv(self, x: T, width: int, name: str, *, kernel: int = 1, stride: int = 1, bias: float | None = None) -> T:
        """Convolution, with a bias initialised to `bias` unless that is None."""
        ...

    def depthwise(self, x: T, name: str, *, kernel: int, stride: int = 1) -> T:
        """Depthwise convolution without a bias."""
        ...

    def batch_norm(self, x: T, name: str, *, initial_scale: float = 1.0) -> T:
        """Batch normalisation with learned scale and offset."""
        ...

    def activate(self, x: T, kind: Activation) -> T:
        """The elementwise activation."""
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
        """Fast normalised fusion with one learned weight per input (Equation 1)."""
        ...

    def add_if_same_width(self, x: T, branch: T, drop_depth: float | None = None) -> T:
        """x + branch where both have the same width, else `branch`.

        With `drop_depth`, the branch of a sum has stochastic depth, as in `drop_path`; without a sum it is kept.
        """
        ...

    def match_width(self, x: T, width: int, name: str) -> T:
        """`x` where it has `width` channels already, else a 1x1 convolution and batch normalisation of it."""
        ...

    def max_pool(self, x: T, *, kernel: int, stride: int) -> T:
        """Max pooling over windows of `kernel` by `kernel` positions."""
        ...

    def average(self, inputs: list[T]) -> T:
        """The elementwise mean of feature maps of equal shape."""
        ...

    def add(self, x: T, y: T) -> T:
        """x + y."""
        ...

    def drop_path(self, branch: T, depth: float) -> T:
        """Stochastic depth on a residual branch at the relative `depth` (0 to 1); the identity in inference."""
        ...


class RegionOps(Ops[T], Protocol[T]):
    """Additional operations of two-stage detectors, which select regions of an image and crop features from each.

    Boxes are `[batch, regions, 4]`, (y1, x1, y2, x2) in pixels of the image; detections have two more columns, score
    and class. Crops of either are `[batch * regions, size, size, channels]`. The interpreter decides how regions are
    selected.
    """

    def propose(self, objectness: dict[int, T], codes: dict[int, T], image_size: tuple[int, int], count: int) -> T:
        """The `count` best boxes of each image without near duplicates, from the predictions by level."""
        ...

    def detect(self, boxes: T, class_logits: T, codes: T, image_size: tuple[int, int], count: int) -> T:
        """The `count` best detections after the box head: `boxes` refined by the codes of their classes."""
        ...

    def roi_align(self, features: dict[int, T], boxes: T, size: int) -> T:
        """Crops of boxes or detections, each from the level of the pyramid that fits its size, by bilinear sampling."""
        ...

    def dense(self, x: T, width: int, name: str) -> T:
        """A fully connected layer over all positions and channels, without a bias: `[batch, 1, 1, width]`."""
        ...

    def conv_transpose(self, x: T, width: int, name: str, *, bias: float) -> T:
        """2x2 transposed convolution of stride 2, with a bias initialised to `bias`: twice the height and width."""
        ...
