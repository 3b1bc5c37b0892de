"""`objective` of the campaign document: what the search is told to maximise."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from nas_controller.search.strict_types import Real
from nas_controller.search.validation_errors import located, refused
from search_space.errors import InvalidValueError

DEFAULT_WEIGHT = 0.07
"""That of MnasNet: twice the cost is worth 5 % of the AP."""


def _not_latency(value: Any) -> Any:
    if value == "latency":
        reason = "minimise is latency, which depends on a device that no trial measures; minimise params instead"
        raise refused(InvalidValueError(reason), "invalid_value")
    return value


class ObjectiveSpec(BaseModel):
    """The AP alone, or with fewer parameters.

    With `minimise`, the controller is told AP (params / baseline's params)^-weight (Tan et al., "MnasNet", 2019,
    equation 2) instead of the AP. Rewards in the record, and the best of a campaign, are the AP.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    maximise: Literal["ap"] = "ap"
    minimise: Annotated[Literal["params"] | None, BeforeValidator(_not_latency)] = Field(
        default=None, description="What should be small besides a large AP; null is the AP alone."
    )
    weight: Real | None = Field(
        default=None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description=f"Exponent of the parameters, default {DEFAULT_WEIGHT} with `minimise`; null without.",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_weight(cls, document: Any) -> Any:
        if isinstance(document, dict) and document.get("minimise") is not None and document.get("weight") is None:
            return {**document, "weight": DEFAULT_WEIGHT}
        return document

    @model_validator(mode="after")
    def _weighs_something(self) -> ObjectiveSpec:
        if self.minimise is None and self.weight is not None:
            message = f"weight is {self.weight:g}, but there is nothing to minimise; give objective.minimise"
            raise located(InvalidValueError(message, field="objective.weight"), self, "objective", "weight")
        return self

    def value(self, reward: float, params: int, baseline_params: int) -> float:
        """What the controller is told of a reward of an architecture with these parameters."""
        if self.weight is None:
            return reward
        return float(reward * (params / baseline_params) ** -self.weight)
