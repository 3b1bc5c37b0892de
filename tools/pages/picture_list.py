"""The pictures of `make screenshots`: of which page, in which state, and in a window of which size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from playwright.sync_api import Page, ViewportSize

from search_space.errors import InvalidValueError
from tools.pages.browser import DESK, PHONE
from tools.pages.record import Record

MOST_PARTS = 9
"""Pictures of one page."""


class Picture(NamedTuple):
    """A page that has what `shows` selects; the files are named after it.

    A long page has several pictures, `parts` at most. With `act`, which opens a dialog, it has one, of the window.
    """

    name: str
    path: str
    shows: str
    size: ViewportSize = DESK
    parts: int = MOST_PARTS
    act: Callable[[Page], None] | None = None


def pictures(record: Record) -> list[Picture]:
    """The pages of a service with a record, and three of them on a phone."""
    campaign = f"/campaigns/{record.campaign.id}"
    trial = f"{campaign}/trials/{record.best}"
    trials = ",".join(f"{record.campaign.id}:{number}" for number in (record.best, record.campaign.best_trial, 0))
    others = [record.others[name] for name in ("narrow first levels", "recurrent, seed 2", "more trials")]
    rows, list_rows, shares, figures = (
        "table.trials tbody tr",
        "table.campaigns tbody tr",
        ".trial-shares tr",
        ".drawn-figure svg",
    )
    return [
        Picture("campaigns", "/", list_rows),
        Picture("campaigns-none-found", "/?q=nothing-like-this", "text=No campaign matches this filter"),
        Picture("new-campaign", f"/campaigns/new?from={record.campaign.id}", "text=Ready to create"),
        Picture("campaign", campaign, rows),
        Picture("campaign-running", f"/campaigns/{record.others['more trials']}", rows, parts=1),
        Picture("campaign-failed", f"/campaigns/{record.others['half the budget']}", rows, parts=1),
        Picture("campaign-draft", f"/campaigns/{record.others['at 512 px']}", ".no-figures"),
        Picture("drawer", campaign, rows, act=open_best),
        Picture("trial", trial, shares),
        Picture("compare", f"/compare?trials={trials}", figures),
        Picture("compare-campaigns", f"/compare?campaigns={','.join(others)}", figures),
        Picture("trainings", "/trainings", "#trainings tr"),
        Picture("training", f"/trainings/{record.training.id}", "#curve svg"),
        Picture("dataset", "/datasets/digits", "#preview img"),
        Picture("api", "/docs", ".swagger-ui .opblock", parts=1),
        Picture("login", "/login", "input#key"),
        Picture("not-found", "/campaigns/c_none", "text=Error 404"),
        Picture("campaigns-phone", "/", list_rows, PHONE, parts=1),
        Picture("campaign-phone", campaign, rows, PHONE, parts=1),
        Picture("trial-phone", trial, shares, PHONE, parts=1),
    ]


WITHOUT_RECORD = [Picture("campaigns-empty", "/", "text=No campaign yet")]
"""Of a service that has just been installed."""


def chosen(every: Sequence[Picture], names: Sequence[str]) -> list[Picture]:
    """Those of the names, or all without any. Raises InvalidValueError for a name that there is not."""
    known = [picture.name for picture in every]
    for name in names:
        if name not in known:
            raise InvalidValueError(f"there is no page {name!r}; there are: {', '.join(known)}", field="only")
    return [picture for picture in every if not names or picture.name in names]


def open_best(page: Page) -> None:
    """Opens the trial with the highest AP in the drawer."""
    heading = page.locator("th[data-order=reward]")
    heading.get_by_role("button").click()
    page.locator("th[aria-sort=descending][data-order=reward]").wait_for()
    page.locator("section[aria-busy=false] table.trials").wait_for()
    page.locator("table.trials tbody button").first.click()
    page.locator("dialog[open] .trial-shares tr").first.wait_for()
