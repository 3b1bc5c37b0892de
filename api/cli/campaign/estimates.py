"""`effspine campaign estimate`, and what a campaign will cost, in words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from api.cli.campaign.files import read_specification
from api.cli.campaign.options import AsJson, SpecificationFile, open_client
from api.cli.output import device_time, duration, millions, note, print_json, print_text
from nas_controller.titles import stop_reason_title
from search_space.errors import EffspineError
from search_space.short_counts import at_least, at_most

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import DryRunDocument, EstimateDocument
    from nas_controller.entities import FinalsEstimateDocument, SharedTrainingEstimateDocument

ASK_HOURS = 24
"""A campaign that takes longer, or more device hours, is created or started on a terminal only after a question."""
YES_HELP = f"Do not ask before one of more than {ASK_HOURS} hours or device hours."
UNKNOWN_COST = "what it will cost is not known yet: no trial of its proxy task has been measured here"
_NOTHING_MEASURED = "run one first: a campaign with `trials: 1` trains the baseline, which every campaign needs anyway"


def estimate(file: SpecificationFile, as_json: AsJson = False) -> None:
    """Estimate the duration of a campaign from earlier trials of the same proxy task; nothing is created."""
    with open_client() as client:
        estimated = client.estimate(read_specification(file))
    if as_json:
        print_json(estimated.model_dump(mode="json"))
        return
    print_estimate(estimated)


def print_estimate(estimated: EstimateDocument) -> None:
    """Prints the duration and the device hours of the shared training, of the trials and of the finals, and what they
    are taken from.
    """
    if estimated.shared_training is not None:
        _print_shared_training(estimated.shared_training)
    _print_trials(estimated)
    if estimated.finals is not None:
        _print_finals(estimated.finals)


def _print_trials(estimated: EstimateDocument) -> None:
    size = f"{estimated.trials:,} trials, {estimated.parallelism} in parallel"
    if estimated.at_once is not None and estimated.at_once < estimated.parallelism:
        size += f", of which {estimated.at_once} can run at once"
    if estimated.seconds_per_trial is None:
        print_text(f"{size}: no trial of this proxy task has been measured here yet")
        note(_NOTHING_MEASURED)
        return
    basis = {
        "same-workers": f"from {estimated.measured_trials} trials of this proxy task with the same workers",
        "same-task": f"the median of {estimated.measured_trials} trials of this proxy task, but with other workers",
        "profile": "the duration in the synthetic profile",
    }
    print_text(f"{size}: about {duration(estimated.wall_seconds)}, {device_time(estimated.device_hours)}")
    print_text(f"a trial takes {duration(estimated.seconds_per_trial)}: {basis[estimated.basis]}")
    if estimated.bounded_by is not None:
        print_text(f"it ends before its last trial: {stop_reason_title(estimated.bounded_by)}")


def _print_shared_training(shared: SharedTrainingEstimateDocument) -> None:
    first = "shared weights, first"
    if shared.wall_seconds is None:
        print_text(f"{first}: no training like theirs has been measured here yet")
        return
    if shared.basis == "kept":
        print_text(f"{first}: an earlier campaign has trained them; about {duration(shared.wall_seconds)} to read them")
        return
    print_text(f"{first}: about {duration(shared.wall_seconds)}, {device_time(shared.device_hours)}")


def _print_finals(finals: FinalsEstimateDocument) -> None:
    size = f"finals, on top: {finals.trainings} trainings"
    if finals.wall_seconds is None:
        print_text(f"{size}: none of their proxy task has been measured here yet")
        return
    print_text(f"{size}: about {duration(finals.wall_seconds)}, {device_time(finals.device_hours)}")


def cost(estimated: EstimateDocument) -> tuple[float, float] | None:
    """Seconds and device hours of shared training, trials and finals; None where no trial has been measured."""
    if estimated.wall_seconds is None or estimated.device_hours is None:
        return None
    others = [part for part in (estimated.shared_training, estimated.finals) if part is not None]
    return (
        estimated.wall_seconds + sum(part.wall_seconds or 0.0 for part in others),
        estimated.device_hours + sum(part.device_hours or 0.0 for part in others),
    )


def cost_line(estimated: EstimateDocument) -> str:
    """What a campaign will cost, in one line. static/campaign/cost.js has the same rule."""
    found = cost(estimated)
    if found is None:
        return UNKNOWN_COST
    parts = {"shared training": estimated.shared_training, "finals": estimated.finals}
    unknown = [name for name, part in parts.items() if part is not None and part.wall_seconds is None]
    without = f", its {' and its '.join(unknown)} not counted" if unknown else ""
    return f"it will take about {duration(found[0])} and {device_time(found[1])}{without}"


def exceeded_limits(estimated: EstimateDocument) -> str:
    """Which of ASK_HOURS and as many device hours a campaign exceeds, in words; empty if neither."""
    seconds, device_hours = cost(estimated) or (0.0, 0.0)
    hours = f"{ASK_HOURS} hours" if seconds > ASK_HOURS * 3600 else ""
    return " and ".join(filter(None, (hours, f"{ASK_HOURS} device hours" if device_hours > ASK_HOURS else "")))


def say_cost(client: Client, specification: dict[str, Any], as_json: bool) -> bool:
    """Says what a campaign will cost, with `as_json` only where that is much; whether it is."""
    estimated = client.estimate(specification)
    exceeded = exceeded_limits(estimated)
    if exceeded or not as_json:
        note(f"{cost_line(estimated)}: more than {exceeded}" if exceeded else cost_line(estimated))
    return bool(exceeded)


def ask(question: str, yes: bool, refused: str) -> None:
    """Asks before an expensive campaign, on a terminal. Raises EffspineError, `refused`, where the answer is no."""
    can_ask = sys.stdin.isatty() and sys.stderr.isatty()
    if can_ask and not yes and not typer.confirm(question, err=True):
        raise EffspineError(refused)


def print_dry_run(found: DryRunDocument) -> None:
    """Prints what a dry run has found: nothing is wrong, the cost, and what to know."""
    feasible, budget = found.feasible_madds, found.spec["search_space"]["budget_madds"]
    print_text(f"nothing is wrong with campaign '{found.spec['name']}', which was not created")
    chosen = "the multi-adds of the base" if budget is None else millions(budget)
    print_text(f"budget: {chosen}; feasible are {at_least(feasible.least)} to {at_most(feasible.most)}")
    print_estimate(found.estimate)
    for each in found.warnings:
        print_text(f"warning: {each}")
