"""Files that a page downloads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page


def downloaded(page: Page, act: Callable[[], None], directory: Path) -> bytes:
    """The content of the file whose download `act` begins."""
    with page.expect_download() as download:
        act()
    path = directory / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_bytes()
