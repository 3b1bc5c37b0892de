"""The state of a campaign in a few lines: progress, phases, workers, and what its search still finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.cli.campaign.time_left import shared_seconds_left
from api.cli.output import duration, last_line, three_digits
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from search_space.proxy_task import resolve

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import CampaignDocument, TrialDocument


LINE_WIDTH = 80
GAP = "   "


def status_line(campaign: CampaignDocument, *more: str) -> str:
    """The state, the number of finished trials and the best reward, then `more`: one line, or several of LINE_WIDTH."""
    gain = ""
    if campaign.best_reward is not None and campaign.baseline_reward is not None:
        gain = f" ({campaign.best_reward - campaign.baseline_reward:+z.3f} over the baseline)"
    winner = campaign.confirmed_winner
    parts = (
        campaign.state,
        f"{campaign.trials_finished}/{campaign.spec['trials']} trials",
        shared_training_note(campaign),
        finals_note(campaign),
        "" if winner is None else f"confirmed winner: trial {winner}",
        f"best AP {three_digits(campaign.best_reward)}{gain}",
        "" if campaign.waiting_for is None else f"waiting: {last_line(campaign.waiting_for)}",
        *more,
    )
    return _wrapped([part for part in parts if part])


def _wrapped(parts: Sequence[str]) -> str:
    """The parts with a gap between two, and a new line where the next part would exceed LINE_WIDTH."""
    lines = [parts[0]]
    for part in parts[1:]:
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


def worker_counts(recent: Sequence[TrialDocument]) -> str:
    """How many of these trials workers train, and how many wait for one: `2 running, 6 queued`; empty where none
    runs.
    """
    running = [trial for trial in recent if trial.state == "running" and trial.reused_from is None]
    begun = sum(trial.worker_started_at is not None for trial in running)
    queued = len(running) - begun
    return "" if not running else f"{begun} running" + (f", {queued} queued" if queued else "")


def search_line(client: Client, campaign: CampaignDocument) -> str | None:
    """What the search still finds, such as `427 distinct architectures, 99 % repeats lately`; None before any trial."""
    return client.figure(campaign.id, "search")["sentence"] if campaign.trials_finished else None


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
