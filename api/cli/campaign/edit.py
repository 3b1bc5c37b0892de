"""`effspine campaign edit`: notes, tags and the archive."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.campaign.options import AsJson, CampaignId, open_campaign
from api.cli.campaign.tables import print_campaign
from search_space.errors import InvalidValueError

_Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Add a tag; may be repeated.")]
_Untagged = Annotated[list[str] | None, typer.Option("--untag", metavar="TAG", help="Remove a tag; may be repeated.")]


def edit(
    named: CampaignId,
    notes: Annotated[str | None, typer.Option(help="Replace the notes; an empty text removes them.")] = None,
    tag: _Tags = None,
    untag: _Untagged = None,
    archive: Annotated[
        bool | None, typer.Option("--archive/--unarchive", help="Leave it out of lists, or list it again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change the notes and tags of a campaign in any state, or archive it; its search does not notice."""
    if notes is None and not tag and not untag and archive is None:
        raise InvalidValueError("nothing to change; give --notes, --tag, --untag, --archive or --unarchive")
    with open_campaign(named) as (client, campaign_id):
        changes: dict[str, Any] = {}
        if tag or untag:
            changes["tags"] = _changed(list(client.campaign(campaign_id).tags), tag or [], untag or [])
        campaign = client.annotate_campaign(campaign_id, notes=notes, archived=archive, **changes)
    print_campaign(campaign, as_json)


def _changed(tags: list[str], added: list[str], removed: list[str]) -> list[str]:
    """The tags after a change. Raises InvalidValueError for one to remove that the campaign does not have."""
    unwanted = [word.strip().lower() for word in removed]
    missing = [word for word in unwanted if word not in tags]
    if missing:
        has = f"it has {', '.join(tags)}" if tags else "it has none"
        raise InvalidValueError(f"the campaign has no tag '{missing[0]}'; {has}", field="untag")
    return [word for word in tags if word not in unwanted] + added
