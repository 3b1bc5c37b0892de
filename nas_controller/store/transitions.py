"""Applies events to the states of campaigns, trials and trainings, as the tables in `nas_controller.states` allow."""

from __future__ import annotations

from collections.abc import Sequence

from nas_controller.states import (
    CAMPAIGN_TRANSITIONS,
    PAST_PARTICIPLES,
    TRAINING_TRANSITIONS,
    TRIAL_TRANSITIONS,
    CampaignEvent,
    CampaignState,
    TrainingEvent,
    TrialEvent,
)
from nas_controller.store import models
from nas_controller.store.errors import ConflictError

Transitions = Sequence[tuple[str, str, str]]


def allowed_states(transitions: Transitions, event: str) -> tuple[str, ...]:
    """The states in which an event may happen."""
    return tuple(dict.fromkeys(source for source, name, _ in transitions if name == event))


def changed_states(transitions: Transitions, event: str) -> tuple[str, ...]:
    """The states that an event changes."""
    return tuple(dict.fromkeys(source for source, name, target in transitions if name == event and source != target))


CLAIMABLE_STATES = allowed_states(CAMPAIGN_TRANSITIONS, "claim")


def next_campaign_state(campaign: models.Campaign, event: CampaignEvent, to: CampaignState | None = None) -> str:
    """The state of a campaign after an event; `to` selects one of several. Raises ConflictError if its state does not
    allow the event.
    """
    return _target(CAMPAIGN_TRANSITIONS, f"campaign '{campaign.id}'", campaign.state, event, to)


def move_campaign(campaign: models.Campaign, event: CampaignEvent, to: CampaignState | None = None) -> bool:
    """Applies an event to a locked campaign and returns whether its state changed. Raises as `next_campaign_state`."""
    target = next_campaign_state(campaign, event, to)
    changed = campaign.state != target
    campaign.state = target
    return changed


def move_trial(trial: models.Trial, event: TrialEvent) -> None:
    """Applies an event to a trial of a locked campaign. Raises ConflictError if its state does not allow it."""
    name = f"campaign '{trial.campaign_id}': trial {trial.number}"
    trial.state = _target(TRIAL_TRANSITIONS, name, trial.state, event)


def move_training(training: models.Training, event: TrainingEvent) -> bool:
    """Applies an event to a locked training and returns whether its state changed. Raises ConflictError if its state
    does not allow the event.
    """
    target = _target(TRAINING_TRANSITIONS, f"training '{training.id}'", training.state, event)
    changed = training.state != target
    training.state = target
    return changed


def _target(
    transitions: Transitions,
    name: str,
    state: str,
    event: CampaignEvent | TrialEvent | TrainingEvent,
    to: str | None = None,
) -> str:
    targets = [target for source, cause, target in transitions if (source, cause) == (state, event)]
    if not targets:
        *others, last = allowed_states(transitions, event)
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise ConflictError(
            f"{name} is {state} and cannot be {PAST_PARTICIPLES[event]}; only one that is {allowed} can be",
            field="state",
        )
    if to is None and len(targets) == 1:
        return targets[0]
    if to is None or to not in targets:
        raise ValueError(f"{name}: `{event}` leads from {state} to {targets}, not to {to}")
    return to
