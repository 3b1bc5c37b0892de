"""Builds a network as a plain Keras functional model, the baseline of the engine benchmark.

There is one layer for each operation and one model for each architecture, compiled and trained by `train_on_batch`.
Network, initial scales and loss are those of the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from proxy_trainer.engine.losses import detection_loss
from proxy_trainer.engine.targets import Targets
from search_space.architecture import Architecture
from search_space.detector import BN_EPSILON, FUSION_EPSILON
from search_space.networks.retinanet import LEVELS, retinanet
from search_space.ops import Activation
from search_space.proxy_task import ProxyTask

keras: Any = tf.keras
Tensor = Any
"""A symbolic Keras tensor."""


class KerasOps:
    """`Ops` with Keras layers, shared by name; slashes in names become dots, because Keras forbids slashes."""

    def __init__(self, bn_momentum: float, drop_rate: float) -> None:
        self._bn_momentum = bn_momentum
        self._drop_rate = drop_rate
        self._layers: dict[str, Callable[..., Tensor]] = {}

    def _apply(self, kind: Callable[..., Any], name: str, x: Tensor, *arguments: Any, **settings: Any) -> Tensor:
        if name not in self._layers:
            self._layers[name] = kind(*arguments, name=name.replace("/", "."), **settings)
        return self._layers[name](x)

    def size(self, x: Tensor) -> tuple[int, int]:
        return x.shape[1], x.shape[2]

    def conv(
        self,
        x: Tensor,
        width: int,
        name: str,
        *,
        kernel: int = 1,
        stride: int = 1,
        bias: float | None = None,
    ) -> Tensor:
        return self._apply(
            keras.layers.Conv2D, name, x, width, kernel, strides=stride, padding="same",
            use_bias=bias is not None, bias_initializer=keras.initializers.Constant(bias or 0.0),
        )  # fmt: skip

    def depthwise(self, x: Tensor, name: str, *, kernel: int, stride: int = 1) -> Tensor:
        return self._apply(
            keras.layers.DepthwiseConv2D, name, x, kernel, strides=stride, padding="same", use_bias=False
        )

    def batch_norm(self, x: Tensor, name: str, *, initial_scale: float = 1.0) -> Tensor:
        return self._apply(
            keras.layers.BatchNormalization, name, x, momentum=self._bn_momentum, epsilon=BN_EPSILON,
            gamma_initializer=keras.initializers.Constant(initial_scale),
        )  # fmt: skip

    def activate(self, x: Tensor, kind: Activation) -> Tensor:
        return keras.layers.Activation(kind)(x)

    def global_pool(self, x: Tensor) -> Tensor:
        return keras.layers.GlobalAveragePooling2D(keepdims=True)(x)

    def scale(self, x: Tensor, gate: Tensor) -> Tensor:
        return keras.layers.Multiply()([x, gate])

    def space_to_depth(self, x: Tensor) -> Tensor:
        height, width = self.size(x)
        if height % 2 or width % 2:
            x = keras.layers.ZeroPadding2D(((0, height % 2), (0, width % 2)))(x)
        return keras.layers.Lambda(lambda y: tf.nn.space_to_depth(y, 2))(x)

    def upsample(self, x: Tensor, factor: int, size: tuple[int, int]) -> Tensor:
        y = keras.layers.UpSampling2D(factor, interpolation="nearest")(x)
        height, width = self.size(y)
        if (height, width) == size:
            return y
        return keras.layers.Cropping2D(((0, height - size[0]), (0, width - size[1])))(y)

    def fuse(self, inputs: list[Tensor], name: str) -> Tensor:
        return self._apply(WeightedFusion, name, inputs)

    def add_if_same_width(self, x: Tensor, branch: Tensor, drop_depth: float | None = None) -> Tensor:
        if x.shape[-1] != branch.shape[-1]:
            return branch
        return self.add(x, branch if drop_depth is None else self.drop_path(branch, drop_depth))

    def match_width(self, x: Tensor, width: int, name: str) -> Tensor:
        if x.shape[-1] == width:
            return x
        return self.batch_norm(self.conv(x, width, f"{name}/conv"), f"{name}/bn")

    def max_pool(self, x: Tensor, *, kernel: int, stride: int) -> Tensor:
        return keras.layers.MaxPooling2D(kernel, stride, padding="same")(x)

    def average(self, inputs: list[Tensor]) -> Tensor:
        return keras.layers.Average()(inputs)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        return keras.layers.Add()([x, y])

    def drop_path(self, branch: Tensor, depth: float) -> Tensor:
        if not self._drop_rate:
            return branch
        return keras.layers.Dropout(self._drop_rate * depth, noise_shape=(None, 1, 1, 1))(branch)


class WeightedFusion(tf.keras.layers.Layer):  # type: ignore[misc]
    """Fast normalised fusion with one learned weight for each input (Equation 1)."""

    def build(self, input_shapes: list[tuple[int | None, ...]]) -> None:
        """Adds the weights, initially 1."""
        self.shares = self.add_weight(shape=(len(input_shapes),), initializer="ones", name="weights")

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """The weighted sum of inputs of equal shape."""
        weights = tf.nn.relu(self.shares)
        shares = tf.unstack(weights / (tf.reduce_sum(weights) + FUSION_EPSILON))
        return tf.add_n([share * x for share, x in zip(shares, inputs, strict=True)])

    def compute_output_shape(self, input_shapes: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The shape of each input."""
        return input_shapes[0]


def keras_retinanet(architecture: Architecture, *, bn_momentum: float = 0.99, drop_rate: float = 0.0) -> Any:
    """A Keras RetinaNet from normalised images `[batch, px, px, 3]` to predictions `[batch, anchors, class slots + 4]`.

    A prediction is the class logits of an anchor, followed by its box code.
    """
    images = keras.Input((architecture.input_px, architecture.input_px, 3))
    outputs = retinanet(KerasOps(bn_momentum, drop_rate), architecture, images)
    parts = []
    for by_level, values in ((outputs.class_logits, architecture.class_slots), (outputs.boxes, 4)):
        flat = [keras.layers.Reshape((-1, values))(by_level[level]) for level in LEVELS]
        parts.append(keras.layers.Concatenate(axis=1)(flat))
    return keras.Model(images, keras.layers.Concatenate(axis=-1)(parts))


def compile_retinanet(task: ProxyTask, architecture: Architecture, *, eager: bool = False) -> Any:
    """`keras_retinanet`, compiled with SGD with momentum for `train_on_batch(images, keras_targets(...))`.

    `eager` runs it without a graph.
    """
    model = keras_retinanet(architecture, bn_momentum=task.bn_momentum, drop_rate=task.stochastic_depth)
    model.compile(
        keras.optimizers.SGD(task.peak_learning_rate, momentum=task.momentum), loss=keras_loss, run_eagerly=eager
    )
    return model


def keras_targets(targets: Targets) -> tf.Tensor:
    """Targets as a single tensor `[batch, anchors, 5]`, class and box code, because a Keras loss takes only one."""
    return tf.concat([tf.cast(targets.classes, tf.float32)[..., None], targets.codes], axis=-1)


def keras_loss(truth: tf.Tensor, predictions: tf.Tensor) -> tf.Tensor:
    """The loss of the engine, for predictions of `keras_retinanet` and targets of `keras_targets`."""
    targets = Targets(tf.cast(truth[..., 0], tf.int32), truth[..., 1:])
    return detection_loss(predictions[..., :-4], predictions[..., -4:], targets).total
