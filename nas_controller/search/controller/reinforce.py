"""REINFORCE (Williams, 1992) with a moving-average baseline.

The controller follows Zoph and Le (section 3.2): the gradient of the expected reward is the reward minus a baseline,
times the gradient of the log-probability of the sample. In addition:

- The advantage is divided by a moving root mean square of itself and clipped to +-3, so that learning rate and entropy
  bonus do not depend on the scale of the rewards.
- A reward may belong to a proposal of an earlier policy. Its advantage is multiplied by the importance ratio
  pi_current / pi_behaviour, truncated at `clip`; on policy the ratio is 1. There is one step per reward, so the clipped
  surrogate of PPO, which is for several, is not needed.
- The first reward only initialises the moving average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_ADVANTAGE_LIMIT = 3.0


@dataclass
class MovingBaseline:
    """The exponential moving averages of the reward and of its squared distance from that average."""

    decay: float
    mean: float | None = None
    variance: float | None = None

    def start(self, reward: float) -> None:
        """Initialises the mean with the uniform baseline's reward, unless there is a mean."""
        if self.mean is None:
            self.mean = reward

    def advantage(self, reward: float) -> float:
        """The scaled advantage of a reward over earlier ones; adds the reward to the averages."""
        if self.mean is None:
            self.mean = reward
            return 0.0
        difference = reward - self.mean
        squared = difference * difference
        self.variance = squared if self.variance is None else self.decay * self.variance + (1.0 - self.decay) * squared
        self.mean = self.decay * self.mean + (1.0 - self.decay) * reward
        if self.variance == 0.0:
            return 0.0
        scaled = difference / math.sqrt(self.variance)
        return max(-_ADVANTAGE_LIMIT, min(_ADVANTAGE_LIMIT, scaled))


def importance_weight(log_probability: float, behaviour_log_probability: float, clip: float) -> float:
    """min(pi_current / pi_behaviour, clip), without overflow."""
    return math.exp(min(log_probability - behaviour_log_probability, math.log(clip)))
