"""What can be chosen about a controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PolicyName = Literal["recurrent", "factorised"]


@dataclass(frozen=True)
class Settings:
    """The controller's settings; `hidden_units` is read by the recurrent policy alone.

    `entropy_bonus` is in units of the scaled advantage (`reinforce`), so it means the same for rewards of
    0.01 and of 0.5. `baseline_decay` is that of the moving average of rewards, `importance_clip` the most
    that a late reward may weigh.
    """

    policy: PolicyName
    learning_rate: float
    entropy_bonus: float
    baseline_decay: float
    importance_clip: float
    hidden_units: int
