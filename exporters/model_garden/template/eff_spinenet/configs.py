"""The configuration of the backbone; its fields are those of a block specification."""

from __future__ import annotations

import dataclasses

from official.modeling import hyperparams
from official.vision.configs import backbones


@dataclasses.dataclass
class Block(hyperparams.Config):
    """One block: its number, level, parents (0 is the stem), the blocks added to it, its endpoint, width, repeats."""

    block: int = 0
    level: int = 0
    parents: list[int] = dataclasses.field(default_factory=list)
    adds: list[int] = dataclasses.field(default_factory=list)
    endpoint: str | None = None
    width: int = 0
    repeats: int = 1


@dataclasses.dataclass
class EffSpineNet(hyperparams.Config):
    """The backbone.

    `stochastic_depth_drop_rate` is that of the last block, in proportion for earlier ones. With `averaged` there is one
    endpoint at the lowest level: the mean of all, as the paper's heads for classification and segmentation take it.
    `weights` is the `model.safetensors` to start from; empty means initial values.
    """

    blocks: list[Block] = dataclasses.field(default_factory=list)
    stem_width: int = 8
    endpoint_width: int = 64
    expansion: int = 6
    kernel: int = 3
    weighted_fusion: bool = True
    fusion_epsilon: float = 1e-3
    space_to_depth: bool = True
    squeeze_excitation: bool = True
    stochastic_depth_drop_rate: float = 0.0
    averaged: bool = False
    weights: str = ""


@dataclasses.dataclass
class Backbone(backbones.Backbone):
    """Model Garden's choice of a backbone, with this one."""

    eff_spinenet: EffSpineNet = dataclasses.field(default_factory=EffSpineNet)
