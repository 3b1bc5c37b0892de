"""`search_space` of the campaign document: the widths that may be sampled."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nas_controller.search.validation_errors import located
from search_space.errors import InvalidValueError
from search_space.published import DEFAULT_BASE
from search_space.rounding import DIVISOR
from search_space.space import CHOICES, MAX_DIVISOR, SearchSpace
from search_space.space_checks import MAX_CHOICES


class SearchSpaceSpec(BaseModel):
    """The widths that may be sampled: the arguments of `search_space.space.SearchSpace`.

    `budget_madds` None means the multi-adds of the base, `searched_blocks` None all blocks. `max_block_width`
    bounds every searched block, or those that it names by number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str = DEFAULT_BASE
    budget_madds: int | None = None  # bounded by the feasible range, which the error message states
    mode: Literal["exact", "paper"] = "exact"
    choices: tuple[int | float, ...] = Field(default=CHOICES, min_length=2, max_length=MAX_CHOICES)
    searched_blocks: tuple[int, ...] | None = None
    max_params: int | None = None  # bounded likewise
    max_block_width: int | dict[int, int] | None = None
    width_divisor: int = Field(default=DIVISOR, ge=1, le=MAX_DIVISOR)

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
    if isinstance(fields["max_block_width"], tuple):
        fields["max_block_width"] = dict(fields["max_block_width"])
    return SearchSpace(**fields)
