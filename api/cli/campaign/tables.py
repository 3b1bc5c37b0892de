"""Prints campaigns and trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.campaign.gains import gain_cell, verdict_cell
from api.cli.campaign.status import shown_state
from api.cli.campaign.time_left import training_seconds
from api.cli.output import (
    duration,
    last_line,
    millions,
    note,
    one_decimal,
    print_json,
    print_table,
    print_text,
    spark_line,
    three_digits,
)
from nas_controller.states import BASELINE_TRIAL
from nas_controller.titles import error_title, stop_reason_title

if TYPE_CHECKING:
    from api.documents import (
        CampaignDocument,
        FinalsDocument,
        ListedCampaignDocument,
        SharedTrainingDocument,
        TrialDocument,
    )


def print_campaigns(campaigns: Sequence[ListedCampaignDocument]) -> None:
    """Prints a table with one row per campaign; AP, baseline and gain are those of the finals where they are done."""
    print_table(
        ("id", "name", "state", "trials", "best AP", "baseline", "gain", "verdict", "created"),
        [_listed(campaign) for campaign in campaigns],
        left=("id", "name", "state", "verdict"),
        drop=("created", "baseline", "verdict", "best AP", "gain", "trials"),
        cut=("name",),
    )


def _listed(campaign: ListedCampaignDocument) -> tuple[str, ...]:
    gain, search = campaign.summary.gain, campaign.summary.search
    return (
        campaign.id,
        campaign.name,
        campaign.state,
        f"{campaign.trials_finished}/{campaign.spec['trials']}",
        three_digits(campaign.best_reward if gain is None else gain.reward),
        three_digits(campaign.baseline_reward if gain is None else gain.baseline_reward),
        gain_cell(gain, None if search is None else search.gain_error),
        verdict_cell(gain),
        f"{campaign.created_at:%Y-%m-%d %H:%M}",
    )


def repeats_line(campaign: CampaignDocument) -> str | None:
    """How many proposals were repeats; None if none was."""
    if not campaign.repeats_skipped:
        return None
    return f"{campaign.repeats_skipped:,} skipped; the policy was re-heated for {campaign.reheated_trials:,} trials"


def print_campaign(campaign: CampaignDocument, as_json: bool, facts: Mapping[str, str | None] | None = None) -> None:
    """Prints one campaign, one field per line, `facts` among them, or as a JSON document."""
    if as_json:
        print_json(campaign.model_dump(mode="json"))
        return
    spec = campaign.spec
    lines = {
        "id": campaign.id,
        "name": campaign.name,
        "state": campaign.state,
        "waiting for": campaign.waiting_for,
        "error": campaign.error,
        "error kind": error_title(campaign.error_kind) if campaign.error_kind else None,
        "ended": stop_reason_title(campaign.stopped_because, spec["stop"]) if campaign.stopped_because else None,
        "trials": f"{campaign.trials_finished} of {spec['trials']}, {spec['parallelism']} in parallel",
        "best": None
        if campaign.best_reward is None
        else f"AP {campaign.best_reward:.3f} (trial {campaign.best_trial})",
        **(facts or {}),
        "repeats": repeats_line(campaign),
        "finals": finals_line(campaign.finals),
        "device time": duration(campaign.device_seconds) if campaign.device_seconds else None,
        "baseline AP": three_digits(campaign.baseline_reward) + (" in the search" if campaign.finals else ""),
        "objective": objective_line(spec["objective"]),
        "profile": spec["proxy_task"]["profile"],
        "weights": shared_weights_line(campaign.shared_training),
        "data set": spec["dataset"],
        "data": data_line(campaign.data),
        "seed": str(spec["seed"]),
        "created": f"{campaign.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "tags": ", ".join(campaign.tags) or None,
        "archived": "yes" if campaign.archived else None,
        "notes": campaign.notes.replace("\n", f"\n{' ' * 13}") or None,
    }
    for label, value in lines.items():
        if value is not None:
            print_text(f"{label:12} {value}")
    if campaign.state == "failed":
        note(retry_hint(campaign.id))


def objective_line(objective: Mapping[str, Any]) -> str | None:
    """What the controller is told to minimise besides maximising the AP; None for the AP alone."""
    if objective["minimise"] is None:
        return None
    return f"AP and less {objective['minimise']}, weight {objective['weight']:g}"


def shared_weights_line(training: SharedTrainingDocument | None) -> str | None:
    """The training of a campaign's shared weights in one line; None where it has none."""
    if training is None:
        return None
    if training.state != "completed":
        return f"shared, {training.state} at step {training.step:,} of {training.steps:,}, attempt {training.attempts}"
    trained = "trained before" if training.is_reused else f"{training.steps:,} steps in {duration(training.seconds)}"
    return f"shared, {trained}, sha256 {training.weights_sha256}"


def finals_line(finals: FinalsDocument | None) -> str | None:
    """The finals of a campaign in one line; None where it has none."""
    if finals is None:
        return None
    if finals.state != "completed":
        return f"{finals.state}, {finals.runs_finished} of {finals.runs} trainings"
    found = "no confirmed winner" if finals.winner is None else f"trial {finals.winner} is confirmed"
    return f"{found}, {len(finals.finalists)} finalists, {len(finals.seeds)} seeds"


def data_line(identity: Mapping[str, Any] | None) -> str | None:
    """The identity of a campaign's data in one line; None if it is not known."""
    if identity is None:
        return None
    halves = [
        f"{identity[half]['images']:,} {name}" for half, name in (("train", "training"), ("reserved", "reserved"))
    ]
    return f"{' and '.join(halves)} images, sha256 {identity['sha256']}"


def retry_hint(campaign_id: str) -> str:
    """What a person can do about a failed campaign."""
    return f"once the cause is fixed, `effspine campaign retry {campaign_id}` continues it with all finished trials"


CONSTANT_IF_EXACT = ("multi-adds", "of budget")
"""Columns that say the same of every trial, to 1 %, where the mode of the search space is exact."""


def print_trials(campaign: CampaignDocument, trials: Sequence[TrialDocument]) -> None:
    """Prints a table with one row per trial of a campaign, with latencies if any was measured."""
    has_latency = any(trial.latency_ms is not None for trial in trials)
    latency_column = ("latency",) if has_latency else ()
    print_table(
        ("trial", "state", "AP", "widths", "", "multi-adds", "of budget", "params", *latency_column, "seconds", "note"),
        (
            (
                str(trial.number),
                shown_state(trial),
                three_digits(trial.reward),
                ",".join(str(width) for width in trial.widths),
                spark_line(trial.widths),
                millions(trial.madds),
                f"{100 * trial.madds_ratio:.1f} %",
                millions(trial.params, 2),
                *([latency_text(trial)] if has_latency else []),
                one_decimal(training_seconds(trial)),
                trial_note(trial),
            )
            for trial in trials
        ),
        left=("state", "widths", "note"),
        drop=("widths", "of budget", "params", "multi-adds", "latency", "seconds", "", "note"),
        cut=("note",),
        spare=CONSTANT_IF_EXACT if campaign.spec["search_space"]["mode"] == "exact" else (),
    )


def latency_text(trial: TrialDocument) -> str:
    """The measured latency, and its ratio to that of the baseline; a dash where there is none."""
    if trial.latency_ms is None or trial.latency_ratio is None:
        return "-"
    return f"{trial.latency_ms:.1f} ms, {100 * trial.latency_ratio:.1f} %"


def trial_note(trial: TrialDocument) -> str:
    """The error of a failed trial, or that it is a repeat or the baseline."""
    if trial.error:
        return last_line(trial.error)
    if trial.reused_from is not None:
        return f"= trial {trial.reused_from}"
    return "uniform baseline" if trial.number == BASELINE_TRIAL else ""
