"""`objective` of the campaign document: what the search is told to maximise."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from nas_controller.search.field_descriptions import setting
from nas_controller.search.strict_types import Real
from nas_controller.search.validation_errors import located
from search_space.errors import InvalidValueError

DEFAULT_WEIGHT = 0.07
"""That of MnasNet: twice the cost is worth 5 % of the AP."""


class ObjectiveSpec(BaseModel):
    """The AP alone, or with fewer parameters or less latency.

    With `minimise`, the controller is told AP (cost / baseline's cost)^-weight (Tan et al., "MnasNet", 2019, equation
    2) instead of the AP; the cost are the parameters or the measured latency. Finalists are chosen by the same value of
    their estimated AP. Rewards in the record, the best of a campaign and the verdict of finals are of the AP.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    maximise: Literal["ap"] = setting("Maximise", "The reward: COCO AP on reserved images.", default="ap")
    minimise: Literal["params", "latency"] | None = setting(
        "Minimise too",
        "What should be small besides a large AP; null is the AP alone. `latency` is measured as `latency` of the "
        "campaign says.",
        default=None,
        null="nothing",
    )
    weight: Real | None = setting(
        "Weight of the cost",
        "Exponent of the parameters or the latency over those of the baseline. Null without `minimise`.",
        default=None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        null="none",
        defaults={"by": "minimise", "values": {"params": DEFAULT_WEIGHT, "latency": DEFAULT_WEIGHT}},
        applies={"to": "minimise", "values": ["params", "latency"]},
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

    def cost_ratio(self, params_ratio: float, latency_ratio: float | None) -> float | None:
        """The ratio that `value` takes, of the two of an architecture; None where there is nothing to minimise."""
        return {None: None, "params": params_ratio, "latency": latency_ratio}[self.minimise]

    def value(self, reward: float, cost_ratio: float | None) -> float:
        """What the controller is told of a reward of an architecture whose cost is `cost_ratio` times the baseline's.

        Raises InvalidValueError where the cost counts and is not a positive number.
        """
        if self.weight is None or reward == 0.0:
            return reward
        if cost_ratio is None or not 0.0 < cost_ratio < math.inf:
            raise InvalidValueError(f"the {self.minimise} of a rewarded trial is {cost_ratio} times the baseline's")
        return float(reward * cost_ratio**-self.weight)
