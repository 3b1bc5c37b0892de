"""`search_space.base` of the campaign document: the name of a published architecture, or an architecture.

An architecture may be given as a block specification, such as an export; what is kept of it are the fields below: all
that a search depends on, and the trial that it comes from.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from nas_controller.search.field_descriptions import setting
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
from search_space.published import BASES
from search_space.topology import NUM_BLOCKS

_Width = Annotated[Whole, Field(ge=1, le=MAX_WIDTH)]
_Repeats = Annotated[Whole, Field(ge=1, le=MAX_REPEATS)]


class OperationsSpec(BaseModel):
    """The operations of all blocks (`search_space.architecture.Operations`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    weighted_fusion: bool = setting(
        "Weighted fusion", "Parents are fused with learned weights (Equation 1), else summed.", default=True
    )
    space_to_depth: bool = setting(
        "Space to depth",
        "The first downsampling step of Figure 2, else depthwise convolutions of stride 2.",
        default=True,
    )
    squeeze_excitation: bool = setting(
        "Squeeze and excitation", "Blocks have squeeze-and-excitation layers.", default=True
    )
    activation: Literal["swish", "relu"] = setting(
        "Activation", "The activation function of all blocks.", default="swish"
    )
    stochastic_depth: bool = setting("Stochastic depth", "Blocks are dropped at random in training.", default=True)


class ExportedFrom(BaseModel):
    """The trial whose architecture was exported. Nothing depends on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    campaign_id: str = setting("Campaign id", "The id of its campaign.", min_length=1, max_length=64)
    campaign_name: str = setting("Campaign name", "The name of its campaign.", min_length=1, max_length=200)
    trial: Whole = setting("Trial", "The number of the trial.", ge=0, le=2**31 - 1)


class BaseSpec(BaseModel):
    """An architecture whose widths are searched: the fields of `search_space.architecture.Architecture`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = setting("Name", "The name of the architecture.", default="custom", min_length=1, max_length=200)
    widths: tuple[_Width, ...] = setting(
        "Widths", "Output channels of the blocks.", min_length=NUM_BLOCKS, max_length=NUM_BLOCKS, unit="channels"
    )
    repeats: tuple[_Repeats, ...] = setting(
        "Repeats",
        "How often each block is repeated.",
        default=(1,) * NUM_BLOCKS,
        min_length=NUM_BLOCKS,
        max_length=NUM_BLOCKS,
    )
    input_px: Whole = setting("Input side", "Side of the square image.", default=512, ge=1, le=MAX_INPUT_PX, unit="px")
    stem_width: Whole = setting(
        "Stem width", "Channels of the stem.", default=STEM_WIDTH, ge=1, le=MAX_WIDTH, unit="channels"
    )
    subnet_width: Whole = setting(
        "Subnet width",
        "Channels of the endpoints and of the class and box subnets.",
        default=64,
        ge=1,
        le=MAX_WIDTH,
        unit="channels",
    )
    subnet_layers: Whole = setting(
        "Subnet layers", "Separable convolutions of each subnet.", default=3, ge=1, le=MAX_SUBNET_LAYERS
    )
    class_slots: Whole = setting(
        "Classes", "Outputs of the class subnet.", default=COCO_CLASS_SLOTS, ge=1, le=MAX_CLASS_SLOTS
    )
    operations: OperationsSpec = setting("Operations", "The operations of all blocks.", default=OperationsSpec())
    exported_from: ExportedFrom | None = setting(
        "Exported from",
        "The trial of an earlier search that the architecture is of; left out for another.",
        default=None,
        exclude_if=lambda source: source is None,
    )

    def build(self) -> Architecture:
        """The architecture."""
        fields = {name: value for name, value in self if name != "exported_from"}
        return Architecture(**{**fields, "operations": Operations(**dict(self.operations))})


def _checked(value: Any) -> Any:
    """A name as it is; an object as `BaseSpec`. Errors name the field of the object."""
    if isinstance(value, (str, BaseSpec)):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("invalid_value", "it must be the name of a published architecture, or an object")
    try:
        if "format" in value:
            found = read_block_specification(value)
            return BaseSpec.model_validate({**asdict(found.architecture), "exported_from": _source(found.provenance)})
        return BaseSpec.model_validate(value)
    except InvalidValueError as error:
        raise refused(error, "invalid_value") from error


def _source(provenance: dict[str, Any]) -> dict[str, Any] | None:
    campaign, trial = provenance.get("campaign"), provenance.get("trial")
    if campaign is None or trial is None:
        return None
    return {"campaign_id": campaign["id"], "campaign_name": campaign["name"], "trial": trial}


Base = Annotated[Annotated[str, Field(json_schema_extra={"enum": list(BASES)})] | BaseSpec, BeforeValidator(_checked)]
