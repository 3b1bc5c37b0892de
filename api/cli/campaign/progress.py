"""Follows a campaign: a live table on a terminal, one line per trial in a pipe or file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from api.cli.campaign.time_left import seconds_left, shared_seconds_left, training_seconds
from api.cli.output import cell_text, duration, last_line, one_decimal, print_text, spark_line, three_digits
from api.client import ServiceRefusedError
from nas_controller.states import BASELINE_TRIAL, EVENTS_OF_OUTCOMES, FINISHED_CAMPAIGN_STATES

if TYPE_CHECKING:
    from rich.console import Group

    from api.client import Client
    from api.documents import CampaignDocument, TrialDocument

REFRESH_SECONDS = 1.0
ROWS_SHOWN = 14

_SHARED_TRAINING_LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "shared-training.started": lambda data: f"training the shared weights: {data['steps']:,} steps",
    "shared-training.completed": lambda data: f"the shared weights are {'there' if data['is_reused'] else 'trained'}",
    "shared-training.failed": lambda data: f"the training of the shared weights failed: {last_line(data['error'])}",
}

OnTrial = Callable[["TrialDocument"], None]


def follow(
    client: Client, campaign: CampaignDocument, *, quiet: bool = False, on_trial: OnTrial | None = None
) -> CampaignDocument:
    """Shows a campaign until it has finished and returns its final document.

    `on_trial` is called once with each trial that finishes from now on; `quiet` prints nothing.
    """
    if sys.stdout.isatty() and not quiet:
        return _follow_live(client, campaign, on_trial)
    return _follow_lines(client, campaign, None if quiet else _print_line, on_trial)


def _follow_lines(
    client: Client,
    campaign: CampaignDocument,
    show: Callable[[TrialDocument], None] | None,
    on_trial: OnTrial | None,
) -> CampaignDocument:
    for event in client.events(campaign.id):
        if event.kind == "campaign.waiting" and show is not None:
            print_text(f"waiting: {last_line(event.data['for'])}")
        if event.kind in _SHARED_TRAINING_LINES and show is not None:
            print_text(_SHARED_TRAINING_LINES[event.kind](event.data))
        if event.kind in EVENTS_OF_OUTCOMES:
            trial = client.trial(campaign.id, event.data["number"])
            if show is not None:
                show(trial)
            if on_trial is not None and event.sequence > campaign.last_event:
                on_trial(trial)
    ended = client.campaign(campaign.id)
    if show is not None:
        print_text(status_line(ended))
    return ended


def _print_line(trial: TrialDocument) -> None:
    line = f"trial {trial.number:>3}  {spark_line(trial.widths)}  multi-adds {trial.madds_ratio:.3f}"
    seconds = training_seconds(trial)
    line = f"{line}  AP {three_digits(trial.reward)}  {'-' if seconds is None else f'{seconds:.1f} s'}"
    stopped = "" if trial.stopped_early_step is None else f"stopped at step {trial.stopped_early_step}"
    print_text(f"{line}  {last_line(trial.error) or stopped}".rstrip())


def status_line(campaign: CampaignDocument) -> str:
    """The state, the number of finished trials and the best reward in one line."""
    gain = ""
    if campaign.best_reward is not None and campaign.baseline_reward is not None:
        gain = f" ({campaign.best_reward - campaign.baseline_reward:+.3f} over the baseline)"
    trials = f"{campaign.trials_finished}/{campaign.spec['trials']} trials"
    trials += shared_training_note(campaign)
    waiting = "" if campaign.waiting_for is None else f"   waiting: {last_line(campaign.waiting_for)}"
    return f"{campaign.state}   {trials}   best AP {three_digits(campaign.best_reward)}{gain}{waiting}"


def shared_training_note(campaign: CampaignDocument) -> str:
    """The progress of the shared weights while they are trained; empty at other times."""
    training = campaign.shared_training
    if training is None or training.state != "running":
        return ""
    left = shared_seconds_left(campaign, datetime.now(UTC))
    about = "" if left is None else f", about {duration(left)} left"
    return f"   shared weights: step {training.step:,} of {training.steps:,}{about}"


def _follow_live(client: Client, campaign: CampaignDocument, on_trial: OnTrial | None) -> CampaignDocument:
    from rich.live import Live

    reported = {trial.number for trial in client.trials(campaign.id) if trial.finished_at is not None}
    with Live(refresh_per_second=4, transient=False) as live:
        while True:
            try:
                campaign = client.campaign(campaign.id)
                recent = list(islice(client.trials(campaign.id, order_by="-number"), 100))
            except ServiceRefusedError as error:
                if error.status < 500:
                    raise
                time.sleep(REFRESH_SECONDS)  # the database is busy; retry
                continue
            live.update(view(campaign, recent, _service_error(client)))
            for trial in reversed(recent):
                if trial.finished_at is not None and trial.number not in reported:
                    reported.add(trial.number)
                    if on_trial is not None:
                        on_trial(trial)
            if campaign.state in FINISHED_CAMPAIGN_STATES:
                return campaign
            time.sleep(REFRESH_SECONDS)


def _service_error(client: Client) -> str:
    """Why the service cannot run any campaign; empty if it can."""
    try:
        client.ready()
    except ServiceRefusedError as error:
        return str(error)
    return ""


def view(campaign: CampaignDocument, recent: Sequence[TrialDocument], service_error: str = "") -> Group:
    """The live view: recent trials, oldest first, with the progress of running ones, the state of the campaign, and the
    error of the service, if any.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("trial", "widths", "multi-adds", "AP", "seconds", ""):
        table.add_column(column, justify="left" if column in ("widths", "") else "right")
    for trial in sorted(recent[:ROWS_SHOWN], key=lambda trial: trial.number):
        style = "bold green" if trial.number == campaign.best_trial else "red" if trial.state == "failed" else ""
        table.add_row(
            str(trial.number),
            Text(spark_line(trial.widths), style="cyan"),
            f"{trial.madds_ratio:.3f}",
            three_digits(trial.reward),
            one_decimal(training_seconds(trial)),
            _note(campaign, trial),
            style=style,
        )
    left = seconds_left(campaign, recent)
    status = status_line(campaign)
    if campaign.state not in FINISHED_CAMPAIGN_STATES:
        status += f"   time left {'about ' + duration(left) if left else '-'}"
    return Group(table, cell_text(status, "bold"), *([cell_text(service_error, "bold red")] if service_error else []))


def _note(campaign: CampaignDocument, trial: TrialDocument) -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if trial.state != "running":
        notes = [
            "baseline" if trial.number == BASELINE_TRIAL else "",
            "best so far" if trial.number == campaign.best_trial else "",
            f"as trial {trial.reused_from}" if trial.reused_from is not None else "",
            f"stopped at step {trial.stopped_early_step}" if trial.stopped_early_step is not None else "",
            last_line(trial.error),
        ]
        return cell_text(", ".join(note for note in notes if note))
    if not trial.progress_total:
        return Text("starting", style="dim")
    ap = "" if trial.progress_ap is None else f", AP {three_digits(trial.progress_ap)}"
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=trial.progress_total, completed=trial.progress_step or 0, width=24),
        Text(f"step {trial.progress_step}/{trial.progress_total}{ap}", style="dim"),
    )
    return bar
