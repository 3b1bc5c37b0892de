"""Follows a campaign: a live table on a terminal, lines (`api.cli.campaign.lines`) in a pipe or file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.cli.campaign.finals import DROP, LEFT, comparison_columns, comparison_rows
from api.cli.campaign.gains import Found, read_found
from api.cli.campaign.lines import TAIL, follow_lines
from api.cli.campaign.status import phases_line, shown_state, status_line, worker_counts
from api.cli.campaign.time_left import finals_seconds_left, seconds_left, training_seconds
from api.cli.output import cell_text, duration, last_line, one_decimal, spark_line, three_digits
from api.client import ServiceRefusedError
from nas_controller.states import BASELINE_TRIAL, FINISHED_CAMPAIGN_STATES
from search_space.terminal_table import FittedTable

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

    from api.client import Client
    from api.documents import CampaignDocument, FinalsReportDocument, TrialDocument

REFRESH_SECONDS = 1.0
SEARCH_SECONDS = 10.0
"""Between two readings of what the search still finds, which the service computes from many trials."""
ROWS_SHOWN = 14
"""Trials of the live view, unless another number is wanted: with the rest, as many as 24 lines hold."""
RECENT_TRIALS = 100
"""Trials that the time left is estimated from."""

BAR_WIDTH = 16

OnTrial = Callable[["TrialDocument"], None]


def follow(
    client: Client,
    campaign: CampaignDocument,
    *,
    quiet: bool = False,
    on_trial: OnTrial | None = None,
    tail: int | None = None,
) -> CampaignDocument:
    """Shows the latest `tail` trials of a campaign, and it until it has finished; returns its final document.

    `on_trial` is called once with each trial that finishes from now on; `quiet` prints nothing.
    """
    if sys.stdout.isatty() and not quiet:
        return _follow_live(client, campaign, on_trial, ROWS_SHOWN if tail is None else tail)
    return follow_lines(client, campaign, on_trial, tail=TAIL if tail is None else tail, quiet=quiet)


def _follow_live(client: Client, campaign: CampaignDocument, on_trial: OnTrial | None, rows: int) -> CampaignDocument:
    from rich.live import Live

    listed = () if on_trial is None else client.trials(campaign.id)
    reported = {trial.number for trial in listed if trial.finished_at is not None}
    found, read_at, ranked = None, -SEARCH_SECONDS, None
    with Live(refresh_per_second=4, transient=False) as live:
        while True:
            try:
                campaign = client.campaign(campaign.id)
                recent = list(client.trials(campaign.id, order_by="-number", at_most=max(rows, RECENT_TRIALS)))
                report = None if campaign.finals is None else client.finals(campaign.id)
                is_over = campaign.state in FINISHED_CAMPAIGN_STATES
                known = (campaign.best_trial, campaign.finals and (campaign.finals.state, campaign.finals.best))
                if is_over or known != ranked or time.monotonic() - read_at >= SEARCH_SECONDS:
                    found, read_at, ranked = read_found(client, campaign), time.monotonic(), known
            except ServiceRefusedError as error:
                if error.status < 500:
                    raise
                time.sleep(REFRESH_SECONDS)  # the database is busy; retry
                continue
            live.update(view(campaign, recent, _service_error(client), report, found, rows))
            for trial in reversed(recent):
                if trial.finished_at is not None and trial.number not in reported:
                    reported.add(trial.number)
                    if on_trial is not None:
                        on_trial(trial)
            if is_over:
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
    found: Found | None = None,
    rows: int = ROWS_SHOWN,
) -> Group:
    """The live view: the latest `rows` of the recent trials, oldest first, with the progress of running ones; the
    finals, if there are any; what the search still finds; the phases and the state of the campaign, and the error of
    the service, if any.
    """
    from rich.console import Group

    more: tuple[str, ...] = ()
    if campaign.state not in FINISHED_CAMPAIGN_STATES:
        more = worker_counts(recent), _time_left(campaign, recent, report)
    status = status_line(campaign, found, *more).splitlines()
    shown: list[RenderableType] = [_trials_table(campaign, recent[:rows])] if rows else []
    if report is not None:
        shown += [cell_text("finals", "bold"), _finals_table(report), cell_text(report.verdict.sentence)]
    search = None if found is None else found.search["sentence"]
    shown += [cell_text(line) for line in (search, phases_line(campaign)) if line is not None]
    error = [cell_text(service_error, "bold red")] if service_error else []
    return Group(*shown, *(cell_text(line, "bold") for line in status), *error)


def _time_left(campaign: CampaignDocument, recent: Sequence[TrialDocument], report: FinalsReportDocument | None) -> str:
    """The time left of the finals while they run, else that of the search; then it says whether finals follow."""
    follows = ""
    if report is not None and report.finals.state == "running":
        left = finals_seconds_left(campaign, report)
    else:
        left = seconds_left(campaign, recent, datetime.now(UTC))
        if left is not None and campaign.spec["finals"] is not None and campaign.state != "stopping":
            follows = ", then the finals"
    return f"time left {'-' if left is None else 'about ' + duration(left)}{follows}"


def _trials_table(campaign: CampaignDocument, recent: Sequence[TrialDocument]) -> FittedTable:
    from rich.text import Text

    trials = sorted(recent, key=lambda trial: trial.number)
    rows = [
        (
            str(trial.number),
            Text(spark_line(trial.widths), style="cyan"),
            f"{trial.madds_ratio:.3f}",
            three_digits(trial.reward),
            one_decimal(training_seconds(trial)),
            _note(campaign, trial),
        )
        for trial in trials
    ]
    styles = [
        "bold green" if trial.number == campaign.best_known_trial else "red" if trial.state == "failed" else ""
        for trial in trials
    ]
    columns = ("trial", "widths", "multi-adds", "AP", "seconds", "")
    return FittedTable(columns, rows, ("widths", ""), ("multi-adds", "seconds", "widths"), ("",), styles)


def _finals_table(report: FinalsReportDocument) -> FittedTable:
    styles = ["bold green" if found.trial == report.verdict.winner else "" for found in report.verdict.comparisons]
    styles.append("")  # of the baseline
    return FittedTable(comparison_columns(report), comparison_rows(report), LEFT, DROP, styles=styles)


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
        return Text(shown_state(trial), style="dim")
    ap = "" if trial.progress_ap is None else f", AP {three_digits(trial.progress_ap)}"
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=trial.progress_total, completed=trial.progress_step or 0, width=BAR_WIDTH),
        Text(f"step {trial.progress_step}/{trial.progress_total}{ap}", style="dim"),
    )
    return bar
