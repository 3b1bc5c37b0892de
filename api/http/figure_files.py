"""Figures of a campaign as files: one function gives the drawing of each, which routes and reports share."""

from __future__ import annotations

from datetime import UTC, datetime

from api.report.documents import BLOCK_DIAGRAM
from exporters.svg import drawing
from nas_controller.campaigns.finals_report import compared_trial
from nas_controller.drawings.campaign import DRAWINGS, campaign_figure
from nas_controller.drawings.sheet import Heading, Sheet
from nas_controller.exports.exported_trial import find_exported
from nas_controller.store import NotFoundError, Store

FIGURE_FILES = (*DRAWINGS, BLOCK_DIAGRAM)


def figure_svg(store: Store, campaign_id: str, name: str, width_px: int, at: int | None = None) -> str:
    """A figure on white paper as an SVG document; the block diagram has a width of its own.

    `at` is for `policy`: after so many rewards. Raises NotFoundError for an unknown campaign or figure and before there
    is a best architecture, and NothingToDrawError where another figure does not exist, or not yet.
    """
    if name in DRAWINGS:
        heading = Heading(store.reads.get_campaign(campaign_id).name, datetime.now(UTC).date())
        return campaign_figure(store, campaign_id, name, Sheet(width_px, heading), at)
    if name != BLOCK_DIAGRAM:
        raise NotFoundError(f"there is no figure {name!r} as a file; there are: {', '.join(FIGURE_FILES)}")
    compared = compared_trial(store, store.reads.get_campaign(campaign_id))
    exported = find_exported(store, campaign_id, compared)
    return drawing(exported.drawn())
