"""Follows a campaign: a live table on a terminal, one line per trial in a pipe or file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from api.cli.campaign.finals import COLUMNS, comparison_rows, print_report
from api.cli.campaign.time_left import finals_seconds_left, seconds_left, shared_seconds_left, training_seconds
from api.cli.output import cell_text, duration, last_line, one_decimal, print_text, spark_line, three_digits
from api.client import ServiceRefusedError
from nas_controller.states import BASELINE_TRIAL, EVENTS_OF_OUTCOMES, FINISHED_CAMPAIGN_STATES
from search_space.display import counted

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from api.client import Client
    from api.documents import CampaignDocument, FinalsReportDocument, TrialDocument

REFRESH_SECONDS = 1.0
ROWS_SHOWN = 14

_LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "shared-training.started": lambda data: f"training the shared weights: {data['steps']:,} steps",
    "shared-training.completed": lambda data: f"the shared weights are {'there' if data['is_reused'] else 'trained'}",
    "shared-training.failed": lambda data: f"the training of the shared weights failed: {last_line(data['error'])}",
    "finals.started": lambda data: (
        f"finals: {counted(len(data['finalists']), 'candidate')} and the baseline, "
        f"{counted(len(data['seeds']), 'seed')}"
    ),
    "final.completed": lambda data: f"final of trial {data['trial']:>3}  seed {data['seed']}  AP {data['reward']:.3f}",
    "final.failed": lambda data: (
        f"final of trial {data['trial']:>3}  seed {data['seed']}  failed: {last_line(data['error'])}"
    ),
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
        if event.kind in _LINES and show is not None:
            print_text(_LINES[event.kind](event.data))
        if event.kind in EVENTS_OF_OUTCOMES:
            trial = client.trial(campaign.id, event.data["number"])
            if show is not None:
                show(trial)
            if on_trial is not None and event.sequence > campaign.last_event:
                on_trial(trial)
    ended = client.campaign(campaign.id)
    if show is not None:
        if ended.finals is not None:
            print_report(client.finals(campaign.id))
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
    trials += shared_training_note(campaign) + finals_note(campaign)
    waiting = "" if campaign.waiting_for is None else f"   waiting: {last_line(campaign.waiting_for)}"
    winner = campaign.confirmed_winner
    confirmed = "" if winner is None else f"   confirmed winner: trial {winner}"
    return f"{campaign.state}   {trials}{confirmed}   best AP {three_digits(campaign.best_reward)}{gain}{waiting}"


def shared_training_note(campaign: CampaignDocument) -> str:
    """The progress of the shared weights while they are trained; empty at other times."""
    training = campaign.shared_training
    if training is None or training.state != "running":
        return ""
    left = shared_seconds_left(campaign, datetime.now(UTC))
    about = "" if left is None else f", about {duration(left)} left"
    return f"   shared weights: step {training.step:,} of {training.steps:,}{about}"


def finals_note(campaign: CampaignDocument) -> str:
    """The progress of the finals while they run; empty at other times."""
    finals = campaign.finals
    if finals is None or finals.state != "running":
        return ""
    return f"   finals: {finals.runs_finished} of {finals.runs} trainings"


def _workers_note(recent: Sequence[TrialDocument]) -> str:
    """How many trials workers train, and how many wait for a worker; empty where none runs."""
    running = [trial for trial in recent if trial.state == "running" and trial.reused_from is None]
    begun = sum(trial.worker_started_at is not None for trial in running)
    queued = len(running) - begun
    return "" if not running else f"   {begun} running" + (f", {queued} queued" if queued else "")


def _follow_live(client: Client, campaign: CampaignDocument, on_trial: OnTrial | None) -> CampaignDocument:
    from rich.live import Live

    reported = {trial.number for trial in client.trials(campaign.id) if trial.finished_at is not None}
    with Live(refresh_per_second=4, transient=False) as live:
        while True:
            try:
                campaign = client.campaign(campaign.id)
                recent = list(islice(client.trials(campaign.id, order_by="-number"), 100))
                report = None if campaign.finals is None else client.finals(campaign.id)
            except ServiceRefusedError as error:
                if error.status < 500:
                    raise
                time.sleep(REFRESH_SECONDS)  # the database is busy; retry
                continue
            live.update(view(campaign, recent, _service_error(client), report))
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


def view(
    campaign: CampaignDocument,
    recent: Sequence[TrialDocument],
    service_error: str = "",
    report: FinalsReportDocument | None = None,
) -> Group:
    """The live view: recent trials, oldest first, with the progress of running ones; the finals, if there are any; the
    state of the campaign, and the error of the service, if any.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("trial", "widths", "multi-adds", "AP", "seconds", ""):
        table.add_column(column, justify="left" if column in ("widths", "") else "right")
    for trial in sorted(recent[:ROWS_SHOWN], key=lambda trial: trial.number):
        style = "bold green" if trial.number == campaign.best_known_trial else "red" if trial.state == "failed" else ""
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
    if report is not None and report.finals.state == "running":
        left = finals_seconds_left(campaign, report)
    status = status_line(campaign)
    if campaign.state not in FINISHED_CAMPAIGN_STATES:
        status += f"{_workers_note(recent)}   time left {'about ' + duration(left) if left else '-'}"
    shown: list[Any] = [table, *([] if report is None else [_finals_table(report), cell_text(report.verdict.sentence)])]
    error = [cell_text(service_error, "bold red")] if service_error else []
    return Group(*shown, cell_text(status, "bold"), *error)


def _finals_table(report: FinalsReportDocument) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="finals", title_justify="left", title_style="bold")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "verdict" else "right")
    for found, cells in zip(report.verdict.comparisons, comparison_rows(report), strict=True):
        table.add_row(*cells, style="bold green" if found.trial == report.verdict.winner else "")
    return table


def _note(campaign: CampaignDocument, trial: TrialDocument) -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if trial.state != "running":
        notes = [
            "baseline" if trial.number == BASELINE_TRIAL else "",
            "confirmed winner" if trial.number == campaign.confirmed_winner else "",
            "highest reward" if trial.number == campaign.best_trial else "",
            f"as trial {trial.reused_from}" if trial.reused_from is not None else "",
            f"stopped at step {trial.stopped_early_step}" if trial.stopped_early_step is not None else "",
            last_line(trial.error),
        ]
        return cell_text(", ".join(note for note in notes if note))
    if not trial.progress_total:
        return Text("queued" if trial.worker_started_at is None else "starting", style="dim")
    ap = "" if trial.progress_ap is None else f", AP {three_digits(trial.progress_ap)}"
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=trial.progress_total, completed=trial.progress_step or 0, width=24),
        Text(f"step {trial.progress_step}/{trial.progress_total}{ap}", style="dim"),
    )
    return bar
