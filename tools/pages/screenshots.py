"""`make screenshots`: pictures of all pages in both themes, from the record of a real search.

make screenshots                           ten minutes of search at the first time, then two for the pictures
make screenshots ARGS="--only campaign"    one page again
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import typer
from playwright.sync_api import Browser, Page, Route, ViewportSize

from api.cli.child_service import ChildService
from api.cli.main import run
from api.cli.serve import settings_of
from api.client import Client
from api.settings import DATABASE_FILE, DEFAULT_HOST
from nas_controller.store.database_url import sqlite_url
from search_space.atomic_file import write_atomically
from search_space.data_dir import data_dir
from search_space.errors import InvalidValueError
from search_space.terminal import print_text
from tools.pages.browser import DESK, PHONE, chromium
from tools.pages.pictures import SUFFIX, small_picture
from tools.pages.ports import free_port
from tools.pages.record import Record, made_record

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SHOWN_DATA_DIR, SHOWN_URL = "/srv/effspine", "http://127.0.0.1:8000"
"""What pictures show in the place of this machine's data directory and port."""
MAX_HEIGHT_PX = 1_900
"""Of a picture; a longer page is cut below the last of its parts that ends before."""
_CUT = """(limit) => {
  const whole = document.documentElement.scrollHeight;
  if (whole <= limit) return whole;
  const parts = "main .card, main .headline, main .banner, main tr, main figure, main img, main .opblock";
  const bottoms = [...document.querySelectorAll(parts)]
    .map((part) => Math.ceil(part.getBoundingClientRect().bottom + scrollY + 16)).filter((bottom) => bottom <= limit);
  return Math.max(600, ...bottoms);
}"""
_SETTLE_MS = 1_500
_WAIT_MS = 120_000
_SCROLL_PX = 600

Theme = Literal["light", "dark"]


class Picture(NamedTuple):
    """A page in a window of some size; the file is named after it."""

    name: str
    path: str
    size: ViewportSize = DESK


def pictures(record: Record) -> list[Picture]:
    """The pages, and three of them on a phone."""
    campaign = f"/campaigns/{record.campaign.id}"
    trial = f"{campaign}/trials/{record.best}"
    compared = ",".join(f"{record.campaign.id}:{number}" for number in (record.best, record.campaign.best_trial, 0))
    return [
        Picture("campaigns", "/"),
        Picture("new-campaign", f"/campaigns/new?from={record.campaign.id}"),
        Picture("campaign", campaign),
        Picture("trial", trial),
        Picture("compare", f"/compare?trials={compared}"),
        Picture("trainings", "/trainings"),
        Picture("training", f"/trainings/{record.training.id}"),
        Picture("dataset", "/datasets/digits"),
        Picture("api", "/docs"),
        Picture("login", "/login"),
        Picture("not-found", "/campaigns/c_none"),
        Picture("campaigns-phone", "/", PHONE),
        Picture("campaign-phone", campaign, PHONE),
        Picture("trial-phone", trial, PHONE),
    ]


app = typer.Typer(add_completion=False)


@app.command()
def screenshots(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory of the pictures.")] = IMAGES,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="The search and its data; default: in the data directory."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Names of pages; default: all.")] = None,
) -> None:
    """Take pictures of the pages. The search that they show is run at the first time, and resumed if interrupted."""
    base = (directory or data_dir() / "screenshots").expanduser().absolute()
    settings = settings_of(
        data_dir=base, database_url=sqlite_url(base / DATABASE_FILE), host=DEFAULT_HOST, port=free_port()
    )
    with ChildService(settings) as service, Client(settings.url) as client, chromium() as browser:
        service.wait_until_ready(client)
        record = made_record(service, client)
        for picture in chosen(pictures(record), only or ()):
            for theme in get_args(Theme):
                taken = small_picture(_taken(browser, settings.url, base, picture, theme, record.now))
                path = out / f"{picture.name}-{theme}.{SUFFIX}"
                write_atomically(path, taken)
                print_text(f"{path} {len(taken) / 1000:.0f} kB")


def chosen(every: Sequence[Picture], names: Sequence[str]) -> list[Picture]:
    """Those of the names, or all without any. Raises InvalidValueError for a name that there is not."""
    known = [picture.name for picture in every]
    for name in names:
        if name not in known:
            raise InvalidValueError(f"there is no page {name!r}; there are: {', '.join(known)}", field="only")
    return [picture for picture in every if not names or picture.name in names]


def _taken(browser: Browser, url: str, data_directory: Path, picture: Picture, theme: Theme, now: datetime) -> bytes:
    context = browser.new_context(
        viewport=picture.size, color_scheme=theme, base_url=url, locale="en-GB", timezone_id="UTC"
    )
    try:
        page = context.new_page()
        page.set_default_timeout(_WAIT_MS)
        page.clock.set_fixed_time(now)
        page.route("**/*", lambda route: _neutral(route, {str(data_directory): SHOWN_DATA_DIR, url: SHOWN_URL}))
        page.goto(picture.path)
        _settle(page)
        height = page.evaluate(_CUT, MAX_HEIGHT_PX)
        return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": picture.size["width"], "height": height})
    finally:
        context.close()


def _neutral(route: Route, replaced: dict[str, str]) -> None:
    """Passes on a response without the names of this machine."""
    kind = route.request.resource_type
    if kind not in ("document", "fetch"):  # streams of events do not end
        route.continue_()
        return
    response = route.fetch(max_redirects=0)
    if "text" not in (media := response.headers.get("content-type", "")) and "json" not in media:
        route.fulfill(response=response)
        return
    text = response.text()
    for found, shown in replaced.items():
        text = text.replace(found, shown)
    route.fulfill(response=response, body=text)


def _settle(page: Page) -> None:
    """Waits until the page has drawn what it draws as it is scrolled into view."""
    page.wait_for_timeout(_SETTLE_MS)
    for y in _positions(page):
        page.evaluate(f"scrollTo(0, {y})")
        page.wait_for_timeout(_SETTLE_MS / 3)
    page.wait_for_timeout(_SETTLE_MS)
    page.evaluate("Promise.all([...document.images].map((image) => image.decode().catch(() => null)))")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(_SETTLE_MS / 3)


def _positions(page: Page) -> Iterator[int]:
    """From the top of the page to what a picture shows of it, in steps."""
    y = 0
    while y < min(MAX_HEIGHT_PX, page.evaluate("document.documentElement.scrollHeight")):
        yield y
        y += _SCROLL_PX


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], app, "make screenshots"))
