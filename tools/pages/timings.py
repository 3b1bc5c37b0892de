"""`make page-timings`: how fast the dashboard is at size, in Chromium, against its bars.

make page-timings                                                  5,000 and 100,000 trials, 1,000 campaigns
make page-timings ARGS="--trials 500 --large 0 --campaigns 100"     a quick look
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from playwright.sync_api import Browser

from api.cli.child_service import ChildService
from api.cli.main import run
from api.cli.serve import settings_of
from api.client import Client
from api.loopback import DEFAULT_HOST, free_port
from api.settings import DATABASE_FILE
from nas_controller.store.database_url import sqlite_url
from search_space.terminal import note, print_text
from tools.pages.bars import Row, missed, rows, table
from tools.pages.browser import chromium
from tools.pages.databases import filled
from tools.pages.interactions import campaign_page, campaigns_page
from tools.pages.measure import PageFigures, PageToMeasure, measure

LOADS = 5
BUSY_LOAD = 2.0
"""Above this load average a machine of two cores has other work, which the figures show too."""
_SAID_EVERY_SECONDS = 10.0

app = typer.Typer(add_completion=False)


@app.command()
def timings(
    trials: Annotated[int, typer.Option(min=100, help="Trials of the campaign whose page is measured.")] = 5_000,
    large: Annotated[int, typer.Option(min=0, help="Trials of a very long one; 0: none.")] = 100_000,
    campaigns: Annotated[int, typer.Option(min=100, help="Campaigns of the list, which has several pages.")] = 1_000,
    loads: Annotated[int, typer.Option(min=1, help="Cold loads of each page; medians are shown.")] = LOADS,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Keep the databases there for the next time.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the pages at size. Exit status 1 where a bar does not hold."""
    pages: dict[str, PageFigures] = {}
    very_long = f"campaign, {large:,} trials"
    before = os.getloadavg()[0]
    with TemporaryDirectory() as temporary, chromium() as browser:
        base = (directory or Path(temporary)).expanduser().absolute()
        with _served(base / f"trials-{trials}", trials, campaigns, loads, browser) as (campaign_id, measured):
            pages[f"campaign, {trials:,} trials"] = measured(campaign_page(campaign_id, trials))
            pages[f"list, {campaigns:,} campaigns"] = measured(campaigns_page())
        if large:
            with _served(base / f"trials-{large}", large, 1, loads, browser) as (campaign_id, measured):
                pages[very_long] = measured(campaign_page(campaign_id, large))
    found = rows(pages, usable=[very_long])
    if as_json:
        sys.stdout.write(json.dumps(document(found, before), indent=2) + "\n")
    else:
        print_text(table(found))
        print_text(f"{os.cpu_count()} processors; load average {before:.1f} before")
    if before > BUSY_LOAD:
        note(f"the load average was {before:.1f}: other work has slowed the pages down")
    if missed(found):
        raise typer.Exit(1)


def document(found: list[Row], load: float) -> dict[str, object]:
    """The figures as one JSON document."""
    return {
        "processors": os.cpu_count(),
        "load_average": load,
        "figures": [{**row._asdict(), "holds": row.holds} for row in found],
    }


@contextmanager
def _served(
    data_dir: Path, trials: int, campaigns: int, loads: int, browser: Browser
) -> Iterator[tuple[str, Callable[[PageToMeasure], PageFigures]]]:
    """A service with a filled database: its longest campaign, and a function that measures one of its pages."""
    record = filled(data_dir, trials, campaigns, _progress(trials))
    settings = settings_of(
        data_dir=data_dir, database_url=sqlite_url(data_dir / DATABASE_FILE), host=DEFAULT_HOST, port=free_port()
    )
    with ChildService(settings) as child, Client(settings.url) as client:
        child.wait_until_ready(client)
        yield record.campaign_id, lambda page: measure(browser, settings.url, page, loads)


def _progress(trials: int) -> Callable[[int], None]:
    """Says now and then how many trials were written."""
    written, said = 0, time.monotonic()

    def advance(count: int) -> None:
        nonlocal written, said
        written += count
        if time.monotonic() - said > _SAID_EVERY_SECONDS:
            said = time.monotonic()
            note(f"filling the database of {trials:,} trials: {written:,} written")

    return advance


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], app, "make page-timings"))
