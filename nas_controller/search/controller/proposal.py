"""One proposal of the controller."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Proposal:
    """What the policy sampled for trial `number`.

    `choices` are indices into the controller's multipliers, one a block, and `betas` the multipliers
    themselves. `log_probability` is that of the policy which sampled it (the behaviour policy), since the policy may
    have changed by the time the reward comes. `draw` counts the proposals for the same number before this one.
    """

    number: int
    draw: int
    choices: tuple[int, ...]
    betas: tuple[float, ...]
    log_probability: float
