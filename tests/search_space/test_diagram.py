"""The block diagram matches topology and cost, is legible for any widths, and escapes any name."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from search_space.architecture import Architecture
from search_space.cost import cost_report
from search_space.diagram.drawing import Caption, block_diagram
from search_space.diagram.layout import SMALLEST, layout
from search_space.diagram.routes import heights_at
from search_space.diagram.style import TONES
from search_space.published import EFF_SPINENET_D0, EFF_SPINENETS, SP_EFFICIENTNET_B0
from search_space.topology import BLOCKS, DANGLING_INTO

SVG = "{http://www.w3.org/2000/svg}"

NARROW = (8,) * 18
EXTREME = {
    "one block at half": Architecture(widths=(*NARROW[:6], 264, *NARROW[7:]), name="W" * 90),
    "one block at nine tenths": Architecture(widths=(*NARROW[:7], 4096, *NARROW[8:])),
    "widest": Architecture(widths=(4096,) * 18, input_px=4096),
    "narrowest": Architecture(widths=NARROW, input_px=64),
    "many repeats": Architecture(widths=(8, 4096) * 9, repeats=(100,) * 18),
    "deep": EFF_SPINENETS["D4"],
    "two neighbours": Architecture(widths=(8, 152, 200, 152, *NARROW[4:])),
}
CAPTION = Caption("digits: trial 4 beside the uniform baseline", "AP 0.329 in the search; budget 2,275.0 M multi-adds")
Box = tuple[float, float, float, float]


def random_architectures(count: int) -> list[Architecture]:
    """Random architectures, the same in every call."""
    draw = random.Random(7)
    return [
        Architecture(
            widths=tuple(draw.choice((8, 16, 24, 48, 96, 152, 400, 1024)) for _ in BLOCKS),
            repeats=tuple(draw.choice((1, 1, 2, 12)) for _ in BLOCKS),
        )
        for _ in range(count)
    ]


@cache
def drawing(architecture: Architecture, baseline: Architecture | None = SP_EFFICIENTNET_B0) -> ElementTree.Element:
    """The diagram as a tree of elements; the cache does not distinguish architectures that differ in name only."""
    return ElementTree.fromstring(block_diagram(architecture, baseline, caption=CAPTION))


def block_groups(root: ElementTree.Element) -> list[ElementTree.Element]:
    """The groups of the blocks, panel by panel."""
    return [group for group in root.iter(f"{SVG}g") if "data-block" in group.attrib]


def rectangle(group: ElementTree.Element) -> ElementTree.Element:
    """The only rectangle of a block."""
    (found,) = group.iter(f"{SVG}rect")
    return found


def box_of(rect: ElementTree.Element) -> Box:
    """Left, top, right, bottom."""
    x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def relative_width(text: str) -> float:
    """The approximate width of a text in Helvetica, relative to the font size."""
    return sum(
        0.28 if letter in "ijlIft.,:;'|()!/ " else 0.9 if letter in "mwMW…" else 0.68 if letter.isupper() else 0.55
        for letter in text
    )


def text_boxes(root: ElementTree.Element) -> list[tuple[str, Box]]:
    """Every text with its approximate bounding box."""
    found = []
    for text in root.iter(f"{SVG}text"):
        size, x, y = (float(text.attrib[name]) for name in ("font-size", "x", "y"))
        content = text.text or ""
        width = relative_width(content) * size
        left = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor", "start")]
        found.append((content, (left, y - 0.72 * size, left + width, y)))
    return found


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have an area in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def drawn_edges(root: ElementTree.Element) -> list[tuple[str, str, bool]]:
    """Parent, child and whether dashed, panel by panel."""
    return [
        (path.attrib["data-from"], path.attrib["data-to"], "stroke-dasharray" in path.attrib)
        for path in root.iter(f"{SVG}path")
        if "data-from" in path.attrib
    ]


def test_both_architectures_are_drawn_block_by_block_with_their_widths() -> None:
    groups = block_groups(drawing(EFF_SPINENET_D0))
    assert [group.attrib["data-block"] for group in groups] == 2 * [str(block.number) for block in BLOCKS]
    labels = [next(group.iter(f"{SVG}text")).text for group in groups]
    assert labels == [str(width) for width in (*EFF_SPINENET_D0.widths, *SP_EFFICIENTNET_B0.widths)]


def test_blocks_are_in_order_and_by_level_at_equal_positions_in_both_panels() -> None:
    boxes = [box_of(rectangle(group)) for group in block_groups(drawing(EFF_SPINENET_D0))]
    centres = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in boxes]
    for panel in (centres[:18], centres[18:]):
        assert [x for x, _ in panel] == sorted(x for x, _ in panel)
        by_height = sorted(zip(BLOCKS, panel, strict=True), key=lambda pair: (-pair[0].level, pair[0].number))
        heights = [round(y, 1) for _, (_, y) in by_height]
        assert heights == sorted(heights)
        assert len(set(heights)) == len({block.level for block in BLOCKS})
    drops = {round(below[1] - above[1], 1) for above, below in zip(centres[:18], centres[18:], strict=True)}
    assert len(drops) == 1
    assert drops.pop() > 0
    assert [x for x, _ in centres[:18]] == pytest.approx([x for x, _ in centres[18:]], abs=0.02)


@pytest.mark.parametrize("architecture", [EFF_SPINENET_D0, EXTREME["one block at half"], EXTREME["deep"]])
def test_areas_are_proportional_to_shares_above_the_smallest_area(architecture: Architecture) -> None:
    groups = block_groups(drawing(architecture))
    blocks = []
    for each, drawn in zip((architecture, SP_EFFICIENTNET_B0), (groups[:18], groups[18:]), strict=True):
        cost = cost_report(each)
        shares = [block.madds / cost.madds for block in cost.blocks]
        blocks += list(zip(shares, (box_of(rectangle(group)) for group in drawn), strict=True))
    areas = [(share, (right - left) * (bottom - top)) for share, (left, top, right, bottom) in blocks]
    smallest = SMALLEST[0] * SMALLEST[1]
    larger = [(share, area) for share, area in areas if area > 1.02 * smallest]
    scale = max(area for _, area in larger) / max(share for share, _ in larger)
    for share, area in larger:
        assert area == pytest.approx(scale * share, rel=0.005)
    for share, area in areas:
        if area <= 1.02 * smallest:
            assert area == pytest.approx(smallest, rel=0.03)
            assert scale * share <= 1.02 * smallest


def test_edges_are_those_of_the_topology() -> None:
    wanted = [(str(parent), str(block.number), False) for block in BLOCKS for parent in block.parents]
    wanted += [(str(parent), str(block), True) for block, parents in DANGLING_INTO.items() for parent in parents]
    wanted += [(str(block.number), f"P{block.level}", False) for block in BLOCKS if block.is_endpoint]
    edges = drawn_edges(drawing(EFF_SPINENET_D0))
    assert sorted(edges) == sorted(2 * wanted)
    half = len(edges) // 2
    assert edges[:half] == edges[half:]


@pytest.mark.parametrize(
    "architecture", [EFF_SPINENET_D0, *EXTREME.values(), *random_architectures(4)], ids=lambda each: each.name[:12]
)
def test_edges_avoid_all_other_blocks(architecture: Architecture) -> None:
    figure = layout(architecture, SP_EFFICIENTNET_B0)
    by_number = [{shape.block.number: shape.cell for shape in panel.shapes} for panel in figure.panels]
    for edge in figure.edges:
        xs = [x for x, _ in edge.points]
        assert xs == sorted(xs)
        heights = heights_at(edge.points, np.linspace(xs[0], xs[-1], 200))
        assert heights.min() >= 0
        assert heights.max() <= figure.height
        for cells in by_number:
            assert edge.parent == 0 or edge.points[0][1] == cells[edge.parent].y
            assert edge.child is None or edge.points[-1][1] == cells[edge.child].y
            for cell in (cells[number] for number in range(edge.parent + 1, edge.child or len(BLOCKS) + 1)):
                crossing = heights_at(edge.points, np.linspace(cell.x - cell.half_width, cell.x + cell.half_width, 31))
                assert np.all((crossing <= cell.y - cell.above) | (crossing >= cell.y + cell.below)), (edge, cell)


@pytest.mark.parametrize("architecture", EXTREME.values(), ids=EXTREME)
@pytest.mark.parametrize("baseline", [None, EXTREME["many repeats"]], ids=["no baseline", "baseline with many repeats"])
def test_nothing_overlaps_and_nothing_is_cut_off(architecture: Architecture, baseline: Architecture | None) -> None:
    root = drawing(architecture, baseline)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    rectangles = [box_of(rectangle(group)) for group in block_groups(root)]
    assert not [pair for pair in combinations(rectangles, 2) if overlap(*pair)]
    texts = text_boxes(root)
    assert not [(one, other) for (one, box), (other, second) in combinations(texts, 2) if overlap(box, second)]
    for left, top, right, bottom in (*rectangles, *(box for _, box in texts)):
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    # A text is either a note inside a block or clear of all blocks.
    for content, box in texts:
        for rect in rectangles:
            inside = rect[0] <= box[0] and box[2] <= rect[2] and rect[1] <= box[1] and box[3] <= rect[3]
            assert inside or not overlap(box, rect), content


def test_repeats_and_endpoints_are_marked() -> None:
    texts = {
        group.attrib["data-block"]: [text.text for text in group.iter(f"{SVG}text")]
        for group in block_groups(drawing(EFF_SPINENETS["D2"]))[:18]
    }
    for block, repeats in zip(BLOCKS, EFF_SPINENETS["D2"].repeats, strict=True):
        noted = [f"\N{MULTIPLICATION SIGN}{repeats}"] if repeats > 1 else []
        assert texts[str(block.number)][1:] == [str(block.number), *noted]
    for group, block in zip(block_groups(drawing(EFF_SPINENET_D0)), 2 * BLOCKS, strict=True):
        assert ("endpoint" in rectangle(group).attrib["class"].split()) == block.is_endpoint


def test_the_colour_shows_the_change_of_the_share() -> None:
    reports = [cost_report(each) for each in (EFF_SPINENET_D0, SP_EFFICIENTNET_B0)]
    shares = [[block.madds / report.madds for block in report.blocks] for report in reports]
    fills = [rectangle(group).attrib["fill"] for group in block_groups(drawing(EFF_SPINENET_D0))]
    order = [tone.fill for tone in TONES]
    ranked = sorted((own - other, order.index(fill)) for own, other, fill in zip(*shares, fills, strict=False))
    tones = [tone for _, tone in ranked]
    assert tones == sorted(tones)
    assert (tones[0], tones[-1]) == (0, len(order) - 1)
    assert not set(fills[18:]) & set(order)


@pytest.mark.parametrize("baseline", [None, replace(EFF_SPINENET_D0, name="the same under another name")])
def test_without_a_baseline_there_is_one_panel(baseline: Architecture | None) -> None:
    root = drawing(EFF_SPINENET_D0, baseline)
    assert len(block_groups(root)) == len(BLOCKS)
    assert not {tone.name for tone in TONES} & {word for each in root.iter() for word in each.get("class", "").split()}
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "Eff-SpineNet-D0" in texts
    assert not [text for text in texts if "(b)" in (text or "")]


def test_titles_have_names_and_costs() -> None:
    texts = [text.text or "" for text in drawing(EFF_SPINENETS["D1"]).iter(f"{SVG}text")]
    cost = cost_report(EFF_SPINENETS["D1"])
    assert "(a) Eff-SpineNet-D1" in texts
    assert "(b) SP-EfficientNet-B0" in texts
    facts = texts[texts.index("(a) Eff-SpineNet-D1") + 1]
    assert facts.startswith(f"{cost.madds / 1e6:,.0f} M multi-adds, {cost.params / 1e6:.2f} M parameters, 640 ")
    assert "320 \N{MULTIPLICATION SIGN} 320" in texts
    assert "256 \N{MULTIPLICATION SIGN} 256" in texts


def test_it_has_a_title_and_a_description_for_screen_readers() -> None:
    root = drawing(EFF_SPINENET_D0)
    assert root.attrib["role"] == "img"
    title, about = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert about is not None
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {about.attrib['id']}"
    assert title.text == CAPTION.title
    for architecture in (EFF_SPINENET_D0, SP_EFFICIENTNET_B0):
        assert ", ".join(str(width) for width in architecture.widths) in (about.text or "")


def test_names_are_escaped() -> None:
    name = "<b>&amp; \"'\x00\ud800 ]]>"
    root = ElementTree.fromstring(block_diagram(replace(EFF_SPINENET_D0, name=name), SP_EFFICIENTNET_B0))
    plain = ElementTree.fromstring(block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0))
    assert [each.tag for each in root.iter()] == [each.tag for each in plain.iter()]
    shown = name.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert f"(a) {shown}" in [text.text for text in root.iter(f"{SVG}text")]


def test_the_same_architectures_give_the_same_text_in_another_process() -> None:
    code = (
        "import sys; from search_space.diagram.drawing import block_diagram; from search_space.published import *; "
        "sys.stdout.buffer.write(block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0).encode())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "11", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment, timeout=120)
    assert done.stdout.decode() == block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0)
