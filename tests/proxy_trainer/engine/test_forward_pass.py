"""The TensorFlow graph equals a NumPy reference: the same networks, interpreted in double precision.

They agree where no value of a tensor differs from the expected one by more than 1e-4 of the largest expected value of
that tensor. Compared are all outputs of all levels and, in training, all batch statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.region_ops import TensorRegionOps
from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.architecture import Architecture, Operations
from search_space.cost import network_parameters, parameters
from search_space.networks.dense_prediction import classification, segmentation
from search_space.networks.efficientnet import EFFICIENTNETS, efficientnet_retinanet
from search_space.networks.mask_rcnn import Regions, mask_rcnn
from search_space.networks.residual import resnet_retinanet, spinenet_retinanet
from search_space.networks.retinanet import LEVELS, Subnets, retinanet
from search_space.parameters import Parameter
from tests.support.numpy_ops import Array, NumpyOps, written_out_retinanet

Network = Callable[[Any, Any], Any]

TOLERANCE = 1e-4
BATCH = 3
SMALL = (66, 140)
"""Rounded up at five of the seven levels, so space-to-depth pads and upsampling crops; P7 has two positions."""
ODD = (75, 133)
LONG = (96, 160)

# All widths are odd, blocks 13 and 16 of unequal width.
UNEQUAL = Architecture(
    (3, 5, 5, 7, 9, 5, 11, 3, 9, 13, 7, 11, 9, 7, 5, 15, 13, 3),
    stem_width=5, subnet_width=7, subnet_layers=2, class_slots=3,
)  # fmt: skip
REPEATS = (2, 2, 1, 2, 1, 1, 3, 1, 1, 1, 2, 1, 2, 1, 1, 2, 1, 1)
# Blocks 13 and 16 have the same width. So have the stem and block 1, but not blocks 2 and 3; above it is the reverse.
REPEATED = Architecture(
    (5, 3, 7, 5, 11, 7, 9, 5, 7, 9, 3, 13, 11, 5, 9, 11, 7, 5), repeats=REPEATS,
    stem_width=5, subnet_width=7, subnet_layers=2, class_slots=3,
)  # fmt: skip

MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
TRAINING = pytest.mark.parametrize(
    "training", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["training", "inference"]
)
"""Of networks whose blocks `test_detection` runs in both modes."""

# From 1 px to far more than the image, so that levels 3 to 6 are used; some cross the border, one is empty.
MASK_RCNN_SIZE = (200, 328)
PROPOSALS = [
    [[10, 20, 31, 47], [0, 0, 200, 328], [-40, -60, 90, 50], [150, 250, 230, 400], [64, 64, 64, 64]],
    [[3, 5, 197, 320], [-200, -180, 330, 410], [120.5, 200.25, 161.75, 222.5], [0, 0, 56, 56], [20, 30, 20, 90]],
    [[-300, -300, 700, 900], [90, 100, 110, 300], [199, 327, 200, 328], [5, 5, 120, 250], [0, 0, 0, 0]],
]
DETECTIONS = [
    [[40, 50, 100, 130, 0.9, 1], [-20, 10, 120, 350, 0.8, 2]],
    [[0, 0, 260, 328, 0.7, 2], [0, 0, 0, 0, 0, 0]],
    [[12.5, 30.25, 18.5, 42, 0.4, 1], [-250, -150, 300, 500, 0.3, 1]],
]


class _RecordedCrops:
    """Records the crops of RoIAlign by their size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.crops: dict[int, Any] = {}

    def roi_align(self, features: Any, boxes: Any, size: int) -> Any:
        self.crops[size] = super().roi_align(features, boxes, size)
        return self.crops[size]


class _NumpyRegions(_RecordedCrops, NumpyOps):
    def __init__(self, values: dict[str, Array], *, training: bool) -> None:
        super().__init__(
            values, training=training, proposals=np.array(PROPOSALS, float), detections=np.array(DETECTIONS, float)
        )


class _TensorRegions(_RecordedCrops, TensorRegionOps):
    def propose(self, *args: Any) -> tf.Tensor:
        return tf.constant(PROPOSALS, tf.float32)

    def detect(self, *args: Any) -> tf.Tensor:
        return tf.constant(DETECTIONS, tf.float32)


def _values(all_parameters: list[Parameter], seed: int = 1) -> dict[str, Array]:
    """Random nonzero values, so that residual branches have an effect; all fusion weights but one are positive.

    Offsets are positive too: with negative ones, where swish is curved, these deep networks amplify the rounding of
    single precision hundreds of times in training, and the comparison would measure that.
    """
    rng = np.random.default_rng(seed)

    def value(parameter: Parameter) -> Array:
        if len(parameter.shape) == 4:
            return rng.normal(0, 1 / np.sqrt(parameter.fan_in), parameter.shape)
        size = rng.uniform(0.5, 1.5, parameter.shape)
        is_positive = parameter.role in ("variance", "fusion", "offset")
        return size if is_positive else size * rng.choice([-1, 1], parameter.shape)

    values = {parameter.name: value(parameter) for parameter in all_parameters}
    if "block6/fusion/weights" in values:
        values["block6/fusion/weights"][0] *= -1
    return {name: value.astype(np.float32).astype(np.float64) for name, value in values.items()}


def _images(size: tuple[int, int]) -> Array:
    images = np.random.default_rng(2).normal(size=(BATCH, *size, 3))
    return images.astype(np.float32).astype(np.float64)


def _results(ops: Any, network: Network, images: Any) -> dict[str, Any]:
    """Everything to compare after a run of the network over `ops`, by name."""
    outputs = _by_name("output", network(ops, images))
    return outputs | _by_name("crops", getattr(ops, "crops", {})) | _by_name("statistics", ops.batch_statistics)


def _by_name(name: str, tensors: Any) -> dict[str, Any]:
    if isinstance(tensors, tuple):
        tensors = tensors._asdict()
    if not isinstance(tensors, dict):
        return {name: tensors}
    return {path: each for key, part in tensors.items() for path, each in _by_name(f"{name}/{key}", part).items()}


def _compare(actual: dict[str, Any], expected: dict[str, Array]) -> None:
    assert actual.keys() == expected.keys()
    differences = {}
    for name, values in expected.items():
        assert actual[name].shape == values.shape, name
        differences[name] = np.max(np.abs(np.asarray(actual[name]) - values)) / np.max(np.abs(values))
    # `not <=` instead of `>`, so that NaN fails too.
    assert {name: each for name, each in differences.items() if not each <= TOLERANCE} == {}


def _check(
    network: Network,
    size: tuple[int, int],
    training: bool,
    tensor_ops: type[TensorOps] = TensorOps,
    numpy_ops: type[NumpyOps] = NumpyOps,
) -> None:
    # The parameters and their shapes do not depend on the image size.
    values, images = _values(network_parameters(network, 128)), _images(size)

    def run(tensors: dict[str, tf.Tensor], images: tf.Tensor) -> dict[str, tf.Tensor]:
        return _results(tensor_ops(tensors, training=training), network, images)

    actual = tf.function(run, autograph=False)(_tensors(values), tf.constant(images, tf.float32))
    _compare(actual, _results(numpy_ops(values, training=training), network, images))


def _tensors(values: dict[str, Array]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value, tf.float32) for name, value in values.items()}


def _detector(architecture: Architecture) -> Network:
    return lambda ops, images: retinanet(ops, architecture, images)


@MODES
@pytest.mark.parametrize(("architecture", "size"), [(UNEQUAL, SMALL), (REPEATED, ODD)], ids=["unequal", "repeated"])
def test_detection(architecture: Architecture, size: tuple[int, int], training: bool) -> None:
    _check(_detector(architecture), size, training)


@pytest.mark.parametrize(
    ("changes", "training"),
    [
        ({"weighted_fusion": False}, True),
        ({"space_to_depth": False}, True),
        ({"squeeze_excitation": False}, False),
        ({"activation": "relu"}, True),
    ],
    ids=str,
)
def test_detection_with_an_ablation(changes: dict[str, Any], training: bool) -> None:
    _check(_detector(replace(UNEQUAL, operations=Operations(**changes))), SMALL, training)


_RESIDUAL_SUBNETS = Subnets(width=13, layers=1, class_slots=3, is_separable=False)
COMPARATORS: dict[str, Network] = {
    "EfficientNet": lambda ops, images: efficientnet_retinanet(
        ops, EFFICIENTNETS[0], Subnets(width=13, layers=2, class_slots=3), images
    ),
    "ResNet": lambda ops, images: resnet_retinanet(ops, images, _RESIDUAL_SUBNETS),
    "SpineNet": lambda ops, images: spinenet_retinanet(ops, images, _RESIDUAL_SUBNETS),
}


@pytest.mark.slow
@MODES
@pytest.mark.parametrize("name", COMPARATORS)
def test_detectors_that_the_paper_compares_with(name: str, training: bool) -> None:
    _check(COMPARATORS[name], ODD, training)


@TRAINING
def test_classification(training: bool) -> None:
    architecture = replace(REPEATED, operations=Operations(space_to_depth=False))
    _check(lambda ops, images: classification(ops, architecture, images, 11), LONG, training)


@TRAINING
def test_segmentation(training: bool) -> None:
    _check(lambda ops, images: segmentation(ops, UNEQUAL, images, 5), SMALL, training)


@TRAINING
def test_mask_rcnn(training: bool) -> None:
    regions = Regions(dense_width=13, proposals=len(PROPOSALS[0]), detections=len(DETECTIONS[0]))
    network: Network = lambda ops, images: mask_rcnn(ops, UNEQUAL, images, regions)  # noqa: E731
    _check(network, MASK_RCNN_SIZE, training, _TensorRegions, _NumpyRegions)


@TRAINING
def test_one_graph_with_dynamic_channels_runs_both_architectures(training: bool) -> None:
    """As the engine traces it: all channel dimensions are dynamic, and parameters that are absent have no channels."""
    superset = replace(UNEQUAL, widths=tuple(range(100, 118)), stem_width=99, repeats=REPEATS)
    all_parameters = parameters(superset)

    def run(tensors: dict[str, tf.Tensor], images: tf.Tensor) -> dict[str, tf.Tensor]:
        return _results(TensorOps(tensors, training=training), _detector(superset), images)

    signature = [{p.name: _specification(p) for p in all_parameters}, tf.TensorSpec([None, *SMALL, 3])]
    graph = tf.function(run, input_signature=signature, autograph=False)
    absent = {p.name: np.zeros((1, 1, 0, 0) if len(p.shape) == 4 else (0,)) for p in all_parameters}
    images = _images(SMALL)
    for architecture in (replace(UNEQUAL, repeats=REPEATS), REPEATED):
        values = _values(parameters(architecture))
        actual = graph(_tensors(absent | values), tf.constant(images, tf.float32))
        actual = {name: each for name, each in actual.items() if tf.size(each) > 0}
        _compare(actual, _results(NumpyOps(values, training=training), _detector(architecture), images))
    assert graph.experimental_get_tracing_count() == 1


def _specification(parameter: Parameter) -> tf.TensorSpec:
    """The specification of a parameter with dynamic channels."""
    if parameter.role == "fusion":
        return tf.TensorSpec(parameter.shape)
    channels = [None, 1] if parameter.role == "depthwise_kernel" else [None, None]
    return tf.TensorSpec([*parameter.shape[:2], *channels] if len(parameter.shape) == 4 else [None])


@pytest.mark.parametrize(
    ("architecture", "training"), [(UNEQUAL, False), (REPEATED, True)], ids=["unequal-inference", "repeated-training"]
)
def test_the_network_is_the_one_in_the_documentation(architecture: Architecture, training: bool) -> None:
    """Both interpreters run the same network functions; the reference here is written without them."""
    values, images = _values(parameters(architecture)), _images(SMALL)
    ops, reference_ops = (NumpyOps(values, training=training) for _ in range(2))
    outputs = retinanet(ops, architecture, images)
    class_logits, boxes = written_out_retinanet(reference_ops, architecture, images)
    assert ops.batch_statistics.keys() == reference_ops.batch_statistics.keys()
    for level in LEVELS:
        np.testing.assert_allclose(outputs.class_logits[level], class_logits[level], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(outputs.boxes[level], boxes[level], rtol=1e-9, atol=1e-9)
