"""The block diagram of an architecture as an SVG document, beside the baseline's.

Blocks stand in their order from left to right, at the height of their level, coarse levels on top. The area of a
block is its share of the multi-adds of the whole network, and its colour how that share differs from the baseline's;
bars below compare the shares block by block (as Figure 3 of the paper does). All of it derives from the topology and
the counted cost. `search_space/diagram_layout.py` computes where the blocks and edges lie; this file draws them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from search_space.architecture import Architecture
from search_space.diagram.layout import (
    FULL_SHARE,
    LARGEST,
    NOTE_ROOM,
    OUTPUT_WIDTH,
    PITCH,
    SMALLEST,
    STEM,
    Edge,
    Layout,
    Panel,
    Shape,
    block_size,
    column_x,
    layout,
)
from search_space.diagram.routes import ARROW_PX, slopes
from search_space.diagram.style import FONT, MINUS, NOTE_SIZE, PLAIN, ROLES, TIMES, TONES, Tone, dark_style, tone_of
from search_space.topology import BLOCKS, STEM_LEVEL

WIDTH = column_x(len(BLOCKS) + 1) + 30.0
MARGIN = 10.0
TITLE = 34.0
GAP = 22.0
BARS = 78.0
BAR = 13.0
TABLE_ROW = 17.0
LEGEND = 70.0
KEY = 38.0
KEY_TEXT = 168.0
KEY_X = WIDTH - MARGIN - KEY_TEXT - KEY * len(TONES)
LONGEST_NAME = 40

LEGEND_TEXT = (
    f"Above a block: its output channels. In or below it: its number, {TIMES} how often it repeats. "
    "Thick outline: an output of the backbone. Dashed: added to the output of its level, since no block takes it."
)


def block_diagram(architecture: Architecture, baseline: Architecture | None) -> str:
    """An SVG document of the architecture, with the baseline below it unless that is None or the same architecture.

    It stands alone, without scripts or fonts of its own, on paper as on light and dark pages. The same architectures
    give the same text.
    """
    figure = layout(architecture, baseline)
    drawn: list[str] = []
    top = MARGIN
    for letter, panel in zip("ab", figure.panels, strict=False):
        drawn += _panel(figure, panel, letter if len(figure.panels) > 1 else "", top)
        top += TITLE + figure.height + GAP
    drawn += _bars(figure, top)
    top += TITLE + BARS + TABLE_ROW * (3 if len(figure.panels) > 1 else 2) + GAP
    drawn += _legend(figure, top)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(WIDTH)} {_n(top + LEGEND)}" '
            f'width="{_n(WIDTH)}" height="{_n(top + LEGEND)}" role="img" '
            f'aria-labelledby="block-diagram-title block-diagram-about" font-family="{FONT}">',
            f'<title id="block-diagram-title">{_safe(_title(figure))}</title>',
            f'<desc id="block-diagram-about">{_safe(_description(figure))}</desc>',
            f"<style>\n{dark_style()}\n</style>",
            *drawn,
            "</svg>",
            "",
        ]
    )


def _title(figure: Layout) -> str:
    return " beside ".join(panel.architecture.name for panel in figure.panels)


def _description(figure: Layout) -> str:
    """The figure in words, for those who do not see it."""
    sentences = []
    for panel in figure.panels:
        widths = ", ".join(str(width) for width in panel.architecture.widths)
        shares = ", ".join(f"{100 * shape.share:.1f}" for shape in panel.shapes)
        sentences.append(
            f"{panel.architecture.name}: {_facts(panel)}. Channels of blocks 1 to {len(BLOCKS)}: {widths}. "
            f"Their shares of the multi-adds in percent: {shares}."
        )
    return " ".join(sentences)


def _facts(panel: Panel) -> str:
    px = panel.architecture.input_px
    return (
        f"{panel.cost.madds / 1e6:,.0f} M multi-adds, {panel.cost.params / 1e6:,.2f} M parameters, {px} {TIMES} {px} px"
    )


def _panel(figure: Layout, panel: Panel, letter: str, top: float) -> Iterator[str]:
    """Title, levels, edges and blocks of one architecture."""
    yield from _heading(top, letter, _shortened(panel.architecture.name), _facts(panel))
    top += TITLE
    yield from _levels(figure, panel, top)
    yield from _stem(figure, panel, top)
    yield from _edges(figure, panel, top)
    for shape in panel.shapes:
        yield from _block(shape, top)
    for shape in panel.shapes:
        if shape.block.is_endpoint:
            x = column_x(len(BLOCKS) + 1) - OUTPUT_WIDTH / 2 + 4
            yield _text("label", x, top + shape.y + 4.5, f"P{shape.block.level}")


def _heading(top: float, letter: str, name: str, facts: str) -> Iterator[str]:
    yield _text("title", MARGIN, top + 17, f"({letter}) {name}" if letter else name)
    yield _text("facts", WIDTH - MARGIN, top + 17, facts, "end")


def _levels(figure: Layout, panel: Panel, top: float) -> Iterator[str]:
    """A band for every other level, with the names of the levels and the sizes of their feature maps."""
    for index, row in enumerate(figure.rows):
        side = -(-panel.architecture.input_px // 2**row.level)
        if index % 2 == 0:
            box = _box(MARGIN, top + row.top, WIDTH - 2 * MARGIN, row.bottom - row.top)
            yield f"<rect {_look('band')} {box}/>"
        yield _text("label", MARGIN + 8, top + row.centre - 1.5, f"L{row.level}")
        yield _text("note", MARGIN + 8, top + row.centre + 11, f"{side} {TIMES} {side}")


def _stem(figure: Layout, panel: Panel, top: float) -> Iterator[str]:
    x, y = column_x(0), top + next(row.centre for row in figure.rows if row.level == STEM_LEVEL)
    yield f'<rect {_look("stem")} {_box(x - STEM[0] / 2, y - STEM[1] / 2, *STEM)} rx="3"/>'
    yield _text("label", x, y - STEM[1] / 2 - 4, str(panel.architecture.stem_width), "middle")
    yield _text("note", x, y + STEM[1] / 2 + NOTE_ROOM - 1.5, "stem", "middle")


def _edges(figure: Layout, panel: Panel, top: float) -> Iterator[str]:
    """All edges, and an arrowhead where they come in: one a block, since its edges meet there."""
    half = {0: STEM[0] / 2, **{shape.block.number: shape.width / 2 for shape in panel.shapes}}
    for edge in figure.edges:
        role = "output" if edge.child is None else "edge"
        dashes = ' stroke-dasharray="4 3"' if edge.is_dangling else ""
        ends = column_x(edge.parent) + half[edge.parent], _arrival(edge, half) - ARROW_PX + 0.5
        yield (
            f'<path {_look(role)}{dashes} data-from="{edge.parent}" data-to="{_target(edge)}" '
            f'd="{_curve(edge, *ends, top)}"/>'
        )
    for edge in {_target(edge): edge for edge in figure.edges}.values():
        tip, y = _arrival(edge, half), edge.points[-1][1] + top
        corners = (tip - ARROW_PX, y - 3), (tip, y), (tip - ARROW_PX, y + 3)
        role = "output-head" if edge.child is None else "head"
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
        yield f'<polygon {_look(role)} points="{points}"/>'


def _target(edge: Edge) -> str:
    """The block's number, or the name of the output."""
    return f"P{BLOCKS[edge.parent - 1].level}" if edge.child is None else str(edge.child)


def _arrival(edge: Edge, half: dict[int, float]) -> float:
    """Where the tip of an edge's arrowhead is, from left."""
    return edge.points[-1][0] + ARROW_PX if edge.child is None else column_x(edge.child) - half[edge.child] - 0.5


def _curve(edge: Edge, start: float, end: float, top: float) -> str:
    """A smooth line from `start` through the points of the edge to `end`, as the data of a path."""
    points, directions = edge.points, slopes(edge.points)
    parts = [f"M{_n(start)} {_n(points[0][1] + top)}", f"H{_n(points[0][0])}"]
    for (x0, y0), (x1, y1), out, into in zip(points, points[1:], directions, directions[1:], strict=False):
        third = (x1 - x0) / 3
        bezier = (x0 + third, y0 + out * third), (x1 - third, y1 - into * third), (x1, y1)
        parts.append("C" + " ".join(f"{_n(x)} {_n(y + top)}" for x, y in bezier))
    return " ".join([*parts, f"H{_n(end)}"])


def _block(shape: Shape, top: float) -> Iterator[str]:
    """One block with its channels above, and its number inside or below."""
    tone = tone_of(shape.change)
    x, y = shape.x, top + shape.y
    number = shape.block.number
    box = _box(x - shape.width / 2, y - shape.height / 2, shape.width, shape.height)
    look = _filled(tone, "endpoint" if shape.block.is_endpoint else "outline")
    yield f'<g data-block="{number}">'
    yield f"<title>{_safe(_words(shape))}</title>"
    yield f'<rect {look} {box} rx="{_n(_radius(shape.width))}"/>'
    yield _text("label", x, y - shape.height / 2 - 4, shape.label, "middle")
    first = y + 3.7 - NOTE_ROOM / 2 * (len(shape.notes) - 1)
    if not shape.notes_fit_inside:
        first = y + shape.height / 2 + NOTE_ROOM - 1.5
    for line, note in enumerate(shape.notes):
        where = x, first + line * NOTE_ROOM
        yield _on(tone, *where, note) if shape.notes_fit_inside else _text("note", *where, note, "middle")
    yield "</g>"


def _words(shape: Shape) -> str:
    """A block in words."""
    words = f"Block {shape.block.number}, L{shape.block.level}: {shape.cost.width} channels"
    if shape.repeats > 1:
        words += f", {shape.repeats} repeats"
    words += f", {100 * shape.share:.2f} % of the multi-adds, {shape.cost.params:,} parameters"
    return words if shape.change is None else f"{words}, {_signed(shape.change, 2)} points against the baseline"


def _bars(figure: Layout, top: float) -> Iterator[str]:
    """Each block's share as a bar, the baseline's beside it, and the numbers below."""
    rests = [1 - sum(shape.share for shape in panel.shapes) for panel in figure.panels]
    several = len(figure.panels) > 1
    about = "left (a), right (b); " if several else ""
    about += f"stem and detection head: {', '.join(f'{100 * rest:.1f} %' for rest in rests)}"
    yield from _heading(top, "c" if several else "", "Share of the multi-adds by block", about)
    foot = top + TITLE + BARS
    step = _step(figure.largest_share)
    full = step * 2
    left, right = column_x(0) + PITCH / 2, column_x(len(BLOCKS)) + PITCH / 2
    for tick in range(3):
        y = foot - BARS * tick / 2
        yield f'<path {_look("grid" if tick else "axis")} d="M{_n(left)} {_n(y)} H{_n(right)}"/>'
        yield _text("text", left - 6, y + 4, f"{100 * step * tick:g} %", "end")
    for place, panel in enumerate(figure.panels):
        for shape in panel.shapes:
            x = shape.x - BAR * len(figure.panels) / 2 + BAR * place
            height = BARS * shape.share / full
            yield f"<rect {_filled(tone_of(shape.change), 'outline')} {_box(x, foot - height, BAR, height)}/>"
    shares = [f"{100 * shape.share:.1f}" for shape in figure.panels[0].shapes]
    rows = [
        ("block", "note", [str(block.number) for block in BLOCKS]),
        ("share in (a), %" if several else "share, %", "figure", shares),
    ]
    if several:
        changes = [_signed(shape.change or 0.0, 1) for shape in figure.panels[0].shapes]
        rows.append(("change, points", "figure", changes))
    for line, (name, role, cells) in enumerate(rows):
        y = foot + TABLE_ROW * (line + 1) - 2
        yield _text("text", left - 6, y, name, "end")
        for block, cell in zip(BLOCKS, cells, strict=True):
            yield _text(role, column_x(block.number), y, cell, "middle")


def _step(largest: float) -> float:
    """Half of the height of the bars as a share: a round number."""
    return next(step for step in (0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5) if 2 * step >= largest)


def _legend(figure: Layout, top: float) -> Iterator[str]:
    """What area, colour, numbers and lines mean."""
    middle = top + LARGEST[1] / 2
    smallest = SMALLEST[0] * SMALLEST[1] / figure.px_per_share
    yield _text("figure", MARGIN, middle - 3, "Area: share of the multi-adds")
    yield _text("text", MARGIN, middle + 11, f"smallest: {100 * smallest:.1f} % and less")
    x = MARGIN + KEY_TEXT
    for share in _keys(figure.largest_share):
        width, height = block_size(share, figure.px_per_share)
        box = _box(x, middle - height / 2, width, height)
        yield f'<rect {_filled(PLAIN, "outline")} {box} rx="{_n(_radius(width))}"/>'
        yield _text("text", x + width + 5, middle + 4, f"{100 * share:g} %")
        x += width + 48
    if len(figure.panels) > 1:
        yield _text("figure", KEY_X, middle - 3, "Colour: change of that share")
        yield _text("text", KEY_X, middle + 11, "against (b), in points")
        x = KEY_X + KEY_TEXT
        for tone in TONES:
            yield f"<rect {_filled(tone, 'outline')} {_box(x, middle - 13, KEY, 14)}/>"
            if tone.least > float("-inf"):
                yield _text("text", x, middle + 14, _signed(tone.least).rstrip("0").rstrip("."), "middle")
            x += KEY
    y = top + LARGEST[1] + 20
    yield _text("text", MARGIN, y, LEGEND_TEXT)


def _keys(largest: float) -> list[float]:
    """Three round shares to show the scale of areas with."""
    return [share for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if share <= max(FULL_SHARE, largest)][-3:]


def _signed(share: float, digits: int = 2) -> str:
    """A difference of shares in percentage points, with its sign unless it rounds to nothing."""
    points = round(100 * share, digits)
    return f"{points:+.{digits}f}".replace("-", MINUS) if points else f"{0:.{digits}f}"


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _safe(text: str) -> str:
    """A text as XML may hold it: marks escaped, characters that XML has no place for replaced."""
    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


def _look(role: str) -> str:
    return f'class="{role}" {ROLES[role].paper}'


def _filled(tone: Tone, outline: str) -> str:
    return f'class="{tone.name} {outline}" fill="{tone.fill}" {ROLES[outline].paper}'


def _radius(width: float) -> float:
    """The radius of the corners of a block."""
    return min(4.0, width / 4)


def _text(role: str, x: float, y: float, content: str, anchor: str = "start") -> str:
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text {_look(role)} x="{_n(x)}" y="{_n(y)}"{where}>{_safe(content)}</text>'


def _on(tone: Tone, x: float, y: float, content: str) -> str:
    """A note on a block of this tone."""
    return (
        f'<text class="on-{tone.name}" fill="{tone.ink}" font-size="{NOTE_SIZE:g}" x="{_n(x)}" y="{_n(y)}" '
        f'text-anchor="middle">{_safe(content)}</text>'
    )


def _box(x: float, y: float, width: float, height: float) -> str:
    return f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'


def _n(value: float) -> str:
    """A length in px, to a hundredth."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
