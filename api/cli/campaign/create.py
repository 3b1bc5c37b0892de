"""`effspine campaign create`: what a campaign will cost, a question where that is much, and the campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.campaign.estimates import YES_HELP, ask, print_dry_run, say_cost
from api.cli.campaign.files import base_document, read_specification
from api.cli.campaign.options import AsJson, SpecificationFile, open_client
from api.cli.campaign.references import candidates
from api.cli.output import note, print_json, print_text

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import CampaignDocument


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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check it, and say what it will cost; nothing is created.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=YES_HELP)] = False,
    as_json: AsJson = False,
) -> None:
    """Create a campaign from a file; says what it will cost, and asks on a terminal where that is much."""
    specification = read_specification(file)
    if base is not None:
        space = specification.get("search_space") or {}
        specification["search_space"] = {**space, "base": base_document(base)} if isinstance(space, dict) else space
    with open_client() as client:
        if dry_run:
            found = client.dry_run_campaign(specification)
            print_json(found.model_dump(mode="json")) if as_json else print_dry_run(found)
            return
        if say_cost(client, specification, as_json) and not draft:
            ask("Create it?", yes, "not created")
        campaign = client.create_campaign(specification, draft=draft)
        _warn_of_the_name(client, campaign)
        if as_json:
            print_json(campaign.model_dump(mode="json"))
            return
        print_text(f"campaign {campaign.id} is {campaign.state}")
        if draft:
            note(f"start it with `effspine campaign start {campaign.id}`")
            return
        note(f"watch it with `effspine campaign watch {campaign.id}` or at {client.url}/campaigns/{campaign.id}")


def _warn_of_the_name(client: Client, campaign: CampaignDocument) -> None:
    others = [
        each
        for each in client.campaigns(text=campaign.name, archived="any")
        if each.name == campaign.name and each.id != campaign.id
    ]
    if others:
        note(
            f"warning: the name '{campaign.name}' was taken, so commands need the id; others of this name: "
            f"{candidates(others)}"
        )
