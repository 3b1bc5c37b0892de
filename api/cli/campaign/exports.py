"""`effspine campaign export`, and what it shares with `effspine training export`: waits for an export and writes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.campaign.files import write_file
from api.cli.campaign.options import HERE, AsJson, CampaignId, OutDirectory, open_client
from api.cli.campaign.references import campaign_id
from api.cli.output import note, print_json, print_text
from nas_controller.states import EXPORT_STATES_IN_PROGRESS, WeightsWanted
from search_space.errors import EffspineError, InvalidValueError

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import ExportDocument

POLL_SECONDS = 0.5


def export(
    named: CampaignId,
    out: OutDirectory = HERE,
    format: Annotated[str, typer.Option("--format", help="Format; `effspine export --help` lists them.")] = "spec",
    trial: Annotated[int | None, typer.Option(help="Number of the trial; default: the best one.")] = None,
    weights: Annotated[
        WeightsWanted | None,
        typer.Option(help="Weights; best are those of the finals, else of the shared weights, else initial ones."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a trial of a campaign to a file: its architecture, or a detector with weights."""

    def here(client: Client) -> tuple[str, bytes]:
        if weights is not None:
            raise InvalidValueError(f"the format '{format}' has no weights; leave --weights out", field="weights")
        return client.export(campaign_id(client, named), format, trial)

    def request(client: Client) -> ExportDocument:
        return client.request_export(campaign_id(client, named), format, trial, weights or "best")

    write_export(out, format, request, here, as_json)


def write_export(
    out: Path,
    format: str,
    request: Callable[[Client], ExportDocument],
    here: Callable[[Client], tuple[str, bytes]],
    as_json: bool,
) -> None:
    """Writes an export to a file and prints its path: one that is requested and awaited, or that is made at once."""
    with open_client() as client:
        places = {each.name: each.place for each in client.export_formats()}
        if places.get(format) == "worker":
            made = wait_for_export(client, request(client))
            path = client.download_export(made, out)
            found = {"path": str(path), "bytes": made.size_bytes, "export": made.model_dump(mode="json")}
        else:
            name, content = here(client)
            path = write_file(out, name, content)
            found = {"path": str(path), "bytes": len(content)}
    if as_json:
        print_json(found)
        return
    print_text(str(path))


def wait_for_export(client: Client, export: ExportDocument) -> ExportDocument:
    """The export once it is made; notes what is being done. Raises EffspineError where it fails."""
    note(export.about if export.trial is None else f"trial {export.trial}: {export.about}")
    shown = ""
    while export.state in EXPORT_STATES_IN_PROGRESS:
        doing = export.progress or (_waiting(client) if export.state == "queued" else "starting")
        if doing != shown:
            note(f"{export.format}: {doing}")
            shown = doing
        time.sleep(POLL_SECONDS)
        export = client.read_export(export.id)
    if export.state != "completed":
        if export.log_tail:
            note(f"its log ends with:\n{export.log_tail}")
        raise EffspineError(f"the export {export.id} is {export.state}: {export.error}")
    return export


def _waiting(client: Client) -> str:
    """What a queued export waits for."""
    supervisors = client.ready().supervisors or []
    if any(each.is_alive for each in supervisors):
        return "queued"
    return "queued; no supervisor runs, which would make it (`effspine serve` or `effspine supervisor`)"
