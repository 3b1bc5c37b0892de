"""Campaign commands that change something: start, update, continue, stop, pause, resume, retry and delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.campaign.estimates import YES_HELP, ask, say_cost
from api.cli.campaign.files import read_specification
from api.cli.campaign.options import AsJson, CampaignId, Yes, confirm, open_campaign
from api.cli.campaign.tables import print_campaign
from api.cli.output import print_json, print_text
from search_space.display import counted, displayed_line
from search_space.errors import InvalidValueError


def start(
    named: CampaignId,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=YES_HELP)] = False,
    as_json: AsJson = False,
) -> None:
    """Start a draft; says what it will cost, and asks on a terminal where that is much."""
    with open_campaign(named) as (client, campaign_id):
        draft = client.campaign(campaign_id)
        if draft.state == "draft" and say_cost(client, draft.spec, as_json):
            ask("Start it?", yes, "not started")
        campaign = client.start_campaign(campaign_id)
    print_campaign(campaign, as_json)


def update(
    named: CampaignId,
    file: Annotated[str | None, typer.Option("-f", "--file", help="YAML or JSON file with fields to change.")] = None,
    trials: Annotated[int | None, typer.Option(help="Total number of trials.")] = None,
    parallelism: Annotated[int | None, typer.Option(help="Number of parallel trials.")] = None,
    share: Annotated[float | None, typer.Option(help="Its share of the workers, relative to other campaigns.")] = None,
    device_hours: Annotated[float | None, typer.Option(help="Stop after this many device hours.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a campaign, also while it runs; fields that are not given stay unchanged."""
    patch = {} if file is None else read_specification(file)
    options = {"trials": trials, "parallelism": parallelism, "share": share}
    patch |= {name: value for name, value in options.items() if value is not None}
    if device_hours is not None:
        stop = patch.get("stop", {})
        if not isinstance(stop, dict):
            raise InvalidValueError(f"{file}: with --device-hours, `stop` must be a mapping or left out", field="stop")
        patch["stop"] = {**stop, "device_hours": device_hours}
    if not patch:
        raise InvalidValueError("nothing to change; give --trials, --parallelism, --share, --device-hours or -f FILE")
    with open_campaign(named) as (client, campaign_id):
        campaign = client.update_campaign(campaign_id, patch)
    print_campaign(campaign, as_json)


def continue_(
    named: CampaignId,
    trials: Annotated[int, typer.Option(help="Total number of trials, more than are finished.")],
    no_stop: Annotated[bool, typer.Option("--no-stop", help="Drop its stop conditions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Continue a completed campaign with more trials, or a stopped one; its finals follow again."""
    patch: dict[str, Any] = {"trials": trials, **({"stop": None} if no_stop else {})}
    with open_campaign(named) as (client, campaign_id):
        campaign = client.update_campaign(campaign_id, patch)
    print_campaign(campaign, as_json)


def stop(named: CampaignId, as_json: AsJson = False) -> None:
    """Stop a campaign; trials in training are abandoned."""
    with open_campaign(named) as (client, campaign_id):
        campaign = client.stop_campaign(campaign_id)
    print_campaign(campaign, as_json)


def pause(
    named: CampaignId,
    abort: Annotated[bool, typer.Option("--abort", help="Abort trials in training; they are retried later.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pause a campaign once its trials in training have finished."""
    with open_campaign(named) as (client, campaign_id):
        campaign = client.pause_campaign(campaign_id, "abort" if abort else "drain")
    print_campaign(campaign, as_json)


def resume(named: CampaignId, as_json: AsJson = False) -> None:
    """Resume a paused campaign."""
    with open_campaign(named) as (client, campaign_id):
        campaign = client.resume_campaign(campaign_id)
    print_campaign(campaign, as_json)


def retry(named: CampaignId, as_json: AsJson = False) -> None:
    """Continue a failed campaign once the cause is fixed; its finished trials keep their rewards."""
    with open_campaign(named) as (client, campaign_id):
        campaign = client.retry_campaign(campaign_id)
    print_campaign(campaign, as_json)


def delete(named: CampaignId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete a campaign that has finished, with its trials, events and exports."""
    with open_campaign(named) as (client, campaign_id):
        campaign = client.campaign(campaign_id)
        trials = counted(campaign.trials_finished, "finished trial")
        what = f"campaign {campaign_id} ({campaign.name}, {campaign.state}, {trials})"
        confirm(f"Delete {displayed_line(what)}? Its trials, events and exports are lost.", yes)
        client.delete_campaign(campaign_id)
    if as_json:
        print_json({"id": campaign_id, "name": campaign.name, "deleted": True})
        return
    print_text(f"{what} is deleted")
