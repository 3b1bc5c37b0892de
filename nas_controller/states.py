"""The states of campaigns and trials, their transitions, and other constants that the database, the service and its
client share. The module imports no other module of the project, so the client needs no database.
"""

from __future__ import annotations

from typing import Literal, get_args

BASELINE_TRIAL = 0
"""The trial of the uniform baseline, which is never sampled."""

CampaignState = Literal[
    "draft", "pending", "running", "pausing", "paused", "stopping", "stopped", "completed", "failed",
]  # fmt: skip
CAMPAIGN_STATES: tuple[CampaignState, ...] = get_args(CampaignState)
CampaignOrder = Literal[
    "created", "-created", "name", "-name", "started", "-started", "state", "-state", "progress", "-progress",
    "best", "-best", "gain", "-gain",
]  # fmt: skip
CAMPAIGN_ORDERS: tuple[CampaignOrder, ...] = get_args(CampaignOrder)
ArchivedFilter = Literal["false", "true", "any"]
ARCHIVED_FILTERS: tuple[ArchivedFilter, ...] = get_args(ArchivedFilter)
PauseMode = Literal["drain", "abort"]
StopReason = Literal["wall_seconds", "target_reward", "no_improvement_trials", "device_hours", "exhausted"]

TrialState = Literal["running", "completed", "failed", "stopped"]
TRIAL_STATES: tuple[TrialState, ...] = get_args(TrialState)
EVENTS_OF_OUTCOMES = ("trial.completed", "trial.failed")
"""The kinds of events that record a trial's reward: one per trial, in the transaction that stores the reward."""
TrialOrder = Literal[
    "number", "-number", "reward", "-reward", "madds", "-madds", "params", "-params",
    "latency_ratio", "-latency_ratio",
]  # fmt: skip
TRIAL_ORDERS: tuple[TrialOrder, ...] = get_args(TrialOrder)

AttemptState = Literal["running", "accepted", "late", "failed", "abandoned"]

SharedTrainingState = Literal["running", "completed", "failed", "abandoned"]

FinalsState = Literal["running", "completed", "interrupted"]
FinalRunState = Literal["running", "completed", "failed"]

ExportState = Literal["queued", "running", "completed", "failed", "removed"]
EXPORT_STATES_IN_PROGRESS: tuple[ExportState, ...] = ("queued", "running")
ExportPlace = Literal["here", "worker"]
WeightsKind = Literal["finals", "shared", "initial", "training"]
"""`training` are those of a training of the service; the others are of a trial."""
WeightsWanted = Literal["best", "finals", "shared", "initial"]
"""`best` are those of the finals, else the slice of the shared weights, else initial ones."""

TrainingState = Literal["queued", "running", "stopping", "stopped", "completed", "failed"]
TRAINING_STATES: tuple[TrainingState, ...] = get_args(TrainingState)
FINISHED_TRAINING_STATES: tuple[TrainingState, ...] = ("stopped", "completed", "failed")
"""In these a training has no process. A request to resume leads out of two of them."""
CLAIMED_VERSIONS = ("effspine", "commit", "python", "numpy", "tensorflow")
"""The software whose versions the event `campaign.claimed` has, where the runner knows them."""

TrialStart = Literal["finals", "shared"]
TRIAL_STARTS: tuple[TrialStart, ...] = get_args(TrialStart)
"""Start weights of a training that are those of the campaign's trial that is trained."""
TrainingStart = Literal["fresh", "finals", "shared", "training"]
"""`training` are the weights of another training."""
TrainingEvent = Literal["stop", "resume", "claim", "suspend", "complete", "fail"]
TRAINING_TRANSITIONS: tuple[tuple[TrainingState, TrainingEvent, TrainingState], ...] = (
    ("queued", "stop", "stopped"),
    ("queued", "resume", "queued"),
    ("queued", "claim", "running"),
    ("running", "stop", "stopping"),
    ("running", "resume", "running"),
    ("running", "suspend", "queued"),
    ("running", "complete", "completed"),
    ("running", "fail", "failed"),
    ("stopping", "stop", "stopping"),
    ("stopping", "suspend", "stopped"),
    ("stopping", "complete", "completed"),
    ("stopping", "fail", "failed"),
    ("stopped", "stop", "stopped"),
    ("stopped", "resume", "queued"),
    ("failed", "resume", "queued"),
)
"""The transitions of a training: (from, event, to). A suspended one continues from its checkpoint."""

WebhookEvent = Literal[
    "campaign.completed", "campaign.stopped", "campaign.failed", "best.confirmed", "search.plateau",
]  # fmt: skip
WEBHOOK_EVENTS: tuple[WebhookEvent, ...] = get_args(WebhookEvent)
"""Events that webhooks receive. `best.confirmed` is the event `finals.completed` with a new winner; the others are
events of the record.
"""
WEBHOOK_TEST = "webhook.test"
DeliveryState = Literal["pending", "delivered", "failed"]
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)

EstimateBasis = Literal["same-workers", "same-task", "profile", "nothing"]
SharedEstimateBasis = Literal["kept", "same-workers", "same-task", "nothing"]

KeyScope = Literal["view", "operate", "admin"]
KEY_SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
"""Each scope includes those before it."""

CampaignEvent = Literal[
    "start", "update", "pause", "resume", "stop", "retry", "continue", "finals",  # requested by clients of the service
    "claim", "suspend", "complete", "fail", "end",  # by the runner
]  # fmt: skip
CAMPAIGN_EVENTS: tuple[CampaignEvent, ...] = get_args(CampaignEvent)
CAMPAIGN_TRANSITIONS: tuple[tuple[CampaignState, CampaignEvent, CampaignState], ...] = (
    ("draft", "start", "pending"),
    ("draft", "update", "draft"),
    ("draft", "stop", "stopped"),
    ("pending", "start", "pending"),
    ("pending", "update", "pending"),
    ("pending", "pause", "paused"),
    ("pending", "resume", "pending"),
    ("pending", "stop", "stopped"),
    ("pending", "claim", "running"),
    ("running", "start", "running"),
    ("running", "update", "running"),
    ("running", "pause", "pausing"),
    ("running", "resume", "running"),
    ("running", "stop", "stopping"),
    ("running", "claim", "running"),
    ("running", "complete", "completed"),
    ("running", "fail", "failed"),
    ("running", "end", "stopped"),
    ("pausing", "start", "pausing"),
    ("pausing", "update", "pausing"),
    ("pausing", "pause", "pausing"),
    ("pausing", "resume", "running"),
    ("pausing", "stop", "stopping"),
    ("pausing", "claim", "pausing"),
    ("pausing", "suspend", "paused"),
    ("pausing", "complete", "completed"),
    ("pausing", "fail", "failed"),
    ("pausing", "end", "stopped"),
    ("paused", "start", "paused"),
    ("paused", "update", "paused"),
    ("paused", "pause", "paused"),
    ("paused", "resume", "pending"),  # paused before its first runner
    ("paused", "resume", "running"),
    ("paused", "stop", "stopped"),
    ("stopping", "start", "stopping"),
    ("stopping", "stop", "stopping"),
    ("stopping", "claim", "stopping"),
    ("stopping", "complete", "completed"),
    ("stopping", "fail", "failed"),
    ("stopping", "end", "stopped"),
    ("stopped", "stop", "stopped"),
    ("stopped", "continue", "pending"),  # stopped before its first runner
    ("stopped", "continue", "running"),
    ("stopped", "finals", "running"),
    ("completed", "continue", "running"),
    ("completed", "finals", "running"),
    ("failed", "retry", "pending"),  # failed before its first runner
    ("failed", "retry", "running"),
)
"""The transitions of a campaign: (from, event, to). Where `to` is `from`, the state does not change."""

TrialEvent = Literal["attempt", "complete", "fail", "stop", "retry"]
TRIAL_EVENTS: tuple[TrialEvent, ...] = get_args(TrialEvent)
TRIAL_TRANSITIONS: tuple[tuple[TrialState, TrialEvent, TrialState], ...] = (
    ("running", "attempt", "running"),
    ("running", "complete", "completed"),
    ("running", "fail", "failed"),
    ("running", "stop", "stopped"),
    ("stopped", "retry", "running"),  # its campaign had failed and is retried
)
"""The transitions of a trial: (from, event, to)."""

PAST_PARTICIPLES: dict[CampaignEvent | TrialEvent | TrainingEvent, str] = {
    "start": "started",
    "update": "changed",
    "pause": "paused",
    "resume": "resumed",
    "stop": "stopped",
    "claim": "claimed",
    "suspend": "suspended",
    "complete": "completed",
    "fail": "failed",
    "end": "ended",
    "attempt": "attempted again",
    "retry": "retried",
    "continue": "continued",
    "finals": "given finals",
}
"""The verb of each event in an error message: `it cannot be paused`."""

FINISHED_CAMPAIGN_STATES: tuple[CampaignState, ...] = ("stopped", "completed", "failed")
"""In these a campaign has no runner. Only requests to retry, to continue and for finals lead out of them."""
DELETABLE_CAMPAIGN_STATES: tuple[CampaignState, ...] = ("draft", *FINISHED_CAMPAIGN_STATES)
"""In these a campaign can be deleted, with its trials and files."""
EVENTS_OF_ANNOTATIONS = ("campaign.annotated",)
"""The kinds of events that concern neither the search nor its state; a campaign can have them in any state."""
