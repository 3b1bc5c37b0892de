"""The scale-permuted backbone with learned widths, registered as `eff_spinenet`.

"Efficient Scale-Permuted Backbone with Learned Resource Distribution", sections 3.1 and 3.2. Each layer is named by the
path of its parameters in `model.safetensors`, with dots for slashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tf_keras
from official.modeling import tf_utils
from official.vision.configs import common
from official.vision.modeling.backbones import factory
from official.vision.modeling.layers import nn_layers

from eff_spinenet import configs
from eff_spinenet.layers import CropToLevel, Fusion, SpaceToDepth
from eff_spinenet.weights import load_backbone

layers = tf_keras.layers

STEM_LEVEL = 1
STRIDED_KERNELS = {2: 3, 4: 5}
"""Kernel by stride of the depthwise convolution that downsamples further after space-to-depth."""


@tf_keras.utils.register_keras_serializable(package="eff_spinenet")
class EffSpineNet(tf_keras.Model):
    """Images `[batch, height, width, 3]`, normalised, to the features of each level, by its number as text."""

    def __init__(
        self,
        input_specs: layers.InputSpec,
        config: configs.EffSpineNet,
        norm_activation: common.NormActivation,
        kernel_regularizer: tf_keras.regularizers.Regularizer | None = None,
        **settings: Any,
    ) -> None:
        images = tf_keras.Input(shape=input_specs.shape[1:])
        endpoints = _Builder(images, config, norm_activation, kernel_regularizer).endpoints()
        super().__init__(inputs=images, outputs=endpoints, **settings)
        self._input_specs = input_specs
        self._backbone_config, self._norm_activation = config, norm_activation
        self._kernel_regularizer = kernel_regularizer
        self._output_specs = {level: feature.shape for level, feature in endpoints.items()}

    def get_config(self) -> dict[str, Any]:
        return {
            "input_specs": self._input_specs,
            "config": self._backbone_config.as_dict(),
            "norm_activation": self._norm_activation.as_dict(),
            "kernel_regularizer": self._kernel_regularizer,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> EffSpineNet:
        made_of = dict(config)
        made_of["config"] = configs.EffSpineNet(made_of["config"])
        made_of["norm_activation"] = common.NormActivation(made_of["norm_activation"])
        return cls(**made_of)

    @property
    def output_specs(self) -> dict[str, tf.TensorShape]:
        """The shape of each feature map by its level."""
        return self._output_specs


@factory.register_backbone_builder("eff_spinenet")
def build_eff_spinenet(
    input_specs: layers.InputSpec,
    backbone_config: configs.Backbone,
    norm_activation_config: common.NormActivation,
    l2_regularizer: tf_keras.regularizers.Regularizer | None = None,
) -> EffSpineNet:
    """The backbone of a configuration, with its weights if it names any. Raises ValueError where they do not fit."""
    config = backbone_config.get()
    backbone = EffSpineNet(input_specs, config, norm_activation_config, l2_regularizer)
    if config.weights:
        load_backbone(backbone, config.weights)
    return backbone


class _Builder:
    """Adds the layers of the backbone to a functional model."""

    def __init__(
        self,
        images: Any,
        config: configs.EffSpineNet,
        norm_activation: common.NormActivation,
        regularizer: tf_keras.regularizers.Regularizer | None,
    ) -> None:
        if not config.blocks:
            raise ValueError("backbone.eff_spinenet.blocks is empty; give an experiment file of this export")
        self.images, self.config, self.regularizer = images, config, regularizer
        self.normalisation = {
            "momentum": norm_activation.norm_momentum,
            "epsilon": norm_activation.norm_epsilon,
            "synchronized": norm_activation.use_sync_bn,
        }
        self.activation = tf_utils.get_activation(norm_activation.activation)
        self.widths = {0: config.stem_width}
        self.levels = {0: STEM_LEVEL}

    def endpoints(self) -> dict[str, Any]:
        """The features by level."""
        stem = self.conv_bn(self.images, self.config.stem_width, "stem", kernel=3, stride=2)
        features = {0: self.activate(stem)}
        found: dict[int, Any] = {}
        for block in self.config.blocks:
            self.widths[block.block], self.levels[block.block] = block.width, block.level
            features[block.block] = self.block(block, features)
            if block.endpoint:
                name = f"endpoint{block.level}"
                projected = self.conv_bn(features[block.block], self.config.endpoint_width, name)
                found[block.level] = self.activate(projected)
        if not self.config.averaged:
            return {str(level): found[level] for level in sorted(found)}
        lowest = min(found)
        same_size = [self.upsample(x, 2 ** (level - lowest), lowest) for level, x in sorted(found.items())]
        return {str(lowest): layers.Average(name="averaged")(same_size)}

    def block(self, block: configs.Block, features: dict[int, Any]) -> Any:
        """Parents resampled and fused, and MBConv layers in a row. A single parent is not resampled."""
        name, width = f"block{block.block}", block.width
        if len(block.parents) > 1:
            x, input_width, stride = self.fused(block, features), width, 1
        else:
            (parent,) = block.parents
            x, input_width, stride = features[parent], self.widths[parent], 2 ** (block.level - self.levels[parent])
        for repeat in range(1, block.repeats + 1):
            drop = nn_layers.get_stochastic_depth_rate(
                self.config.stochastic_depth_drop_rate, block.block, len(self.config.blocks)
            )
            x = self.mbconv(x, input_width, width, stride, drop, f"{name}.mbconv{repeat}")
            input_width, stride = width, 1
        return x

    def fused(self, block: configs.Block, features: dict[int, Any]) -> Any:
        name, width = f"block{block.block}", block.width
        parents = [self.resample(features[each], each, block, f"{name}.from{each}") for each in block.parents]
        fusion = Fusion(self.config.fusion_epsilon, name=f"{name}.fusion") if self.config.weighted_fusion else None
        x = layers.Add()(parents) if fusion is None else fusion(parents)
        for other in block.adds:
            added = features[other]
            if self.widths[other] != width:
                added = self.conv_bn(added, width, f"{name}.from{other}")
            x = layers.Add()([x, added])
        return self.activate(x)

    def resample(self, x: Any, parent: int, block: configs.Block, name: str) -> Any:
        """A feature map at another level and width (section 3.2, Figure 2)."""
        gap, channels = block.level - self.levels[parent], self.widths[parent]
        if gap > 0 and self.config.space_to_depth:
            x = self.activate(self.batch_norm(SpaceToDepth()(x), f"{name}.space_to_depth_bn"))
            channels *= 4
            if gap > 1:
                stride = 2 ** (gap - 1)
                x = self.depthwise(x, f"{name}.depthwise", kernel=STRIDED_KERNELS[stride], stride=stride)
                x = self.activate(self.batch_norm(x, f"{name}.depthwise_bn"))
        else:
            for step in range(1, gap + 1):
                x = self.depthwise(x, f"{name}.depthwise{step}", kernel=3, stride=2)
                x = self.activate(self.batch_norm(x, f"{name}.depthwise{step}_bn"))
        if gap < 0:
            x = self.upsample(x, 2**-gap, block.level)
        return self.conv_bn(x, block.width, name)

    def mbconv(self, x: Any, input_width: int, width: int, stride: int, drop: float, name: str) -> Any:
        """Expand, depthwise, squeeze-and-excitation, project; residual where shapes agree."""
        expanded, is_residual = self.config.expansion * input_width, stride == 1 and input_width == width
        y = self.activate(self.conv_bn(x, expanded, f"{name}.expand"))
        y = self.depthwise(y, f"{name}.depthwise", kernel=self.config.kernel, stride=stride)
        y = self.activate(self.batch_norm(y, f"{name}.depthwise_bn"))
        if self.config.squeeze_excitation:
            gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
            gate = self.activate(self.conv(gate, max(1, input_width // 5), f"{name}.squeeze", bias=True))
            gate = self.conv(gate, expanded, f"{name}.excite", bias=True)
            y = layers.Multiply()([y, layers.Activation("sigmoid")(gate)])
        # Residual branches are initially zero, so that the untrained network is shallow.
        y = self.conv(y, width, f"{name}.project")
        y = self.batch_norm(y, f"{name}.project_bn", initial_scale=0.0 if is_residual else 1.0)
        if not is_residual:
            return y
        y = nn_layers.StochasticDepth(drop)(y)  # also without drops: checkpoints number the layers
        return layers.Add()([x, y])

    def conv_bn(self, x: Any, width: int, name: str, *, kernel: int = 1, stride: int = 1) -> Any:
        return self.batch_norm(self.conv(x, width, f"{name}.conv", kernel=kernel, stride=stride), f"{name}.bn")

    def conv(self, x: Any, width: int, name: str, *, kernel: int = 1, stride: int = 1, bias: bool = False) -> Any:
        return layers.Conv2D(
            width,
            kernel,
            strides=stride,
            padding="same",
            use_bias=bias,
            kernel_initializer=tf_keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal"),
            kernel_regularizer=self.regularizer,
            name=name,
        )(x)

    def depthwise(self, x: Any, name: str, *, kernel: int, stride: int = 1) -> Any:
        return layers.DepthwiseConv2D(
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            depthwise_initializer=tf_keras.initializers.RandomNormal(stddev=1 / kernel),
            depthwise_regularizer=self.regularizer,
            name=name,
        )(x)

    def batch_norm(self, x: Any, name: str, *, initial_scale: float = 1.0) -> Any:
        scale = tf_keras.initializers.Constant(initial_scale)
        return layers.BatchNormalization(gamma_initializer=scale, name=name, **self.normalisation)(x)

    def activate(self, x: Any) -> Any:
        return layers.Activation(self.activation)(x)

    def upsample(self, x: Any, factor: int, level: int) -> Any:
        """Nearest-neighbour upsampling, cropped to the size of a level."""
        x = layers.UpSampling2D(factor, interpolation="nearest")(x) if factor > 1 else x
        return CropToLevel(level)([x, self.images])
