"""The settings of a controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PolicyName = Literal["recurrent", "factorised"]


@dataclass(frozen=True)
class Settings:
    """The controller's settings; only the recurrent policy uses `hidden_units`.

    `entropy_bonus` is in units of the scaled advantage (`reinforce`), so it does not depend on the scale of rewards.
    `baseline_decay` is the decay of the moving average of rewards, `importance_clip` the largest importance weight.
    """

    policy: PolicyName
    learning_rate: float
    entropy_bonus: float
    baseline_decay: float
    importance_clip: float
    hidden_units: int
