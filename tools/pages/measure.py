"""Measures a page in Chromium: cold loads, and how long the page takes to show the effect of an interaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, Request

from tools.pages.browser import DESK

_OBSERVERS = Path(__file__).with_name("observers.js")
_SETTLE_MS = 1_500
"""After a load or an interaction, for what follows from it."""
_WAIT_MS = 120_000
_MEGABYTE = 2**20

Interaction = Callable[[Page], None]


class Load(NamedTuple):
    """One cold load; times in ms since its start. `long_task` is the longest task after `useful`, the interactions
    included."""

    first_paint: float
    useful: float
    long_task: float
    requests: int
    kilobytes: float
    heap_mb: float


class PageFigures(NamedTuple):
    """The medians of some cold loads, and the longest event of each interaction in ms."""

    load: Load
    interactions: dict[str, float]


class PageToMeasure(NamedTuple):
    """A page: its path, the elements that make its first useful paint, and what is done with it, in this order."""

    path: str
    wanted: tuple[str, ...]
    interactions: dict[str, Interaction]


def measure(browser: Browser, url: str, page: PageToMeasure, loads: int) -> PageFigures:
    """Loads a page so many times, each with an empty cache, and interacts with it after the last load."""
    found: list[Load] = []
    events: dict[str, float] = {}
    for number in range(loads):
        context = browser.new_context(viewport=DESK, base_url=url)
        try:
            opened, load = _cold_load(context, page)
            found.append(load)
            if number == loads - 1:
                events = {name: _event_ms(opened, act) for name, act in page.interactions.items()}
                found[-1] = load._replace(long_task=max(load.long_task, _long_task(opened)))
        finally:
            context.close()
    return PageFigures(medians(found), events)


def medians(loads: Sequence[Load]) -> Load:
    """The median of each figure, but the longest of all tasks after a load."""
    middle = Load(*(median(column) for column in zip(*loads, strict=True)))
    return middle._replace(long_task=max(load.long_task for load in loads))


def _cold_load(context: BrowserContext, page: PageToMeasure) -> tuple[Page, Load]:
    context.add_init_script(f"window.wanted = {json.dumps(page.wanted)};\n{_OBSERVERS.read_text(encoding='utf-8')}")
    opened = context.new_page()
    opened.set_default_timeout(_WAIT_MS)
    requests: list[Request] = []
    opened.on("requestfinished", lambda request: requests.append(request))
    opened.goto(page.path)
    opened.locator("html[data-is-useful]").wait_for(state="attached")  # the page allows no eval, so no function
    opened.wait_for_timeout(_SETTLE_MS)
    received = sum(_bytes(request) for request in requests)
    load = Load(
        first_paint=opened.evaluate("window.measured.paints['first-contentful-paint']"),
        useful=opened.evaluate("window.measured.useful"),
        long_task=_long_task(opened),
        requests=len(requests),
        kilobytes=received / 1000,
        heap_mb=opened.evaluate("performance.memory.usedJSHeapSize") / _MEGABYTE,
    )
    return opened, load


def _long_task(page: Page) -> float:
    """The longest task since the first useful paint, in ms; 0 where all were shorter than 50 ms."""
    longest: float = page.evaluate(
        "Math.max(0, ...measured.longTasks.filter(({ startTime }) => startTime >= measured.useful)"
        ".map(({ duration }) => duration))"
    )
    return longest


def _event_ms(page: Page, act: Interaction) -> float:
    """The time from the slowest event of an interaction to the paint that follows it; 0 where all were below 16 ms.

    An event after which nothing visible changes is not paired with the paint of a later interaction.
    """
    began = page.evaluate("performance.now()")
    act(page)
    page.wait_for_timeout(_SETTLE_MS)
    slowest: float = page.evaluate(
        "(began) => Math.max(0, ...measured.events.filter(({ startTime }) => startTime >= began)"
        ".map(({ duration }) => duration))",
        began,
    )
    return slowest


def _bytes(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]
