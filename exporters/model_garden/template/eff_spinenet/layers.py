"""The operations of the backbone that Keras has no layer for. Feature maps are `[batch, height, width, channels]`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras


@tf_keras.utils.register_keras_serializable(package="eff_spinenet")
class SpaceToDepth(tf_keras.layers.Layer):
    """2x2 positions into 4 times the channels, by row, column, channel; odd sizes are padded with zeros at the end."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        sizes, dynamic = x.shape, tf.shape(x)
        height, width = (dynamic[axis] if sizes[axis] is None else sizes[axis] for axis in (1, 2))
        padded = tf.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]])
        padded.set_shape([sizes[0], *(each and each + each % 2 for each in sizes[1:3]), sizes[3]])
        return tf.nn.space_to_depth(padded, 2)


@tf_keras.utils.register_keras_serializable(package="eff_spinenet")
class CropToLevel(tf_keras.layers.Layer):
    """The first ceil(size / 2^level) rows and columns of a feature map; called with it and the images."""

    def __init__(self, level: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.level = level

    def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        x, images = inputs
        stride, dynamic = 2**self.level, tf.shape(images)
        rows, columns = (
            -(-(dynamic[axis] if images.shape[axis] is None else images.shape[axis]) // stride) for axis in (1, 2)
        )
        return x[:, :rows, :columns, :]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "level": self.level}


@tf_keras.utils.register_keras_serializable(package="eff_spinenet")
class Fusion(tf_keras.layers.Layer):
    """Fast normalised fusion: a weighted mean with one learned weight per input (Equation 1 of the paper)."""

    def __init__(self, epsilon: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.epsilon = epsilon

    def build(self, shapes: list[tf.TensorShape]) -> None:
        self.shares = self.add_weight("weights", [len(shapes)], initializer="ones")
        super().build(shapes)

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        positive = tf.nn.relu(self.shares)
        shares = tf.unstack(positive / (tf.reduce_sum(positive) + self.epsilon))
        return tf.add_n([share * x for share, x in zip(shares, inputs, strict=True)])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}
