"""`make screenshots`: pictures of all pages in both themes, from the record of a real search.

make screenshots                           ten minutes of search at the first time, then three for the pictures
make screenshots ARGS="--only campaign"    one page again
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
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
from search_space.atomic_file import write_atomically
from search_space.data_dir import data_dir
from search_space.terminal import print_text
from tools.pages.browser import chromium
from tools.pages.camera import Camera
from tools.pages.picture_list import WITHOUT_RECORD, Picture, chosen, pictures
from tools.pages.pictures import SUFFIX, small_picture
from tools.pages.record import made_record

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SHOWN_DATA_DIR, SHOWN_URL = "/srv/effspine", "http://127.0.0.1:8000"
"""What pictures show in the place of this machine's data directory and port."""

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
    with chromium() as browser, TemporaryDirectory() as empty:
        with _served(base) as (service, client):
            record = made_record(service, client)
            wanted = chosen([*pictures(record), *WITHOUT_RECORD], only or ())
            _take(browser, service, [each for each in wanted if each not in WITHOUT_RECORD], record.now, out)
        if of_empty := [each for each in wanted if each in WITHOUT_RECORD]:
            with _served(Path(empty)) as (service, _):
                _take(browser, service, of_empty, record.now, out)


@contextmanager
def _served(base: Path) -> Iterator[tuple[ChildService, Client]]:
    """A service with this data directory, which is ready, and its client."""
    settings = settings_of(
        data_dir=base, database_url=sqlite_url(base / DATABASE_FILE), host=DEFAULT_HOST, port=free_port()
    )
    with ChildService(settings) as service, Client(settings.url) as client:
        service.wait_until_ready(client)
        yield service, client


def _take(browser: Browser, service: ChildService, wanted: Sequence[Picture], now: datetime, out: Path) -> None:
    """Takes these pictures, and removes parts that their pages have no longer."""
    settings = service.settings
    camera = Camera(browser, settings.url, {str(settings.data_dir): SHOWN_DATA_DIR, settings.url: SHOWN_URL}, now)
    for picture in wanted:
        written = set()
        for part, theme, screenshot in camera.take(picture):
            path = out / file_name(picture.name, part, theme)
            content = small_picture(screenshot)
            write_atomically(path, content)
            written.add(path)
            print_text(f"{path} {len(content) / 1000:.0f} kB")
        for path in set(out.glob(file_name(picture.name, "[0-9]", "*"))) - written:
            path.unlink()


def file_name(name: str, part: int | str, theme: str) -> str:
    """The name of a file; that of a page's first part has no number."""
    return f"{name}-{theme}.{SUFFIX}" if part == 1 else f"{name}-{part}-{theme}.{SUFFIX}"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], app, "make screenshots"))
