"""Options that the campaign commands share, and their client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.client import Client

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
CampaignId = Annotated[str, typer.Argument(metavar="ID", help="Id of the campaign.")]
SpecificationFile = Annotated[str, typer.Option("-f", "--file", help="YAML or JSON file; - reads standard input.")]


def open_client() -> Client:
    """A client of the service at EFFSPINE_URL."""
    from api.client import Client

    return Client()
