"""`search_space.base` of the campaign document: the name of a published architecture, or an architecture.

An architecture may be given as a block specification, such as an export; what is kept of it are the fields below, which
are all that a search depends on.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from nas_controller.search.strict_types import Whole
from nas_controller.search.validation_errors import refused
from search_space.architecture import (
    COCO_CLASS_SLOTS,
    MAX_CLASS_SLOTS,
    MAX_INPUT_PX,
    MAX_REPEATS,
    MAX_SUBNET_LAYERS,
    MAX_WIDTH,
    STEM_WIDTH,
    Architecture,
    Operations,
)
from search_space.document import read_block_specification
from search_space.errors import InvalidValueError
from search_space.topology import NUM_BLOCKS

_Width = Annotated[Whole, Field(ge=1, le=MAX_WIDTH)]
_Repeats = Annotated[Whole, Field(ge=1, le=MAX_REPEATS)]


class OperationsSpec(BaseModel):
    """The operations of all blocks (`search_space.architecture.Operations`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    weighted_fusion: bool = True
    space_to_depth: bool = True
    squeeze_excitation: bool = True
    activation: Literal["swish", "relu"] = "swish"
    stochastic_depth: bool = True


class BaseSpec(BaseModel):
    """An architecture whose widths are searched: the fields of `search_space.architecture.Architecture`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="custom", min_length=1, max_length=200)
    widths: tuple[_Width, ...] = Field(min_length=NUM_BLOCKS, max_length=NUM_BLOCKS)
    repeats: tuple[_Repeats, ...] = Field(default=(1,) * NUM_BLOCKS, min_length=NUM_BLOCKS, max_length=NUM_BLOCKS)
    input_px: Whole = Field(default=512, ge=1, le=MAX_INPUT_PX)
    stem_width: Whole = Field(default=STEM_WIDTH, ge=1, le=MAX_WIDTH)
    subnet_width: Whole = Field(default=64, ge=1, le=MAX_WIDTH)
    subnet_layers: Whole = Field(default=3, ge=1, le=MAX_SUBNET_LAYERS)
    class_slots: Whole = Field(default=COCO_CLASS_SLOTS, ge=1, le=MAX_CLASS_SLOTS)
    operations: OperationsSpec = OperationsSpec()

    def build(self) -> Architecture:
        """The architecture."""
        return Architecture(**{**dict(self), "operations": Operations(**dict(self.operations))})


def _checked(value: Any) -> Any:
    """A name as it is; an object as `BaseSpec`. Errors name the field of the object."""
    if isinstance(value, (str, BaseSpec)):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("invalid_value", "it must be the name of a published architecture, or an object")
    try:
        if "format" in value:
            return BaseSpec.model_validate(asdict(read_block_specification(value).architecture))
        return BaseSpec.model_validate(value)
    except InvalidValueError as error:
        raise refused(error, "invalid_value") from error


Base = Annotated[
    str | BaseSpec,
    BeforeValidator(_checked),
    Field(
        description="The name of a published architecture, or an architecture; a block specification, such as an "
        "export, is accepted too."
    ),
]
