"""The documents that a report is made of, and where they come from: a service's client, or the service itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from api.documents import BestDocument, CampaignDocument, FinalsReportDocument, HealthDocument
from search_space.proxy_task import ProxyTask, resolve

TOP_TRIALS = 10
FIGURE_WIDTH_PX = 760
"""The width that figures are laid out for; on A4 their texts then have the size of a caption."""
BLOCK_DIAGRAM = "block-diagram"


class ReportFigure(NamedTuple):
    """A figure of the service by its name, with its caption."""

    name: str
    caption: str


REPORT_FIGURES = (
    ReportFigure("progress", "Reward of each trial in the order of the search, and the best so far."),
    ReportFigure("shares", "Share of the multi-adds by block, best against baseline (Figure 3 of the paper)."),
    ReportFigure("madds-ap", "AP over multi-adds of all architectures (Figure 5 of the paper)."),
    ReportFigure(
        "params-ap",
        "AP over parameters of all architectures: Figure 5 of the paper where each has the multi-adds of the budget.",
    ),
    ReportFigure(
        BLOCK_DIAGRAM,
        "The best architecture beside the uniform baseline. The area of a block is its share of the multi-adds.",
    ),
)
"""All figures of a report, in their order. Those that a campaign does not have are left out."""


class Source(Protocol):
    """Reads the documents of a campaign. Every method raises an error of the source for an unknown campaign."""

    def campaign(self, campaign_id: str) -> CampaignDocument:
        """The campaign."""

    def best(self, campaign_id: str, k: int) -> BestDocument:
        """Its best trials and its baseline."""

    def finals(self, campaign_id: str) -> FinalsReportDocument | None:
        """Its finals; None before they begin."""

    def figure(self, campaign_id: str, name: str) -> dict[str, Any] | None:
        """The numbers of a figure; None where it has none."""

    def drawing(self, campaign_id: str, name: str, width_px: int) -> str | None:
        """A figure of REPORT_FIGURES as an SVG document; None where there is nothing to draw."""

    def health(self) -> HealthDocument:
        """The version of the service."""


@dataclass(frozen=True)
class CampaignDocuments:
    """Everything that a report states. `search` and `learned` are the figures of those names."""

    campaign: CampaignDocument
    best: BestDocument
    finals: FinalsReportDocument | None
    search: Mapping[str, Any] | None
    learned: Mapping[str, Any] | None
    drawings: Mapping[str, str]
    health: HealthDocument
    read_at: datetime

    @property
    def spec(self) -> dict[str, Any]:
        """The campaign's specification."""
        return self.campaign.spec

    @property
    def task(self) -> ProxyTask:
        """The complete proxy task."""
        given = self.spec["proxy_task"]
        return resolve(given["profile"], **{name: value for name, value in given.items() if name != "profile"})


def read_documents(source: Source, campaign_id: str) -> CampaignDocuments:
    """Reads all documents of a campaign. Raises the source's error for an unknown campaign."""
    campaign = source.campaign(campaign_id)
    drawings = {each.name: source.drawing(campaign_id, each.name, FIGURE_WIDTH_PX) for each in REPORT_FIGURES}
    return CampaignDocuments(
        campaign=campaign,
        best=source.best(campaign_id, TOP_TRIALS),
        finals=source.finals(campaign_id),
        search=source.figure(campaign_id, "search"),
        learned=source.figure(campaign_id, "learned"),
        drawings={name: svg for name, svg in drawings.items() if svg is not None},
        health=source.health(),
        read_at=datetime.now(UTC),
    )
