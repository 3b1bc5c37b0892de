"""Takes the pictures of a page: waits until it has drawn all of itself, and cuts it into parts, in each theme."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from playwright.sync_api import Browser, FloatRect, Page, Route

from tools.pages.browser import SETTLED, UNCHANGING
from tools.pages.parts import LAYOUT, Layout, parts
from tools.pages.picture_list import Picture

Theme = Literal["light", "dark"]
_WAIT_MS = 120_000
_REPLAYED = (
    """() => ![...document.querySelectorAll(".placeholder")].some((each) => each.textContent.startsWith("Replaying"))"""
)
"""Whether no figure waits for a replay of its search."""
_DECODED = "() => Promise.all([...document.images].map((image) => image.decode().catch(() => null)))"


class Taken(NamedTuple):
    """A screenshot, and which part of its page it is, from 1 on."""

    part: int
    theme: Theme
    screenshot: bytes


class Camera:
    """Takes pictures of the service at `url` at the time `now`; its responses have the texts of `replaced` instead."""

    def __init__(self, browser: Browser, url: str, replaced: dict[str, str], now: datetime) -> None:
        self._browser = browser
        self._url = url
        self._replaced = replaced
        self._now = now

    def take(self, picture: Picture) -> Iterator[Taken]:
        """All parts in all themes. Raises playwright's TimeoutError for a page that does not show what it should."""
        with self._opened(picture) as page:
            _draw_all(page, picture)
            if picture.act is not None:
                picture.act(page)
            layout = Layout(**page.evaluate(LAYOUT))
            for theme in get_args(Theme):
                page.emulate_media(color_scheme=theme)
                page.wait_for_function(UNCHANGING)
                if picture.act is not None:
                    yield Taken(1, theme, page.screenshot())
                    continue
                for part, (top, bottom) in enumerate(parts(layout, picture.parts), start=1):
                    clip: FloatRect = {"x": 0, "y": top, "width": picture.size["width"], "height": bottom - top}
                    yield Taken(part, theme, page.screenshot(full_page=True, clip=clip))

    @contextmanager
    def _opened(self, picture: Picture) -> Iterator[Page]:
        context = self._browser.new_context(
            viewport=picture.size, base_url=self._url, locale="en-GB", timezone_id="UTC", color_scheme="light"
        )
        try:
            page = context.new_page()
            page.set_default_timeout(_WAIT_MS)
            page.clock.set_fixed_time(self._now)
            page.route("**/*", self._neutral)
            page.goto(picture.path)
            page.locator(picture.shows).first.wait_for()
            yield page
            page.unroute_all(behavior="ignoreErrors")  # a page polls until it is closed
        finally:
            context.close()

    def _neutral(self, route: Route) -> None:
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
        for found, shown in self._replaced.items():
            text = text.replace(found, shown)
        route.fulfill(response=response, body=text)


def _draw_all(page: Page, picture: Picture) -> None:
    """Waits until the page has drawn what it draws as it comes into view, in a window as high as the page."""
    height = 0
    while height != (height := page.evaluate("document.documentElement.scrollHeight")):
        page.set_viewport_size({"width": picture.size["width"], "height": height})
        for condition in (SETTLED, _REPLAYED, SETTLED):
            page.wait_for_function(condition)
        page.evaluate(_DECODED)
    page.set_viewport_size(picture.size)
