"""The pages that are measured, and what is done with each as a user would."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from nas_controller.campaigns.policy_history import MAX_REPLAYED
from tools.pages.measure import PageToMeasure

_DRAGGED_PX = 80
_SLIDER_STEPS = 5


def campaign_page(campaign_id: str, trials: int) -> PageToMeasure:
    """The page of a campaign, useful once its headline and the rewards are shown.

    It has a slider over the policies of up to MAX_REPLAYED trials.
    """
    policy = {"move the policy slider": _slide} if trials <= MAX_REPLAYED else {}
    return PageToMeasure(
        path=f"/campaigns/{campaign_id}",
        wanted=(".headline dt + dd", ".charts figure:first-child .drawing svg"),
        interactions={
            "sort the table": _sort,
            "jump to a page": lambda page: _jump(page.locator(".pager input")),
            "open the drawer": _open_drawer,
            "close the drawer": lambda page: page.keyboard.press("Escape"),
            **policy,
            "brush the architectures": _brush,
        },
    )


def campaigns_page() -> PageToMeasure:
    """The list of campaigns, useful once its rows are shown."""
    return PageToMeasure(
        path="/",
        wanted=(".campaigns tbody td",),
        interactions={
            "sort the list": lambda page: page.locator(".campaigns th button", has_text="Best AP").click(),
            "jump to a page": lambda page: _jump(page.locator(".pager input")),
            "search": lambda page: page.locator("input[type=search]").press_sequentially("campaign 12", delay=40),
        },
    )


def _sort(page: Page) -> None:
    # With the rows in view: where nothing visible changes, Chromium paints no frame that an event could end with.
    page.locator("#trials-title").evaluate("(title) => title.scrollIntoView()")
    page.locator(".trials th[data-order=reward] button").click()


def _jump(field: Locator) -> None:
    field.fill("3")
    field.press("Enter")


def _open_drawer(page: Page) -> None:
    page.locator(".trials .as-link").first.click()
    page.locator(".trial-drawer .trial .card").first.wait_for()


def _slide(page: Page) -> None:
    slider = page.locator("#policy-at")
    slider.focus()
    for _ in range(_SLIDER_STEPS):
        slider.press("ArrowLeft")


def _brush(page: Page) -> None:
    page.get_by_role("heading", name="Architectures by reward").scroll_into_view_if_needed()
    lines = page.locator("svg:has([data-choices])")
    lines.wait_for()
    lines.scroll_into_view_if_needed()
    box = lines.bounding_box()
    assert box is not None  # it is shown
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + _DRAGGED_PX, steps=8)
    page.mouse.up()
