"""Campaign commands that change something: create, start, update, continue, stop, pause, resume and retry."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.campaign.files import base_document, read_specification
from api.cli.campaign.options import AsJson, CampaignId, SpecificationFile, open_client
from api.cli.campaign.tables import print_campaign
from api.cli.output import note, print_json, print_text
from search_space.errors import InvalidValueError


def create(
    file: SpecificationFile,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="ARCHITECTURE",
            help="Base of the search space, instead of the file's: a published model, 18 widths, an exported block "
            "specification (FILE.json) or a model directory.",
        ),
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Do not run it until `campaign start`.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create a campaign from a file."""
    specification = read_specification(file)
    if base is not None:
        space = specification.get("search_space") or {}
        specification["search_space"] = {**space, "base": base_document(base)} if isinstance(space, dict) else space
    with open_client() as client:
        campaign = client.create_campaign(specification, draft=draft)
        if as_json:
            print_json(campaign.model_dump(mode="json"))
            return
        print_text(f"campaign {campaign.id} is {campaign.state}")
        if draft:
            note(f"start it with `effspine campaign start {campaign.id}`")
            return
        note(f"watch it with `effspine campaign watch {campaign.id}` or at {client.url}/campaigns/{campaign.id}")


def start(campaign_id: CampaignId, as_json: AsJson = False) -> None:
    """Start a draft."""
    with open_client() as client:
        campaign = client.start_campaign(campaign_id)
    print_campaign(campaign, as_json)


def update(
    campaign_id: CampaignId,
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
        patch["stop"] = {**(patch.get("stop") or {}), "device_hours": device_hours}
    if not patch:
        raise InvalidValueError("nothing to change; give --trials, --parallelism, --share, --device-hours or -f FILE")
    with open_client() as client:
        campaign = client.update_campaign(campaign_id, patch)
    print_campaign(campaign, as_json)


def continue_(
    campaign_id: CampaignId,
    trials: Annotated[int, typer.Option(help="Total number of trials, more than it has.")],
    no_stop: Annotated[bool, typer.Option("--no-stop", help="Drop its stop conditions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Continue a completed campaign with more trials; its finals follow again."""
    patch: dict[str, Any] = {"trials": trials, **({"stop": None} if no_stop else {})}
    with open_client() as client:
        campaign = client.update_campaign(campaign_id, patch)
    print_campaign(campaign, as_json)


def stop(campaign_id: CampaignId, as_json: AsJson = False) -> None:
    """Stop a campaign; trials in training are abandoned."""
    with open_client() as client:
        campaign = client.stop_campaign(campaign_id)
    print_campaign(campaign, as_json)


def pause(
    campaign_id: CampaignId,
    abort: Annotated[bool, typer.Option("--abort", help="Abort trials in training; they are retried later.")] = False,
    as_json: AsJson = False,
) -> None:
    """Pause a campaign once its trials in training have finished."""
    with open_client() as client:
        campaign = client.pause_campaign(campaign_id, "abort" if abort else "drain")
    print_campaign(campaign, as_json)


def resume(campaign_id: CampaignId, as_json: AsJson = False) -> None:
    """Resume a paused campaign."""
    with open_client() as client:
        campaign = client.resume_campaign(campaign_id)
    print_campaign(campaign, as_json)


def retry(campaign_id: CampaignId, as_json: AsJson = False) -> None:
    """Continue a failed campaign once the cause is mended; its finished trials keep their rewards."""
    with open_client() as client:
        campaign = client.retry_campaign(campaign_id)
    print_campaign(campaign, as_json)
