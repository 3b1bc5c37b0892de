"""One architecture of the scale-permuted family as data."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from search_space.errors import InvalidValueError
from search_space.ops import Activation
from search_space.rounding import DIVISOR, round_width
from search_space.topology import NUM_BLOCKS

STEM_WIDTH = 8
EXPANSION = 6
KERNEL = 3
ANCHORS_PER_LOCATION = 9
COCO_CLASS_SLOTS = 91
MAX_WIDTH = 4096
MAX_INPUT_PX = 4096
MAX_REPEATS = 100
MAX_SUBNET_LAYERS = 100
MAX_CLASS_SLOTS = 100_000

BLOCK_ACTIVATIONS: tuple[Activation, ...] = ("swish", "relu")


@dataclass(frozen=True)
class Operations:
    """The operations of all blocks; the paper ablates each field.

    `weighted_fusion`: Equation 1, else a plain sum. `space_to_depth`: the first downsampling step of Figure 2, else a
    depthwise convolution of stride 2 per level (Table 9). `squeeze_excitation`, `activation` and `stochastic_depth`:
    Table 4. Raises InvalidValueError for any other value.
    """

    weighted_fusion: bool = True
    space_to_depth: bool = True
    squeeze_excitation: bool = True
    activation: Activation = "swish"
    stochastic_depth: bool = True

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name == "activation":
                if value not in BLOCK_ACTIVATIONS:
                    raise InvalidValueError(
                        f"activation is {value!r}; it must be {' or '.join(BLOCK_ACTIVATIONS)}", field="activation"
                    )
            elif not isinstance(value, bool):
                raise InvalidValueError(f"{each.name} is {value!r}; it must be true or false", field=each.name)


@dataclass(frozen=True)
class Architecture:
    """A network with the scale-permuted backbone, by default with the head of RetinaNet.

    `widths` are the output channels of the 18 blocks in order, `repeats` the MBConv layers of each block (section
    3.1). The class and the box subnet each have `subnet_layers` separable convolutions of `subnet_width` channels
    (Table 2). Each of the 9 anchors per location has `class_slots` logits and 4 box values. Raises InvalidValueError
    where a value is out of range.
    """

    widths: tuple[int, ...]
    name: str = field(default="custom", compare=False)
    repeats: tuple[int, ...] = (1,) * NUM_BLOCKS
    input_px: int = 512
    stem_width: int = STEM_WIDTH
    subnet_width: int = 64
    subnet_layers: int = 3
    class_slots: int = COCO_CLASS_SLOTS
    operations: Operations = Operations()

    def __post_init__(self) -> None:
        _check_list("widths", self.widths, MAX_WIDTH)
        _check_list("repeats", self.repeats, MAX_REPEATS)
        _check("input_px", self.input_px, MAX_INPUT_PX)
        _check("stem_width", self.stem_width, MAX_WIDTH)
        _check("subnet_width", self.subnet_width, MAX_WIDTH)
        _check("subnet_layers", self.subnet_layers, MAX_SUBNET_LAYERS)
        _check("class_slots", self.class_slots, MAX_CLASS_SLOTS)

    @property
    def structure(self) -> tuple[tuple[int, ...], Operations]:
        """What determines the graph apart from the widths: repeats and operations."""
        return self.repeats, self.operations

    def scaled(self, multiplier: float, *, divisor: int = DIVISOR, **changes: int) -> Architecture:
        """This architecture with every backbone width times `multiplier`, rounded to multiples of `divisor`.

        `changes` replaces other fields, such as `input_px` or `subnet_width`.
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
