"""Follows a campaign in a pipe or file: one line per trial, the latest ones of the past first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from api.cli.campaign.finals import print_report
from api.cli.campaign.gains import read_found
from api.cli.campaign.status import phases_line, status_line, worker_counts
from api.cli.campaign.time_left import training_seconds
from api.cli.output import last_line, print_text, spark_line, three_digits
from nas_controller.states import EVENTS_OF_OUTCOMES, FINISHED_CAMPAIGN_STATES
from search_space.display import counted

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import CampaignDocument, EventDocument, TrialDocument

TAIL = 20
"""Trials of the past that are shown, unless another number is wanted."""
_EVENTS_A_TRIAL = 4

_LINES: dict[str, Callable[[dict[str, Any]], str]] = {
    "campaign.waiting": lambda data: f"waiting: {last_line(data['for'])}",
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


def follow_lines(
    client: Client,
    campaign: CampaignDocument,
    on_trial: Callable[[TrialDocument], None] | None,
    *,
    tail: int = TAIL,
    quiet: bool = False,
) -> CampaignDocument:
    """Prints the last `tail` trials, then what happens until the campaign has finished; returns its final document.

    `on_trial` is called once with each trial that finishes from now on; `quiet` prints nothing.
    """
    if not quiet:
        _print_past(client, campaign, tail)
        if campaign.state not in FINISHED_CAMPAIGN_STATES:
            _print_present(client, campaign)
    for event in client.events(campaign.id, campaign.last_event):
        if event.kind in EVENTS_OF_OUTCOMES:
            trial = client.trial(campaign.id, event.data["number"])
            if not quiet:
                print_text(trial_line(trial))
            if on_trial is not None:
                on_trial(trial)
        elif not quiet:
            _print_event(event)
    ended = client.campaign(campaign.id)
    if not quiet:
        if ended.finals is not None:
            print_report(client.finals(campaign.id))
        if (found := read_found(client, ended)) is not None:
            print_text(found.search["sentence"])
        print_text(status_line(ended, found))
    return ended


def _print_past(client: Client, campaign: CampaignDocument, tail: int) -> None:
    """Prints the last `tail` trials and the other events between them; all events if there are no more trials."""
    if tail == 0:
        return
    events = _past_events(client, campaign, tail)
    outcomes = [index for index, event in enumerate(events) if event.kind in EVENTS_OF_OUTCOMES]
    if len(outcomes) > tail or campaign.trials_finished > tail:
        events = events[outcomes[-tail] :]
        hidden = campaign.trials_finished - tail
        print_text(f"after {counted(hidden, 'earlier trial')}, which `effspine campaign trials {campaign.id}` lists:")
    wanted = tail + campaign.spec["parallelism"]
    recent = {trial.number: trial for trial in client.trials(campaign.id, order_by="-number", at_most=wanted)}
    for event in events:
        if event.kind in EVENTS_OF_OUTCOMES:
            number = event.data["number"]
            print_text(trial_line(recent[number] if number in recent else client.trial(campaign.id, number)))
        else:
            _print_event(event)


def _past_events(client: Client, campaign: CampaignDocument, tail: int) -> list[EventDocument]:
    """The newest events of a campaign, those of its last `tail` trials among them."""
    if campaign.trials_finished <= tail:
        return _until(client, campaign, 0)
    window = _EVENTS_A_TRIAL * (tail + campaign.spec["parallelism"])
    while True:
        after = max(0, campaign.last_event - window)
        events = _until(client, campaign, after)
        if after == 0 or sum(event.kind in EVENTS_OF_OUTCOMES for event in events) >= tail:
            return events
        window *= 4


def _until(client: Client, campaign: CampaignDocument, after: int) -> list[EventDocument]:
    """The events of the past after the sequence `after`; later ones are left for who follows."""
    events = []
    for event in client.events(campaign.id, after):
        events.append(event)
        if event.sequence >= campaign.last_event:
            break
    return events


def _print_present(client: Client, campaign: CampaignDocument) -> None:
    if (phases := phases_line(campaign)) is not None:
        print_text(phases)
    running = list(client.trials(campaign.id, state="running", at_most=campaign.spec["parallelism"]))
    print_text(status_line(campaign, read_found(client, campaign), worker_counts(running)))


def _print_event(event: EventDocument) -> None:
    if event.kind in _LINES:
        print_text(_LINES[event.kind](event.data))


def trial_line(trial: TrialDocument) -> str:
    """A finished trial in one line: its widths, multi-adds, AP and seconds, and its error if it failed."""
    line = f"trial {trial.number:>3}  {spark_line(trial.widths)}  multi-adds {trial.madds_ratio:.3f}"
    seconds = training_seconds(trial)
    line = f"{line}  AP {three_digits(trial.reward)}  {'-' if seconds is None else f'{seconds:.1f} s'}"
    stopped = "" if trial.stopped_early_step is None else f"stopped at step {trial.stopped_early_step}"
    return f"{line}  {last_line(trial.error) or stopped}".rstrip()
