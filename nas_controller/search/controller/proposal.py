"""One proposal of a searcher."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Proposal:
    """The architecture that a searcher proposes for trial `number`.

    `choices` are indices into the search space's multipliers, one per block, and `betas` the multipliers.
    `log_probability` is that under the policy which sampled it (the behaviour policy), since the policy may have
    changed by the time the reward comes; None from a searcher that has no policy. `draw` counts the earlier proposals
    for the same trial.
    """

    number: int
    draw: int
    choices: tuple[int, ...]
    betas: tuple[float, ...]
    log_probability: float | None
