"""One architecture as data, and the published ones (Tables 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from search_space.errors import InvalidValueError
from search_space.rounding import DIVISOR, round_width
from search_space.topology import NUM_BLOCKS

STEM_WIDTH = 8
EXPANSION = 6
KERNEL = 3
ANCHORS_PER_LOCATION = 9
COCO_CLASS_SLOTS = 91
MAX_WIDTH = 4096
MAX_INPUT_PX = 4096


@dataclass(frozen=True)
class Architecture:
    """A RetinaNet detector over the scale-permuted backbone.

    `widths` are the output channels of the 18 blocks in order, `repeats` how many MBConv make up each block
    (section 3.1). `subnet_width` channels and `subnet_layers` separable convolutions make up each of the class and
    box subnets (Table 2), `class_slots` logits and 4 box values belong to each of 9 anchors a location.
    Raises InvalidValueError where a value is out of range.
    """

    widths: tuple[int, ...]
    name: str = field(default="custom", compare=False)
    repeats: tuple[int, ...] = (1,) * NUM_BLOCKS
    input_px: int = 512
    stem_width: int = STEM_WIDTH
    subnet_width: int = 64
    subnet_layers: int = 3
    class_slots: int = COCO_CLASS_SLOTS

    def __post_init__(self) -> None:
        _check_list("widths", self.widths, MAX_WIDTH)
        _check_list("repeats", self.repeats, 100)
        _check("input_px", self.input_px, MAX_INPUT_PX)
        _check("stem_width", self.stem_width, MAX_WIDTH)
        _check("subnet_width", self.subnet_width, MAX_WIDTH)
        _check("subnet_layers", self.subnet_layers, 100)
        _check("class_slots", self.class_slots, 100_000)

    def scaled(self, multiplier: float, *, divisor: int = DIVISOR, **changes: int) -> Architecture:
        """This architecture with every backbone width times `multiplier`, rounded to multiples of `divisor`.

        `changes` replaces further fields, such as `input_px` or `subnet_width`.
        """
        return replace(
            self,
            name=f"{self.name} x{multiplier:g}",
            widths=tuple(round_width(width * multiplier, divisor) for width in self.widths),
            stem_width=round_width(self.stem_width * multiplier, divisor),
            **changes,  # type: ignore[arg-type]
        )


def _check(name: str, value: object, largest: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
        raise InvalidValueError(f"{name} is {value!r}; it must be a whole number from 1 to {largest}", field=name)


def _check_list(name: str, values: object, largest: int) -> None:
    if not isinstance(values, tuple) or len(values) != NUM_BLOCKS:
        count = len(values) if isinstance(values, (tuple, list)) else "no"
        raise InvalidValueError(
            f"{name} has {count} values; there must be {NUM_BLOCKS}, one for each block", field=name
        )
    for index, value in enumerate(values):
        _check(f"{name}[{index}]", value, largest)


_ONCE = (1,) * NUM_BLOCKS
_REPEATS_D1 = (2, 2, 1, 1, 2, 2, 2, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1)

SP_EFFICIENTNET_B0 = Architecture(
    name="SP-EfficientNet-B0",
    widths=(16, 24, 24, 24, 96, 40, 96, 152, 96, 152, 152, 152, 152, 96, 40, 152, 152, 152),
)
EFF_SPINENET_D0 = Architecture(
    name="Eff-SpineNet-D0",
    widths=(16, 24, 16, 16, 104, 48, 120, 40, 120, 168, 96, 192, 136, 104, 40, 136, 136, 40),
)
# The widths of the scaled models are tabulated, not derived: several products of Table 2's multiplier with the
# unrounded widths of D0 lie within 0.1 % of a rounding boundary, on either side of it.
EFF_SPINENET_M0 = Architecture(
    name="Eff-SpineNet-M0",
    widths=(8, 8, 8, 8, 40, 24, 48, 16, 48, 64, 40, 80, 56, 40, 16, 56, 56, 16),
    input_px=256,
    stem_width=round_width(0.4 * STEM_WIDTH),
    subnet_width=24,
)
EFF_SPINENET_M1 = Architecture(
    name="Eff-SpineNet-M1",
    widths=(8, 16, 8, 8, 48, 24, 64, 24, 64, 80, 48, 96, 64, 48, 24, 64, 64, 24),
    input_px=384,
    stem_width=round_width(0.5 * STEM_WIDTH),
    subnet_width=40,
)
EFF_SPINENET_M2 = Architecture(
    name="Eff-SpineNet-M2",
    widths=(8, 16, 16, 16, 80, 40, 96, 32, 96, 128, 80, 152, 104, 80, 32, 104, 104, 32),
    input_px=384,
    stem_width=round_width(0.8 * STEM_WIDTH),
)
EFF_SPINENET_D1 = replace(EFF_SPINENET_D0, name="Eff-SpineNet-D1", input_px=640, repeats=_REPEATS_D1, subnet_width=88)
EFF_SPINENET_D2 = Architecture(
    name="Eff-SpineNet-D2",
    widths=(16, 24, 16, 16, 112, 56, 136, 48, 136, 184, 104, 208, 144, 112, 48, 144, 144, 48),
    repeats=_REPEATS_D1,
    input_px=768,
    stem_width=round_width(1.1 * STEM_WIDTH),
    subnet_width=112,
)

D0_BETAS = (10, 10, 5, 5, 15, 20, 20, 1, 20, 15, 5, 20, 10, 15, 15, 10, 10, 1)
"""Multipliers that Equations 2 to 4 turn into the published widths of Eff-SpineNet-D0, exactly."""

BASES: dict[str, Architecture] = {
    architecture.name.lower(): architecture
    for architecture in (
        SP_EFFICIENTNET_B0,
        EFF_SPINENET_M0,
        EFF_SPINENET_M1,
        EFF_SPINENET_M2,
        EFF_SPINENET_D0,
        EFF_SPINENET_D1,
        EFF_SPINENET_D2,
    )
}
"""Architectures that a search can start from, by name."""

DEFAULT_BASE = SP_EFFICIENTNET_B0.name.lower()
