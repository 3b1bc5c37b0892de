"""`effspine campaign report`: writes the report of a campaign, and the specification that it was run from."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api.cli.campaign.files import write_file
from api.cli.campaign.options import AsJson, CampaignId, open_campaign
from api.cli.output import note, print_json, print_text
from search_space.errors import InvalidValueError

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import BestDocument, CampaignDocument, FinalsReportDocument, HealthDocument

Read = TypeVar("Read")
PAGE_FILE, PDF_FILE = "report.html", "report.pdf"


def report(
    named: CampaignId,
    out: Annotated[
        Path | None, typer.Option("--out", help="Directory of the files; it is created.  [default: report-ID]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the report of a campaign: result, figures, best trials, finals, method and cost, as HTML and PDF.

    The specification is written beside it. An earlier report of the same campaign is replaced.
    """
    from api.report.documents import read_documents
    from api.report.pdf import pdf_document
    from api.report.report import SPECIFICATION_FILE, report_of
    from api.report.web_page import web_page

    with open_campaign(named) as (client, campaign_id):
        directory = Path(f"report-{campaign_id}") if out is None else out
        campaign = client.campaign(campaign_id)
        _check_directory(directory, (PAGE_FILE, PDF_FILE, SPECIFICATION_FILE), campaign.id)
        documents = read_documents(_Service(client), campaign.id)
    if not documents.best.items:
        note("no trial has a reward yet: the report has the method and the cost, but no result")
    made = report_of(documents)
    contents = {
        PAGE_FILE: web_page(made).encode(),
        PDF_FILE: pdf_document(made),
        SPECIFICATION_FILE: made.specification.encode(),
    }
    paths = [write_file(directory, name, content) for name, content in contents.items()]
    if as_json:
        page, pdf, specification = map(str, paths)
        print_json({"campaign": campaign.id, "html": page, "pdf": pdf, "specification": specification})
        return
    print_text("\n".join(map(str, paths)))


def _check_directory(directory: Path, names: tuple[str, ...], campaign_id: str) -> None:
    """Raises InvalidValueError where a file is in the place of the directory, or where it holds files of these names
    that are no report of this campaign.
    """
    if directory.exists() and not directory.is_dir():
        raise InvalidValueError(f"--out is '{directory}', which is a file; give a directory", field="out")
    taken = [name for name in names if (directory / name).exists()]
    if taken and not _is_report_of(directory / PAGE_FILE, campaign_id):
        raise InvalidValueError(
            f"--out is '{directory}', where {' and '.join(taken)} would be overwritten: it has no report of "
            f"campaign {campaign_id}; give another directory",
            field="out",
        )


def _is_report_of(path: Path, campaign_id: str) -> bool:
    marker = f'<meta name="effspine-campaign" content="{campaign_id}">'.encode()
    return path.is_file() and marker in path.read_bytes()


class _Service:
    """The documents of a report from a service, as `api.report.documents.Source` has them.

    Every method raises ServiceUnreachableError and ServiceRefusedError.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def campaign(self, campaign_id: str) -> CampaignDocument:
        return self._client.campaign(campaign_id)

    def best(self, campaign_id: str, k: int) -> BestDocument:
        return self._client.best(campaign_id, k)

    def finals(self, campaign_id: str) -> FinalsReportDocument | None:
        return _if_any(lambda: self._client.finals(campaign_id))

    def figure(self, campaign_id: str, name: str) -> dict[str, Any] | None:
        return _if_any(lambda: self._client.figure(campaign_id, name))

    def drawing(self, campaign_id: str, name: str, width_px: int) -> str | None:
        from api.report.documents import BLOCK_DIAGRAM

        if name == BLOCK_DIAGRAM:
            return _if_any(lambda: self._block_diagram(campaign_id))
        return _if_any(lambda: self._client.drawing(campaign_id, name, width_px))

    def _block_diagram(self, campaign_id: str) -> str:
        compared = self._client.best(campaign_id, 1).compared
        return self._client.export(campaign_id, "svg", None if compared is None else compared.number)[1].decode("utf-8")

    def health(self) -> HealthDocument:
        return self._client.health()


def _if_any(read: Callable[[], Read]) -> Read | None:
    """What the service has; None where it says that there is none (404). The campaign has been read before."""
    from api.client import ServiceRefusedError

    try:
        return read()
    except ServiceRefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise
