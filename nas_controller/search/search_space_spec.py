"""`search_space` of the campaign document: the widths that may be sampled."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from nas_controller.search.base_spec import Base, BaseSpec
from nas_controller.search.strict_types import Whole
from nas_controller.search.validation_errors import located, refused
from search_space.errors import InvalidValueError
from search_space.published import DEFAULT_BASE
from search_space.rounding import DIVISOR, MAX_DIVISOR
from search_space.short_counts import parse_count
from search_space.space import CHOICES, SearchSpace
from search_space.space_checks import ALL_BLOCKS, MAX_CHOICES
from search_space.topology import NUM_BLOCKS

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

    base: Base = DEFAULT_BASE
    budget_madds: _Count | None = None  # bounded by the feasible range, which the error message states
    mode: Literal["exact", "paper"] = "exact"
    choices: Annotated[tuple[int | float, ...], BeforeValidator(_checked_choices)] = Field(
        default=CHOICES, min_length=2, max_length=MAX_CHOICES
    )
    searched_blocks: tuple[Whole, ...] | None = None
    max_params: _Count | None = None  # bounded likewise
    max_block_width: Annotated[Whole | dict[int, Whole] | None, BeforeValidator(_checked_block_widths)] = None
    width_divisor: Whole = Field(default=DIVISOR, ge=1, le=MAX_DIVISOR)

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
