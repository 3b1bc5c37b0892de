"""The words that the record, the service and its client share. It imports no other module of the project, so the client
reads them without a database.
"""

from __future__ import annotations

from typing import Literal, get_args

CampaignState = Literal[
    "draft", "pending", "running", "pausing", "paused", "stopping", "stopped", "completed", "failed",
]  # fmt: skip
CAMPAIGN_STATES: tuple[CampaignState, ...] = get_args(CampaignState)
FINISHED_CAMPAIGN_STATES: tuple[CampaignState, ...] = ("stopped", "completed", "failed")
CLAIMABLE_CAMPAIGN_STATES: tuple[CampaignState, ...] = ("pending", "running", "pausing", "stopping")
"""States in which a campaign needs a runner."""
PauseMode = Literal["drain", "abort"]
StopReason = Literal["wall_seconds", "target_reward", "no_improvement_trials", "device_hours"]

TrialState = Literal["running", "completed", "failed", "stopped"]
TRIAL_STATES: tuple[TrialState, ...] = get_args(TrialState)
EVENTS_OF_OUTCOMES = ("trial.completed", "trial.failed")
"""The kinds of events that come once for each trial that has a reward, in the transaction that gives it."""
TrialOrder = Literal[
    "number", "-number", "reward", "-reward", "madds", "-madds", "params", "-params",
]  # fmt: skip
TRIAL_ORDERS: tuple[TrialOrder, ...] = get_args(TrialOrder)

AttemptState = Literal["running", "accepted", "late", "failed", "abandoned"]

EstimateBasis = Literal["same-workers", "same-task", "profile", "nothing"]

KeyScope = Literal["view", "operate", "admin"]
KEY_SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
"""Each includes those before it."""
