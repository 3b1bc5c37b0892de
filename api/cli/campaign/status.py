"""The state of a campaign in a few lines: progress, phases, workers, and what its search still finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import TYPE_CHECKING

from api.cli.campaign.gains import Found, best_text
from api.cli.campaign.time_left import shared_seconds_left
from api.cli.output import duration, last_line
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from search_space.proxy_task import resolve

if TYPE_CHECKING:
    from api.documents import CampaignDocument, TrialDocument


LINE_WIDTH = 80
GAP = "   "


def status_line(campaign: CampaignDocument, found: Found | None = None, *more: str) -> str:
    """The state, the number of finished trials, the best with how sure it is, then `more`.

    One line, or several of LINE_WIDTH.
    """
    parts = (
        campaign.state,
        f"{campaign.trials_finished}/{campaign.spec['trials']} trials",
        shared_training_note(campaign),
        finals_note(campaign),
        best_text(campaign, found),
        "" if campaign.waiting_for is None else f"waiting: {last_line(campaign.waiting_for)}",
        *more,
    )
    return _wrapped([part for part in parts if part])


def _wrapped(parts: Sequence[str]) -> str:
    """The parts with a gap between two, and a new line before what would exceed LINE_WIDTH."""
    first, *others = [line for part in parts for line in wrap(part, LINE_WIDTH)]
    lines = [first]
    for part in others:
        longer = f"{lines[-1]}{GAP}{part}"
        lines[-1:] = [longer] if len(longer) <= LINE_WIDTH else [lines[-1], part]
    return "\n".join(lines)


def shared_training_note(campaign: CampaignDocument) -> str:
    """The progress of the shared weights while they are trained; empty at other times."""
    training = campaign.shared_training
    if training is None or training.state != "running":
        return ""
    left = shared_seconds_left(campaign, datetime.now(UTC))
    about = "" if left is None else f", about {duration(left)} left"
    return f"shared weights: step {training.step:,} of {training.steps:,}{about}"


def finals_note(campaign: CampaignDocument) -> str:
    """The progress of the finals while they run; empty at other times."""
    finals = campaign.finals
    if finals is None or finals.state != "running":
        return ""
    return f"finals: {finals.runs_finished} of {finals.runs} trainings"


def shown_state(trial: TrialDocument) -> str:
    """The state of a trial; one that no worker has begun is queued."""
    return "queued" if trial.state == "running" and trial.worker_started_at is None else trial.state


def worker_counts(recent: Sequence[TrialDocument]) -> str:
    """How many of these trials workers train, and how many wait for one: `2 running, 6 queued`; empty where none
    runs.
    """
    running = [trial for trial in recent if trial.state == "running" and trial.reused_from is None]
    begun = sum(trial.worker_started_at is not None for trial in running)
    queued = len(running) - begun
    return "" if not running else f"{begun} running" + (f", {queued} queued" if queued else "")


def phases_line(campaign: CampaignDocument) -> str | None:
    """The phases of a campaign that has more than its search, with the progress of each; None for the search alone."""
    phases = [_shared_weights(campaign), _search(campaign), _finals(campaign)]
    shown = [phase for phase in phases if phase is not None]
    return f"phases: {', '.join(shown)}" if len(shown) > 1 else None


def _shared_weights(campaign: CampaignDocument) -> str | None:
    training, task = campaign.shared_training, dict(campaign.spec["proxy_task"])
    if training is None:
        return "shared weights to come" if resolve(**task).kind == "shared" else None
    if training.state == "completed":
        return "shared weights done"
    step = f"step {training.step:,} of {training.steps:,}"
    return f"shared weights {step}" if training.state == "running" else f"shared weights {training.state} at {step}"


def is_in_finals(campaign: CampaignDocument) -> bool:
    """Whether the finals of a campaign run, so that its search is over."""
    return campaign.finals is not None and campaign.finals.state == "running"


def _search(campaign: CampaignDocument) -> str:
    progress = f"{campaign.trials_finished:,} of {campaign.spec['trials']:,} trials"
    if is_in_finals(campaign) or campaign.state == "completed":
        return f"search done after {progress}"
    return f"search ended after {progress}" if campaign.state in FINISHED_CAMPAIGN_STATES else f"search {progress}"


def _finals(campaign: CampaignDocument) -> str | None:
    finals = campaign.finals
    if finals is None:
        return "finals to come" if campaign.spec.get("finals") is not None else None
    if finals.state == "completed":
        return "finals done" + _follows(campaign)
    word = " interrupted at" if finals.state == "interrupted" else ""
    return f"finals{word} {finals.runs_finished} of {finals.runs} trainings" + _follows(campaign)


def _follows(campaign: CampaignDocument) -> str:
    """What becomes of the finals of a campaign that was continued after them: they grow by what the search finds."""
    if is_in_finals(campaign) or campaign.state in FINISHED_CAMPAIGN_STATES:
        return ""
    return " before it was continued" + ("" if campaign.spec["finals"] is None else ", more to come")
