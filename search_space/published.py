"""The published architectures (Tables 1 and 2), the compound scaling rule, and the larger models that follow."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from search_space.allocation import allocate, block_madds
from search_space.architecture import STEM_WIDTH, Architecture
from search_space.networks.efficientnet import STAGES_B0
from search_space.rounding import round_width
from search_space.topology import BLOCKS


@dataclass(frozen=True)
class Scale:
    """One row of Table 2; `depth_multiplier` is that of the EfficientNet with the same compound scaling."""

    input_px: int
    width_multiplier: float
    depth_multiplier: float
    subnet_width: int
    subnet_layers: int = 3


SCALES = {
    "M0": Scale(256, 0.4, 1.0, 24),
    "M1": Scale(384, 0.5, 1.0, 40),
    "M2": Scale(384, 0.8, 1.0, 64),
    "D0": Scale(512, 1.0, 1.0, 64),
    "D1": Scale(640, 1.0, 1.1, 88),
    "D2": Scale(768, 1.1, 1.2, 112),
    # Not in the paper: the authors' later models, at the input sizes and subnet depths of the EfficientDet scales
    # whose subnet widths they share.
    "D3": Scale(896, 1.2, 1.4, 160, subnet_layers=4),
    "D4": Scale(1024, 1.4, 1.8, 224, subnet_layers=4),
}


def compound_repeats(depth_multiplier: float) -> tuple[int, ...]:
    """The repeats of each of the 18 blocks at a depth multiplier (section 3.1).

    Compound scaling adds blocks to each level of EfficientNet-B0. The same number is added to the level here, as
    repeats of its blocks: uniformly, with the remainder on the first blocks in order. This gives the repeats of Table 2
    for D1 and D2, and those of the authors' D3 and D4.
    """
    added: Counter[int] = Counter()
    for stage in STAGES_B0:
        added[stage.level] += math.ceil(depth_multiplier * stage.repeats) - stage.repeats
    at_level = Counter(block.level for block in BLOCKS)
    seen: Counter[int] = Counter()
    repeats = []
    for block in BLOCKS:
        each, remainder = divmod(at_level[block.level] + added[block.level], at_level[block.level])
        repeats.append(each + (seen[block.level] < remainder))
        seen[block.level] += 1
    return tuple(repeats)


def _at_scale(name: str, widths: tuple[int, ...], scale: Scale) -> Architecture:
    return Architecture(
        name=name,
        widths=widths,
        repeats=compound_repeats(scale.depth_multiplier),
        input_px=scale.input_px,
        stem_width=round_width(scale.width_multiplier * STEM_WIDTH),
        subnet_width=scale.subnet_width,
        subnet_layers=scale.subnet_layers,
    )


_SP_WIDTHS = (16, 24, 24, 24, 96, 40, 96, 152, 96, 152, 152, 152, 152, 96, 40, 152, 152, 152)


def _sp_efficientnet(number: int) -> Architecture:
    scale = SCALES[f"D{number}"]
    widths = tuple(round_width(scale.width_multiplier * width) for width in _SP_WIDTHS)
    return _at_scale(f"SP-EfficientNet-B{number}", widths, scale)


SP_EFFICIENTNET_B0 = _sp_efficientnet(0)

D0_BETAS = (10, 10, 5, 5, 15, 20, 20, 1, 20, 15, 5, 20, 10, 15, 15, 10, 10, 1)
"""Multipliers for which Equations 2 to 4 give exactly the published widths of Eff-SpineNet-D0."""


def learned_widths() -> tuple[float, ...]:
    """The widths of Eff-SpineNet-D0 before rounding, which the larger scales multiply."""
    madds = block_madds(SP_EFFICIENTNET_B0)
    alphas = allocate(D0_BETAS, madds, math.fsum(madds))
    return tuple(width * math.sqrt(alpha) for width, alpha in zip(_SP_WIDTHS, alphas, strict=True))


# The widths of the published scales are tabulated, not derived, to match the published sizes: six products of Table 2's
# multipliers and the learned widths are within 0.1 % of a rounding boundary and must be rounded across it, and one
# (block 1 of M2, 11.3) must be rounded below the limit of the 10 % guard.
_EFF_SPINENET_WIDTHS = {
    "M0": (8, 8, 8, 8, 40, 24, 48, 16, 48, 64, 40, 80, 56, 40, 16, 56, 56, 16),
    "M1": (8, 16, 8, 8, 48, 24, 64, 24, 64, 80, 48, 96, 64, 48, 24, 64, 64, 24),
    "M2": (8, 16, 16, 16, 80, 40, 96, 32, 96, 128, 80, 152, 104, 80, 32, 104, 104, 32),
    "D0": (16, 24, 16, 16, 104, 48, 120, 40, 120, 168, 96, 192, 136, 104, 40, 136, 136, 40),
    "D1": (16, 24, 16, 16, 104, 48, 120, 40, 120, 168, 96, 192, 136, 104, 40, 136, 136, 40),
    "D2": (16, 24, 16, 16, 112, 56, 136, 48, 136, 184, 104, 208, 144, 112, 48, 144, 144, 48),
}


def _eff_spinenet(key: str) -> Architecture:
    scale = SCALES[key]
    widths = _EFF_SPINENET_WIDTHS.get(key) or tuple(
        round_width(scale.width_multiplier * width) for width in learned_widths()
    )
    return _at_scale(f"Eff-SpineNet-{key}", widths, scale)


EFF_SPINENETS = {key: _eff_spinenet(key) for key in SCALES}
"""Eff-SpineNet by scale: the models of the paper, then D3 and D4."""

EFF_SPINENET_D0 = EFF_SPINENETS["D0"]

SP_EFFICIENTNETS = tuple(_sp_efficientnet(number) for number in range(5))
"""SP-EfficientNet-B0 to B4, by compound scaling at the scales of D0 to D4 (section 3.1)."""

BASES: dict[str, Architecture] = {
    architecture.name.lower(): architecture for architecture in (*SP_EFFICIENTNETS, *EFF_SPINENETS.values())
}
"""Architectures that can be the base of a search space, by name."""

DEFAULT_BASE = SP_EFFICIENTNET_B0.name.lower()
