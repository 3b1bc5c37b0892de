"""`effspine campaign logs`: the ends of workers' logs, of attempts at trials, the shared weights and the finals."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.campaign.options import AsJson, CampaignId, open_campaign
from api.cli.output import last_line, note, print_json, print_text
from nas_controller.entities import name_of_final
from nas_controller.titles import error_title
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.client import Client
    from api.documents import AttemptDocument, CampaignDocument, EventDocument

FAILURES = 10
"""Trials with failed attempts whose logs are shown, the newest ones."""
NO_LOG = "(no log was kept)"


def logs(
    campaign: CampaignId,
    trial: Annotated[int | None, typer.Argument(min=0, metavar="[TRIAL]", help="Number of a trial.")] = None,
    attempt: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only this attempt at the trial.")] = None,
    tail: Annotated[
        int, typer.Option(min=1, metavar="N", help="Without TRIAL: at most so many trials that failed, the newest.")
    ] = FAILURES,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for the logs of further failures until it has finished.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the last log lines of a trial's attempts, or of the newest failures.

    The last lines of the log of a failed attempt are kept: at a trial, at the shared weights or in the finals.
    """
    if attempt is not None and trial is None:
        raise EffspineError("--attempt is one of a trial; give the number of the trial, too")
    if follow and (as_json or attempt is not None):
        raise EffspineError("--follow prints text as it comes; leave --json and --attempt out")
    with open_campaign(campaign) as (client, campaign_id):
        last_event = client.campaign(campaign_id).last_event
        found = list(_of_trial(client, campaign_id, trial, attempt) if trial is not None else
                     _of_campaign(client, campaign_id, tail))  # fmt: skip
        if as_json:
            print_json(found)
            return
        for each in found:
            _print(each)
        if follow:
            _follow(client, campaign_id, trial, last_event)
        elif not found:
            note("no attempt has failed, so no log was kept; `effspine campaign logs CAMPAIGN TRIAL` shows one trial's")


def _of_trial(client: Client, campaign_id: str, number: int, attempt: int | None) -> Iterator[dict[str, Any]]:
    made = client.trial(campaign_id, number).attempts_made
    if attempt is not None and attempt not in [each.number for each in made]:
        known = ", ".join(str(each.number) for each in made) or "none"
        raise EffspineError(f"trial {number} has no attempt {attempt}; its attempts are: {known}")
    return (_document(number, each) for each in made if attempt in (None, each.number))


def _of_campaign(client: Client, campaign_id: str, tail: int) -> Iterator[dict[str, Any]]:
    campaign = client.campaign(campaign_id)
    yield from _of_shared_training(campaign)
    yield from _of_failed_trials(client, campaign_id, tail)
    if campaign.finals is not None:
        yield from _of_finals(client, campaign_id)


def _of_shared_training(campaign: CampaignDocument) -> Iterator[dict[str, Any]]:
    shared = campaign.shared_training
    if shared is not None and shared.log_tail is not None:
        yield _failure(
            "shared weights", shared.attempts, shared.state, shared.error, shared.error_kind, shared.log_tail
        )


def _of_failed_trials(client: Client, campaign_id: str, tail: int) -> Iterator[dict[str, Any]]:
    """Those of the newest `tail` trials with a failed attempt; older trials are not read."""
    listed = client.trials(campaign_id, order_by="-number")
    failed = (each.number for each in listed if each.attempts > 1 or each.state == "failed" or each.error)
    for number in reversed(list(islice(failed, tail))):
        for each in client.trial(campaign_id, number).attempts_made:
            if each.log_tail is not None or each.state == "failed":
                yield _document(number, each)


def _of_finals(client: Client, campaign_id: str) -> Iterator[dict[str, Any]]:
    for run in client.finals(campaign_id).runs:
        if run.log_tail is not None:
            name = name_of_final(run.trial, run.seed)
            yield _failure(name, run.attempts, run.state, run.error, run.error_kind, run.log_tail)


def _follow(client: Client, campaign_id: str, trial: int | None, after: int) -> None:
    for event in client.events(campaign_id, after):
        for each in _of_event(client, campaign_id, trial, event):
            _print(each)


def _of_event(client: Client, campaign_id: str, trial: int | None, event: EventDocument) -> Iterator[dict[str, Any]]:
    data = event.data
    if event.kind == "attempt.failed" and trial in (None, data["number"]):
        yield from _of_trial(client, campaign_id, data["number"], data["attempt"])
    elif event.kind == "shared-training.failed" and trial is None:
        yield from _of_shared_training(client.campaign(campaign_id))
    elif event.kind == "final.failed" and trial in (None, data["trial"]):
        name = name_of_final(data["trial"], data["seed"])
        yield from (each for each in _of_finals(client, campaign_id) if each["what"] == name)


def _document(number: int, attempt: AttemptDocument) -> dict[str, Any]:
    failure = _failure(
        f"trial {number}", attempt.number, attempt.state, attempt.error, attempt.error_kind, attempt.log_tail
    )
    return {**failure, "trial": number}


def _failure(
    what: str, attempt: int, state: str, error: str | None, error_kind: str | None, log_tail: str | None
) -> dict[str, Any]:
    return {
        "what": what,
        "trial": None,
        "attempt": attempt,
        "state": state,
        "error": error,
        "error_kind": error_kind,
        "log_tail": log_tail,
    }


def _print(each: dict[str, Any]) -> None:
    kind = f" ({error_title(each['error_kind'])})" if each["error_kind"] else ""
    error = f": {last_line(each['error'])}" if each["error"] else ""
    print_text(f"== {each['what']}, attempt {each['attempt']}: {each['state']}{kind}{error}")
    print_text(each["log_tail"] or NO_LOG)
