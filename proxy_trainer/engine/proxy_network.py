"""The proxy network as functions to trace: loss and gradient in training, predictions in inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

import tensorflow as tf

from proxy_trainer.engine.augment import view_pixels, view_pixels_by_matmul
from proxy_trainer.engine.boxes import decode
from proxy_trainer.engine.layout import Layout
from proxy_trainer.engine.losses import detection_loss
from proxy_trainer.engine.mixed_precision import MixedPrecisionOps
from proxy_trainer.engine.reverse_mode import Recorder
from proxy_trainer.engine.targets import targets_of
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.engine.training_batch import Gradient, TrainingBatch
from search_space.anchors import anchor_boxes
from search_space.architecture import Architecture
from search_space.cost import network_parameters
from search_space.detector import IMAGE_DEVIATION, IMAGE_MEAN
from search_space.networks.retinanet import LEVELS, RetinaNetOutputs, retinanet
from search_space.ops import Ops
from search_space.parameters import Parameter
from search_space.proxy_task import ProxyTask

T = TypeVar("T")


class Network(Protocol):
    """A detector as a function over `Ops`, such as `search_space.networks.retinanet.retinanet`."""

    def __call__(self, ops: Ops[T], architecture: Architecture, images: T, /) -> RetinaNetOutputs[T]:
        """Predictions by level for images `[batch, px, px, 3]`."""
        ...


def parameters_of(network: Network, architecture: Architecture) -> list[Parameter]:
    """Every parameter of the network with this architecture, in the order of their use."""
    return network_parameters(lambda ops, images: network(ops, architecture, images), architecture.input_px)


class ProxyNetwork:
    """The network of a task, with its parameters in the flat vectors of a layout.

    With a dynamic layout it takes any widths, with a static one those of `architecture`. Images and feature maps have
    the task's `precision`; losses, logits, box codes, gradients and statistics are float32. With `jit_compile` it uses
    only operations that XLA supports.
    """

    def __init__(
        self, task: ProxyTask, architecture: Architecture, layout: Layout, network: Network = retinanet
    ) -> None:
        self._task = task
        self._architecture = architecture
        self._layout = layout
        self._network = network
        self._class_slots = architecture.class_slots
        self._anchors = tf.constant(anchor_boxes(task.image_px, task.anchor_size))
        self._precision = tf.as_dtype(task.precision)
        self._ops = TensorOps if task.precision == "float32" else MixedPrecisionOps
        self._view = view_pixels_by_matmul if task.jit_compile else view_pixels

    def gradient(self, weights: tf.Tensor, batch: TrainingBatch, path_seed: tf.Tensor) -> Gradient:
        """Loss and gradient of one forward and backward pass of a batch; `path_seed` seeds stochastic depth."""
        images = self._view(normalise(batch.pixels, batch.sizes), batch.windows)
        targets = targets_of(self._anchors, batch.boxes, batch.classes, batch.matches)
        recorder, parameters = Recorder(), self._layout.split_weights(weights)
        ops = self._ops(
            parameters.tensors,
            training=True,
            drop_rate=self._task.stochastic_depth,
            path_seed=path_seed,
            pointwise_shapes=parameters.pointwise_shapes,
            recorder=recorder,
        )
        logits, codes = self._outputs(ops, images)
        maps = [by_level[level] for by_level in (logits, codes) for level in LEVELS]
        with tf.GradientTape() as tape:
            tape.watch(maps)
            loss = detection_loss(self._by_anchor(logits, self._class_slots), self._by_anchor(codes, 4), targets)
        upstream = list(zip(maps, tape.gradient(loss.total, maps), strict=True))
        gradient = self._layout.flatten(recorder.gradients(upstream, parameters.tensors))
        statistics = tf.concat([ops.batch_statistics[name] for name in self._layout.statistic_names], axis=0)
        return Gradient(loss, gradient, statistics)

    def predictions(
        self, weights: tf.Tensor, statistics: tf.Tensor, pixels: tf.Tensor, sizes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Boxes `[batch, anchors, 4]` in pixels and scores `[batch, anchors, classes]` of every anchor.

        `pixels` `[batch, px, px, 3]` are padded images; `sizes` `[batch, 2]` (height, width) is without padding.
        """
        parameters = self._layout.split_weights(weights)
        ops = self._ops(
            parameters.tensors | self._layout.split_statistics(statistics),
            training=False,
            pointwise_shapes=parameters.pointwise_shapes,
        )
        logits, codes = self._outputs(ops, normalise(pixels, sizes))
        boxes = decode(self._by_anchor(codes, 4), self._anchors, (self._task.image_px, self._task.image_px))
        return boxes, tf.nn.sigmoid(self._by_anchor(logits, self._class_slots))

    def batch_statistics(self, weights: tf.Tensor, pixels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        """The mean and variance of every batch normalisation for a batch of padded images, as a flat vector.

        Each layer sees what the layers before it normalise with these statistics.
        """
        parameters = self._layout.split_weights(weights)
        ops = self._ops(parameters.tensors, training=True, pointwise_shapes=parameters.pointwise_shapes)
        self._outputs(ops, normalise(pixels, sizes))
        return tf.concat([ops.batch_statistics[name] for name in self._layout.statistic_names], axis=0)

    def _outputs(self, ops: TensorOps, images: tf.Tensor) -> RetinaNetOutputs[tf.Tensor]:
        return self._network(ops, self._architecture, tf.cast(images, self._precision))

    def _by_anchor(self, maps: dict[int, tf.Tensor], values: int) -> tf.Tensor:
        """Predictions by level as float32 `[batch, anchors, values]`, with `values` numbers per anchor."""
        return tf.cast(tf.ensure_shape(by_anchor(maps, values), [None, len(self._anchors), values]), tf.float32)


def by_anchor(maps: Mapping[int, tf.Tensor], values: int) -> tf.Tensor:
    """Predictions by level as `[batch, anchors, values]`, with `values` numbers per anchor."""
    return tf.concat([tf.reshape(maps[level], [tf.shape(maps[level])[0], -1, values]) for level in LEVELS], axis=1)


def normalise(pixels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """Pixels `[batch, px, px, 3]` normalised by the mean and deviation of natural images, with zero padding.

    The padding is set to zero after normalisation: black padding would be the strongest edge of a bright image.
    """
    rows, columns = (tf.sequence_mask(sizes[:, axis], pixels.shape[1 + axis], tf.float32) for axis in (0, 1))
    content = rows[:, :, None, None] * columns[:, None, :, None]
    return (tf.cast(pixels, tf.float32) - tf.constant(IMAGE_MEAN)) / tf.constant(IMAGE_DEVIATION) * content
