"""Options that the campaign commands share, and their client."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_space.errors import EffspineError

if TYPE_CHECKING:
    from api.client import Client

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
CampaignId = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="Id of the campaign, its name, or the beginning of its id.")
]
SpecificationFile = Annotated[str, typer.Option("-f", "--file", help="YAML or JSON file; - reads standard input.")]
OutDirectory = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Directory of the file; it is created if it does not exist.",
        show_default="the current directory",
    ),
]
HERE = Path()


def open_client() -> Client:
    """A client of the service at EFFSPINE_URL."""
    from api.client import Client

    return Client()


@contextmanager
def open_campaign(text: str) -> Iterator[tuple[Client, str]]:
    """A client, and the id of the campaign that a person means. Raises EffspineError where that is not one."""
    from api.cli.campaign.references import campaign_id

    with open_client() as client:
        yield client, campaign_id(client, text)


def confirm(question: str, yes: bool) -> None:
    """Asks on a terminal, unless `yes`. Raises EffspineError for another answer, and where nobody can be asked."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise EffspineError(f"{question} Nobody can be asked here; give --yes to do it")
    if not typer.confirm(question, err=True):
        raise EffspineError("not done")
