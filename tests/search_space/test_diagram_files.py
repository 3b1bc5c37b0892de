"""A block diagram as a file: white paper, a caption, and the totals of each level; and what a page has instead."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from search_space.cost import cost_report
from search_space.diagram.drawing import Caption, block_diagram
from search_space.diagram.layout import layout
from search_space.diagram.levels import level_totals
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.topology import BLOCKS
from tests.support.paths import ROOT

SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption("digits: trial 4 beside the uniform baseline", "AP 0.329 in the search; budget 2,275.0 M multi-adds")


def texts_of(drawing: str) -> list[str]:
    """The texts of a drawing, in their order."""
    return [text.text or "" for text in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def test_a_file_is_white_paper_and_has_no_style_sheet() -> None:
    text = block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0)
    assert not re.search(r"<script|<style|@media|href|url\(|@font-face|@import", text)
    assert text.count("http") == 1
    root = ElementTree.fromstring(text)
    paper = next(root.iter(f"{SVG}rect"))
    assert (paper.attrib["fill"], paper.attrib["x"], paper.attrib["y"]) == ("#ffffff", "0", "0")
    assert [root.attrib["width"], root.attrib["height"]] == [paper.attrib["width"], paper.attrib["height"]]


def test_on_a_page_it_has_no_background_and_follows_the_theme() -> None:
    root = ElementTree.fromstring(block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0, style="page"))
    assert not [rect for rect in root.iter(f"{SVG}rect") if rect.get("class") == "paper"]
    (style,) = root.iter(f"{SVG}style")
    rules = (style.text or "").strip()
    assert rules.startswith("@media (prefers-color-scheme: dark) {")
    assert rules.count("@media") == 1
    assert rules.count("{") == rules.count("}")
    assert rules.endswith("}\n}")


def test_the_caption_is_the_title_and_stands_above_the_drawing() -> None:
    drawing = block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0, caption=CAPTION)
    assert ElementTree.fromstring(drawing).findtext(f"{SVG}title") == CAPTION.title
    assert texts_of(drawing)[:2] == [CAPTION.title, CAPTION.facts]
    assert CAPTION.title not in texts_of(block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0))


def test_the_levels_add_up_and_are_compared_with_the_baseline() -> None:
    own, other = (level_totals(panel) for panel in layout(EFF_SPINENET_D0, SP_EFFICIENTNET_B0).panels)
    cost = cost_report(EFF_SPINENET_D0)
    assert [each.name for each in own] == [*(f"L{level}" for level in range(1, 8)), "stem, head", "all"]
    assert sum(each.madds for each in own[:-1]) == own[-1].madds == cost.madds
    assert own[3].madds == sum(each.madds for block, each in zip(BLOCKS, cost.blocks, strict=True) if block.level == 4)
    rows = texts_of(block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0))
    start = rows.index("level") + 1
    assert rows[start : start + 9] == [each.name for each in own]
    start = rows.index("in (a), M") + 1
    assert rows[start : start + 9] == [f"{each.madds / 1e6:,.1f}" for each in own]
    start = rows.index("change, points", start) + 1
    changes = [100 * (one.share - another.share) for one, another in zip(own, other, strict=True)]
    shown = [float(text.replace("\N{MINUS SIGN}", "-")) for text in rows[start : start + 9]]
    assert shown == pytest.approx(changes, abs=0.051)
    assert changes[3] > 5


def test_the_drawing_in_the_documentation_is_that_of_this_code() -> None:
    drawn = (ROOT / "docs" / "eff-spinenet-d0.svg").read_text(encoding="utf-8")
    assert drawn == block_diagram(EFF_SPINENET_D0, replace(SP_EFFICIENTNET_B0, input_px=EFF_SPINENET_D0.input_px))
