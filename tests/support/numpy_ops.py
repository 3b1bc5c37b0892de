"""A slow reference of the networks in NumPy and double precision, from their definitions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from search_space.architecture import Architecture

Array = npt.NDArray[np.float64]


class NumpyOps:
    """`RegionOps` over arrays `[batch, height, width, channels]`.

    In training, batch statistics are used and stored in `batch_statistics`, by name. There is no stochastic depth.
    `proposals` and `detections` are the regions that the detector finds; this reference does not select regions.
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        *,
        training: bool,
        proposals: Array | None = None,
        detections: Array | None = None,
    ) -> None:
        self._parameters = parameters
        self._training = training
        self._proposals = proposals
        self._detections = detections
        self.batch_statistics: dict[str, Array] = {}

    def size(self, x: Array) -> tuple[int, int]:
        return x.shape[1], x.shape[2]

    def conv(
        self, x: Array, width: int, name: str, *, kernel: int = 1, stride: int = 1, bias: float | None = None
    ) -> Array:
        weights = self._parameters[f"{name}/kernel"]
        assert weights.shape == (kernel, kernel, x.shape[3], width)
        y = sum(seen @ weights[row, column] for row, column, seen in _kernel_views(x, kernel, stride))
        return y if bias is None else y + self._parameters[f"{name}/bias"]

    def depthwise(self, x: Array, name: str, *, kernel: int, stride: int = 1) -> Array:
        weights = self._parameters[f"{name}/kernel"]
        assert weights.shape == (kernel, kernel, x.shape[3], 1)
        return sum(seen * weights[row, column, :, 0] for row, column, seen in _kernel_views(x, kernel, stride))

    def batch_norm(self, x: Array, name: str, *, initial_scale: float = 1.0) -> Array:
        """Normalises with the variance of the batch; stores the unbiased estimate."""
        if self._training:
            samples = x.reshape(-1, x.shape[3])
            count = len(samples)
            mean = samples.sum(axis=0) / count
            variance = ((samples - mean) ** 2).sum(axis=0) / count
            self.batch_statistics[f"{name}/mean"] = mean
            self.batch_statistics[f"{name}/variance"] = variance * count / (count - 1)
        else:
            mean, variance = self._parameters[f"{name}/mean"], self._parameters[f"{name}/variance"]
        scale, offset = self._parameters[f"{name}/scale"], self._parameters[f"{name}/offset"]
        return scale * (x - mean) / np.sqrt(variance + 0.001) + offset

    def activate(self, x: Array, kind: str) -> Array:
        if kind == "relu":
            return np.maximum(x, 0.0)
        sigmoid = 1.0 / (1.0 + np.exp(-x))
        return {"sigmoid": sigmoid, "swish": x * sigmoid}[kind]

    def global_pool(self, x: Array) -> Array:
        height, width = self.size(x)
        return x.sum(axis=(1, 2), keepdims=True) / (height * width)

    def scale(self, x: Array, gate: Array) -> Array:
        assert gate.shape == (x.shape[0], 1, 1, x.shape[3])
        return x * gate

    def space_to_depth(self, x: Array) -> Array:
        """Stacks the four positions of a square in the channels, by row, then column."""
        height, width = self.size(x)
        x = np.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
        return np.concatenate([x[:, row::2, column::2] for row in (0, 1) for column in (0, 1)], axis=3)

    def upsample(self, x: Array, factor: int, size: tuple[int, int]) -> Array:
        rows = [row // factor for row in range(size[0])]
        columns = [column // factor for column in range(size[1])]
        return x[:, rows][:, :, columns]

    def fuse(self, inputs: list[Array], name: str) -> Array:
        """Equation 1: each input times its weight over the sum of all weights and 0.001, weights through ReLU."""
        weights = [max(weight, 0.0) for weight in self._parameters[f"{name}/weights"]]
        return sum(weight / (0.001 + sum(weights)) * x for weight, x in zip(weights, inputs, strict=True))

    def add_if_same_width(self, x: Array, branch: Array, drop_depth: float | None = None) -> Array:
        return self.add(x, branch) if x.shape[3] == branch.shape[3] else branch

    def match_width(self, x: Array, width: int, name: str) -> Array:
        if x.shape[3] == width:
            return x
        return self.batch_norm(self.conv(x, width, f"{name}/conv"), f"{name}/bn")

    def max_pool(self, x: Array, *, kernel: int, stride: int) -> Array:
        return np.max([seen for _, _, seen in _kernel_views(x, kernel, stride, outside=-math.inf)], axis=0)

    def average(self, inputs: list[Array]) -> Array:
        return sum(inputs) / len(inputs)

    def add(self, x: Array, y: Array) -> Array:
        assert x.shape == y.shape
        return x + y

    def drop_path(self, branch: Array, depth: float) -> Array:
        return branch

    def propose(
        self, objectness: dict[int, Array], codes: dict[int, Array], image_size: tuple[int, int], count: int
    ) -> Array:
        return self._proposals

    def detect(self, boxes: Array, class_logits: Array, codes: Array, image_size: tuple[int, int], count: int) -> Array:
        return self._detections

    def roi_align(self, features: dict[int, Array], boxes: Array, size: int) -> Array:
        crops = []
        for image, regions in enumerate(boxes[..., :4]):
            for region in regions:
                level = _level_of_region(region, min(features), max(features))
                crops.append(_crop(features[level][image], region / 2**level, size))
        return np.stack(crops)

    def dense(self, x: Array, width: int, name: str) -> Array:
        weights = self._parameters[f"{name}/kernel"]
        assert weights.shape == (*x.shape[1:], width)
        return (x.reshape(len(x), -1) @ weights.reshape(-1, width))[:, None, None, :]

    def conv_transpose(self, x: Array, width: int, name: str, *, bias: float) -> Array:
        """Maps every position to a square of four, each with its own matrix."""
        weights = self._parameters[f"{name}/kernel"]
        assert weights.shape == (2, 2, x.shape[3], width)
        y = np.zeros((x.shape[0], 2 * x.shape[1], 2 * x.shape[2], width))
        for row in (0, 1):
            for column in (0, 1):
                y[:, row::2, column::2] = x @ weights[row, column]
        return y + self._parameters[f"{name}/bias"]


def _kernel_views(x: Array, kernel: int, stride: int, outside: float = 0.0) -> Iterator[tuple[int, int, Array]]:
    """For every row and column of a kernel, the values of `x` at that offset, one per output position.

    The output has ceil(size / stride) positions. Half of the padding is before and half after; of an odd padding, the
    larger half is after.
    """
    outputs, before, after = zip(*(_same_padding(size, kernel, stride) for size in x.shape[1:3]), strict=True)
    padding = ((0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0))
    padded = np.pad(x, padding, constant_values=outside)
    for row in range(kernel):
        for column in range(kernel):
            rows = [row + stride * position for position in range(outputs[0])]
            columns = [column + stride * position for position in range(outputs[1])]
            yield row, column, padded[:, rows][:, :, columns]


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int, int]:
    """Output positions along one axis, and the padding before and after it."""
    outputs = math.ceil(size / stride)
    padding = max((outputs - 1) * stride + kernel - size, 0)
    return outputs, padding // 2, padding - padding // 2


def _level_of_region(region: Array, lowest: int, highest: int) -> int:
    """Equation 1 of the FPN paper: a region of 224 x 224 px has level 4, one of half the side a level less."""
    y1, x1, y2, x2 = region
    side = math.sqrt((y2 - y1) * (x2 - x1))
    return lowest if side == 0.0 else min(max(math.floor(4 + math.log2(side / 224)), lowest), highest)


def _crop(feature: Array, region: Array, size: int) -> Array:
    """`size` x `size` bins of a region in units of the map's positions, each the mean of 2 x 2 points in it."""
    y1, x1, y2, x2 = region
    bin_height, bin_width = (y2 - y1) / size, (x2 - x1) / size
    crop = np.zeros((size, size, feature.shape[2]))
    for row in range(size):
        for column in range(size):
            ys = [y1 + (row + part) * bin_height for part in (0.25, 0.75)]
            xs = [x1 + (column + part) * bin_width for part in (0.25, 0.75)]
            crop[row, column] = sum(_at_point(feature, y, x) for y in ys for x in xs) / 4
    return crop


def _at_point(feature: Array, y: float, x: float) -> Array:
    """Bilinear interpolation between positions, whose centres are at halves; outside, the nearest position."""
    height, width, _ = feature.shape
    y, x = min(max(y - 0.5, 0.0), height - 1.0), min(max(x - 0.5, 0.0), width - 1.0)
    top, left = math.floor(y), math.floor(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    lower, further = y - top, x - left
    upper_row = (1 - further) * feature[top, left] + further * feature[top, right]
    lower_row = (1 - further) * feature[bottom, left] + further * feature[bottom, right]
    return (1 - lower) * upper_row + lower * lower_row


# The table of blocks in docs/architecture.md: level and parents of each block; 0 is the stem.
_BLOCKS = {
    1: (1, (0,)), 2: (2, (1,)), 3: (2, (2,)), 4: (2, (2, 3)), 5: (4, (2, 3)), 6: (3, (4, 5)), 7: (4, (4, 6)),
    8: (6, (5, 7)), 9: (4, (5, 7)), 10: (5, (8, 9)), 11: (7, (8, 10)), 12: (5, (10, 11)), 13: (5, (10, 12)),
    14: (4, (7, 12)), 15: (3, (6, 12)), 16: (5, (9, 14)), 17: (7, (7, 16)), 18: (6, (14, 16)),
}  # fmt: skip
_ENDPOINTS = {3: 15, 4: 14, 5: 16, 6: 18, 7: 17}


def written_out_retinanet(
    ops: NumpyOps, architecture: Architecture, images: Array
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Class logits and boxes by level of Eff-SpineNet, written from the documents.

    Only the arithmetic of `ops` and the names of parameters are shared with the networks of the search space. The
    architecture must have the operations of the paper's detectors, without ablations. Long because one network is
    written out from top to bottom.
    """

    def conv(x: Array, width: int, name: str, kernel: int = 1, stride: int = 1) -> Array:
        return ops.batch_norm(ops.conv(x, width, f"{name}/conv", kernel=kernel, stride=stride), f"{name}/bn")

    def swish(x: Array) -> Array:
        return ops.activate(x, "swish")

    def mbconv(x: Array, width: int, name: str, stride: int) -> Array:
        inputs = x.shape[3]
        y = swish(conv(x, 6 * inputs, f"{name}/expand"))
        y = ops.depthwise(y, f"{name}/depthwise", kernel=3, stride=stride)
        y = swish(ops.batch_norm(y, f"{name}/depthwise_bn"))
        gate = ops.conv(ops.global_pool(y), max(1, inputs // 5), f"{name}/squeeze", bias=0.0)
        gate = ops.conv(swish(gate), 6 * inputs, f"{name}/excite", bias=0.0)
        y = ops.conv(y * ops.activate(gate, "sigmoid"), width, f"{name}/project")
        y = ops.batch_norm(y, f"{name}/project_bn")
        return x + y if stride == 1 and inputs == width else y

    def resampled(x: Array, width: int, levels_down: int, size: tuple[int, int], name: str) -> Array:
        if levels_down > 0:
            x = swish(ops.batch_norm(ops.space_to_depth(x), f"{name}/space_to_depth_bn"))
        if levels_down > 1:
            kernel, stride = {2: (3, 2), 3: (5, 4)}[levels_down]
            x = ops.depthwise(x, f"{name}/depthwise", kernel=kernel, stride=stride)
            x = swish(ops.batch_norm(x, f"{name}/depthwise_bn"))
        if levels_down < 0:
            x = ops.upsample(x, 2**-levels_down, size)
        assert ops.size(x) == size
        return conv(x, width, name)

    features = {0: swish(conv(images, architecture.stem_width, "stem", kernel=3, stride=2))}
    levels = {0: 1}
    for number, (level, parents) in _BLOCKS.items():
        name, width = f"block{number}", architecture.widths[number - 1]
        size = (math.ceil(images.shape[1] / 2**level), math.ceil(images.shape[2] / 2**level))
        if len(parents) == 1:
            x, stride = features[parents[0]], 2 if number == 2 else 1
        else:
            both = [resampled(features[p], width, level - levels[p], size, f"{name}/from{p}") for p in parents]
            x, stride = ops.fuse(both, f"{name}/fusion"), 1
            if number == 16:
                loose = features[13]
                x = x + (loose if loose.shape[3] == width else conv(loose, width, f"{name}/from13"))
            x = swish(x)
        for repeat in range(architecture.repeats[number - 1]):
            x = mbconv(x, width, f"{name}/mbconv{repeat + 1}", stride if repeat == 0 else 1)
        assert x.shape[1:] == (*size, width)
        features[number], levels[number] = x, level

    endpoints = {
        level: swish(conv(features[number], architecture.subnet_width, f"endpoint{level}"))
        for level, number in _ENDPOINTS.items()
    }
    return _written_out_predictions(ops, architecture, endpoints)


def _written_out_predictions(
    ops: NumpyOps, architecture: Architecture, endpoints: dict[int, Array]
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Class logits and boxes by level, from the endpoint features."""

    def separable(x: Array, width: int, name: str) -> Array:
        return ops.conv(ops.depthwise(x, f"{name}/depthwise", kernel=3), width, f"{name}/pointwise", bias=0.0)

    predictions: dict[str, dict[int, Array]] = {"class": {}, "box": {}}
    for level, endpoint in endpoints.items():
        for name, values in (("class", architecture.class_slots), ("box", 4)):
            x = endpoint
            for layer in range(1, architecture.subnet_layers + 1):
                x = separable(x, architecture.subnet_width, f"{name}/layer{layer}")
                x = ops.activate(ops.batch_norm(x, f"{name}/layer{layer}/bn{level}"), "swish")
            predictions[name][level] = separable(x, 9 * values, f"{name}/predict")
    return predictions["class"], predictions["box"]
