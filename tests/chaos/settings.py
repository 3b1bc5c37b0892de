"""The settings of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tests.chaos.databases import DatabaseName

Scenario = Literal["search", "phases"]
"""A search whose rewards are computed, or a campaign that trains shared weights, slices and finals."""


@dataclass(frozen=True)
class Settings:
    """Settings of a run. Each recovery may take `bar_seconds`; a non-empty `only` restricts the kinds of fault."""

    database: DatabaseName
    faults: int
    trials: int
    trial_seconds: float = 1.5
    parallelism: int = 2
    lease_seconds: float = 10.0
    away_seconds: float = 30.0
    bar_seconds: float = 30.0
    seed: int = 1
    only: tuple[str, ...] = ()
    scenario: Scenario = "search"
