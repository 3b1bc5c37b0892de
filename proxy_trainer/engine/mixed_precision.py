"""Interprets networks in mixed precision: feature maps and convolutions in bfloat16, accumulations in float32."""

from __future__ import annotations

import tensorflow as tf

from proxy_trainer.engine import plain_kernels
from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.parameters import Role, is_prediction


class MixedPrecisionOps(TensorOps):
    """`TensorOps` over bfloat16 feature maps, with parameters in float32.

    Kernels are rounded where they are used, so that their gradients are float32. Batch normalisation has bfloat16
    inputs and outputs and computes its statistics in float32. Means over positions, fused sums and biases are computed
    in float32 too, because their gradients are sums over whole feature maps, for which the precision of bfloat16 is
    too low. Predictions stay in float32.
    """

    def global_pool(self, x: tf.Tensor) -> tf.Tensor:
        return self._cast(super().global_pool(self._cast(x, tf.float32)), x.dtype)

    def fuse(self, inputs: list[tf.Tensor], name: str) -> tf.Tensor:
        return self._cast(super().fuse([self._cast(x, tf.float32) for x in inputs], name), inputs[0].dtype)

    def _parameter(self, name: str, role: Role, *shape: int | None, initial: float = 0.0) -> tf.Tensor:
        values = super()._parameter(name, role, *shape, initial=initial)
        return self._cast(values, tf.bfloat16) if role == "kernel" else values

    def _add_bias(self, x: tf.Tensor, width: int, name: str, initial: float) -> tf.Tensor:
        y = super()._add_bias(self._cast(x, tf.float32), width, name, initial)
        return y if is_prediction(name) else self._cast(y, x.dtype)

    def _cast(self, x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
        return x if x.dtype == dtype else self._apply(plain_kernels.cast, x, dtype=dtype)
