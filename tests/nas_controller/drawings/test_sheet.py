"""A figure is a fragment for the page or a file that is readable anywhere; texts of users are escaped."""

from __future__ import annotations

import re
from datetime import date

import pytest

from api.http.routes.dashboard import STATIC_DIR
from nas_controller.campaigns.figure_data import Progress
from nas_controller.drawings.progress import progress
from nas_controller.drawings.sheet import Heading, Sheet, attribute, shortened
from nas_controller.drawings.style import ROLES
from tests.support.drawn_figures import Drawn

FIGURE = Progress([0, 1], [0.3, 0.31], [0.3, 0.31], [False, False], [0.3, 0.305], 20, 0.3, 2)
NAME = 'a <b> & "c" \u202e\x07'


def test_a_file_has_white_paper_and_a_title_that_names_figure_campaign_and_day() -> None:
    drawn = Drawn(progress(FIGURE, Sheet(900, Heading(NAME, date(2026, 11, 3)))))
    first = next(element for element in drawn.root.iter() if element.get("class"))
    assert (first.tag[-4:], first.get("fill"), first.get("width")) == ("rect", "#ffffff", "900")
    assert first.get("height") == drawn.root.get("height")
    assert drawn.texts()[:2] == ["AP by trial", 'a <b> & "c" \\u202e\\x07 · 3 November 2026']
    assert drawn.named("title") == 'AP by trial: a <b> & "c" \\u202e\\x07'
    assert "font-family" in drawn.root.attrib


def test_a_fragment_has_neither_but_texts_for_screen_readers() -> None:
    svg = progress(FIGURE, Sheet(900))
    drawn = Drawn(svg)
    assert "paper" not in drawn.roles()
    assert "AP by trial" not in drawn.texts()
    assert drawn.named("title") == "AP by trial"
    assert "best 0.310, baseline 0.300" in drawn.named("desc")
    title, about = (element.get("id") for element in drawn.root.iter() if element.tag[-5:] in ("title", "}desc"))
    assert (drawn.root.get("aria-labelledby"), drawn.root.get("aria-describedby")) == (title, about)
    assert drawn.root.get("role") == "img"


@pytest.mark.parametrize("sheet", [Sheet(900), Sheet(320, Heading("x" * 100, date(2026, 1, 1)))])
def test_a_drawing_has_no_style_attribute_script_or_address(sheet: Sheet) -> None:
    svg = progress(FIGURE, sheet).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"\sstyle=|<style|<script|href|://", svg)


def test_long_names_are_shortened() -> None:
    drawn = Drawn(progress(FIGURE, Sheet(320, Heading("x" * 100, date(2026, 1, 1)))))
    assert drawn.texts()[1].endswith("x… · 1 January 2026")
    assert drawn.outside() == []
    assert shortened("short", 300) == "short"


def test_attributes_have_no_markup() -> None:
    assert attribute('"<&>"') == "&quot;&lt;&amp;&gt;&quot;"


def test_the_page_colours_every_role_and_no_other() -> None:
    style = (STATIC_DIR / "drawings.css").read_text(encoding="utf-8")
    assert set(re.findall(r"\.f-([a-z0-9-]+)", style)) == set(ROLES)
    colours = (STATIC_DIR / "page.css").read_text(encoding="utf-8") + style
    assert set(re.findall(r"var\((--[a-z0-9-]+)\)", style)) <= set(re.findall(r"(--[a-z0-9-]+):", colours))
