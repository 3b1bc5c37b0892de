"""`stop` and `early_stopping` of the campaign document: what ends a search, and what ends a trial, before its end."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from nas_controller.search.field_descriptions import setting
from nas_controller.search.limits import MAX_SECONDS, MAX_TRIALS
from nas_controller.search.strict_types import Real, Whole


class EarlyStoppingSpec(BaseModel):
    """When a trial is stopped before its end (`nas_controller.search.early_stopping`).

    The rule `median` stops a trial if its AP at a step is below the median AP, at the same step, of at least
    `min_trials` trials with a reward. The proxy task's `evaluate_steps` sets the steps at which there is an AP.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: Literal["median"] = setting(
        "Rule", "Stops a trial below the median AP of others at the same step.", default="median"
    )
    min_trials: Whole = setting(
        "Trials to compare with", "The rule applies once so many trials have a reward.", default=5, ge=1, le=MAX_TRIALS
    )


class StopSpec(BaseModel):
    """The conditions that end a campaign before its last trial, whichever comes first.

    `wall_seconds` since its start, without pauses; a reward of at least `target_reward`; `no_improvement_trials`
    outcomes in a row (failures and repeats count) without a better reward; `device_hours` of all finished attempts,
    summed over the devices of each (`ResourcesSpec.devices`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    wall_seconds: Real | None = setting(
        "Time",
        "Time since its start, without pauses.",
        default=None,
        gt=0,
        le=MAX_SECONDS,
        allow_inf_nan=False,
        unit="s",
        null="no limit",
    )
    target_reward: Real | None = setting(
        "Reward",
        "A trial with a reward of at least this.",
        default=None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        unit="AP",
        null="none",
    )
    no_improvement_trials: Whole | None = setting(
        "No improvement",
        "So many outcomes in a row, failures and repeats included, without a better reward.",
        default=None,
        ge=1,
        le=MAX_TRIALS,
        unit="trials",
        null="no limit",
    )
    device_hours: Real | None = setting(
        "Device time",
        "Time of all attempts, summed over their devices.",
        default=None,
        gt=0,
        le=1e9,
        allow_inf_nan=False,
        unit="h",
        null="no limit",
    )
