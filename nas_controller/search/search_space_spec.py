"""`search_space` of the campaign document: the widths that may be sampled."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from nas_controller.search.base_spec import Base, BaseSpec
from nas_controller.search.field_descriptions import setting
from nas_controller.search.strict_types import Whole
from nas_controller.search.validation_errors import located, refused
from search_space.errors import InvalidValueError
from search_space.published import DEFAULT_BASE
from search_space.rounding import DIVISOR, MAX_DIVISOR
from search_space.short_counts import parse_count
from search_space.space import CHOICES, SearchSpace
from search_space.space_checks import ALL_BLOCKS, MAX_CHOICES
from search_space.topology import NUM_BLOCKS

_MORE = "More of the search space"

_BLOCKS = {str(block): block for block in ALL_BLOCKS}


def _checked_choices(value: Any) -> Any:
    """Numbers, as they were given. An error of one would come with pydantic's own that too few are left."""
    for choice in value if isinstance(value, (list, tuple)) else ():
        if isinstance(choice, bool) or not isinstance(choice, (int, float)):
            raise _invalid(f"choices has {_shortened(choice)}; it must have numbers alone")
    return value


def _checked_block_widths(value: Any) -> Any:
    """A width, or widths by block number, which JSON has as texts (`{"10": 160}`)."""
    if not isinstance(value, dict):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise _invalid(f'{_shortened(value)} is neither a whole number nor a mapping such as {{"10": 160}}')
        return value
    for block, width in value.items():
        if str(block) not in _BLOCKS or isinstance(block, bool):
            raise _invalid(f"{_shortened(block)} is no block; blocks are 1 to {NUM_BLOCKS}")
        if isinstance(width, bool) or not isinstance(width, int):
            raise _invalid(f"the width of block {block} is {_shortened(width)}; it must be a whole number")
    widths = {_BLOCKS[str(block)]: width for block, width in value.items()}
    if len(widths) < len(value):
        raise _invalid("a block is given twice")
    return widths


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _invalid(reason: str) -> PydanticCustomError:
    return refused(InvalidValueError(reason), "invalid_value")


def _counted(value: Any) -> Any:
    """The number that a text such as `647.5M` means; any other value as it is."""
    return value if not isinstance(value, str) or (found := parse_count(value)) is None else found


_Count = Annotated[Whole, BeforeValidator(_counted)]


class SearchSpaceSpec(BaseModel):
    """The widths that may be sampled: the arguments of `search_space.space.SearchSpace`.

    `budget_madds` None means the multi-adds of the base, `searched_blocks` None all blocks. `max_block_width`
    bounds every searched block, or those that it names by number. A budget and `max_params` may be texts such as
    `647.5M` or `1.3 G`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: Base = setting(
        "Base network",
        "The architecture whose widths are searched: the name of a published one, or an architecture; a block "
        "specification, such as an export, is accepted too.",
        default=DEFAULT_BASE,
    )
    # Bounded by the feasible range, which the error message states.
    budget_madds: _Count | None = setting(
        "Budget",
        "Multiply-adds of the whole detector at full width that every architecture must meet.",
        default=None,
        unit="multi-adds",
        null="as the base",
        range="feasible_madds",
    )
    mode: Literal["exact", "paper"] = setting(
        "Mode",
        "`exact` finds widths within 1 % of the budget after rounding; `paper` applies Equations 2 to 4 once, "
        "which leaves up to 20 %.",
        default="exact",
    )
    choices: Annotated[tuple[int | float, ...], BeforeValidator(_checked_choices)] = setting(
        "Multipliers",
        "What may be sampled for a block, in ascending order.",
        default=CHOICES,
        min_length=2,
        max_length=MAX_CHOICES,
        fold=_MORE,
    )
    searched_blocks: tuple[Whole, ...] | None = setting(
        "Searched blocks",
        f"The blocks, of 1 to {NUM_BLOCKS}, that have a multiplier; the others keep the width of the base.",
        default=None,
        null="all",
        fold=_MORE,
    )
    max_params: _Count | None = setting(
        "Largest number of parameters",
        "Trainable parameters of an architecture; mode `exact` only.",
        default=None,
        unit="parameters",
        null="no limit",
        fold=_MORE,
    )
    max_block_width: Annotated[Whole | dict[int, Whole] | None, BeforeValidator(_checked_block_widths)] = setting(
        "Largest width of a block",
        'Of every searched block, or of those that it names by number, such as `{"10": 160}`; mode `exact` only.',
        default=None,
        unit="channels",
        null="no limit",
        fold=_MORE,
    )
    width_divisor: Whole = setting(
        "Width divisor",
        "Widths are multiples of it.",
        default=DIVISOR,
        ge=1,
        le=MAX_DIVISOR,
        unit="channels",
        fold=_MORE,
    )

    @model_validator(mode="after")
    def _is_feasible(self) -> SearchSpaceSpec:
        try:
            self.build()
        except InvalidValueError as error:
            raise located(error, self, "search_space", "base") from error
        return self

    def build(self) -> SearchSpace:
        """The search space, the same object for equal documents. Raises InvalidValueError, but not after validation."""
        fields = dict(self)
        if isinstance(self.max_block_width, dict):
            fields["max_block_width"] = tuple(self.max_block_width.items())
        return _build(tuple(fields.items()))


@lru_cache(maxsize=128)
def _build(arguments: tuple[tuple[str, Any], ...]) -> SearchSpace:
    """Caches search spaces: one takes about 10 ms to build, and a request and its campaign use the same one."""
    fields = dict(arguments)
    if isinstance(fields["base"], BaseSpec):
        fields["base"] = fields["base"].build()
    if isinstance(fields["max_block_width"], tuple):
        fields["max_block_width"] = dict(fields["max_block_width"])
    return SearchSpace(**fields)
