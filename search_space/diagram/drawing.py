"""The block diagram of an architecture as an SVG document, beside the baseline's.

Blocks are ordered from left to right and placed at the height of their level, coarse levels at the top. The area of a
block is its share of the multi-adds of the whole network, its colour the difference from the baseline's share. Bars
below compare the shares block by block, as in Figure 3 of the paper. The diagram is a function of topology and cost.
`layout` computes the positions of blocks and edges, and this module draws them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from search_space.architecture import Architecture
from search_space.diagram.layout import NOTE_ROOM, OUTPUT_WIDTH, STEM, Edge, Layout, Panel, Shape, column_x, layout
from search_space.diagram.levels import level_table, level_totals, table_height
from search_space.diagram.routes import ARROW_PX, slopes
from search_space.diagram.shares import (
    BARS,
    MARGIN,
    TABLE_ROW,
    TITLE,
    WIDTH,
    heading,
    legend,
    share_bars,
    signed_points,
)
from search_space.diagram.style import FONT, PAPER, TIMES, Style, dark_style, tone_of
from search_space.diagram.svg import corner_radius, escaped, filled, length, rectangle, styled, text, text_on
from search_space.topology import BLOCKS, STEM_LEVEL

GAP = 22.0
LEGEND = 70.0
LONGEST_NAME = 40
CAPTION = 54.0


class Caption(NamedTuple):
    """What stands above a diagram that leaves its page: a title, and a line of facts."""

    title: str
    facts: str


def block_diagram(
    architecture: Architecture,
    baseline: Architecture | None,
    *,
    caption: Caption | None = None,
    style: Style = "paper",
) -> str:
    """An SVG document of the architecture, with the baseline below it unless that is None or the same architecture.

    It needs no other files, scripts or fonts. In the style `paper` it has a white background and looks the same
    everywhere; in the style `page` it has none, and follows a reader's preference for dark pages. Equal arguments give
    equal text.
    """
    figure = layout(architecture, baseline)
    several = len(figure.panels) > 1
    drawn: list[str] = []
    top = MARGIN
    if caption is not None:
        drawn += _caption(caption, top)
        top += CAPTION
    for letter, panel in zip("ab", figure.panels, strict=False):
        drawn += _panel(figure, panel, letter if several else "", top)
        top += TITLE + figure.height + GAP
    drawn += share_bars(figure, top)
    top += TITLE + BARS + TABLE_ROW * (3 if several else 2) + GAP
    drawn += level_table(figure, top)
    top += table_height(figure) + GAP
    drawn += legend(figure, top)
    return "\n".join([*_opening(figure, caption, style, top + LEGEND), *drawn, "</svg>", ""])


def _opening(figure: Layout, caption: Caption | None, style: Style, height: float) -> Iterator[str]:
    """The root element with its titles, and what the style needs."""
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {length(WIDTH)} {length(height)}" '
        f'width="{length(WIDTH)}" height="{length(height)}" role="img" '
        f'aria-labelledby="block-diagram-title block-diagram-about" font-family="{FONT}">'
    )
    yield f'<title id="block-diagram-title">{escaped(_title(figure) if caption is None else caption.title)}</title>'
    yield f'<desc id="block-diagram-about">{escaped(_description(figure))}</desc>'
    if style == "page":
        yield f"<style>\n{dark_style()}\n</style>"
    else:
        yield f'<rect class="paper" fill="{PAPER}" {rectangle(0, 0, WIDTH, height)}/>'


def _caption(caption: Caption, top: float) -> Iterator[str]:
    yield text("caption", MARGIN, top + 17, caption.title)
    yield text("facts", MARGIN, top + 35, caption.facts)


def _title(figure: Layout) -> str:
    return " beside ".join(panel.architecture.name for panel in figure.panels)


def _description(figure: Layout) -> str:
    """A description of the figure for screen readers."""
    sentences = []
    for panel in figure.panels:
        widths = ", ".join(str(width) for width in panel.architecture.widths)
        shares = ", ".join(f"{100 * shape.share:.1f}" for shape in panel.shapes)
        levels = ", ".join(f"{total.name} {100 * total.share:.1f}" for total in level_totals(panel)[:-1])
        sentences.append(
            f"{panel.architecture.name}: {_facts(panel)}. Channels of blocks 1 to {len(BLOCKS)}: {widths}. "
            f"Their shares of the multi-adds in percent: {shares}. By level: {levels}."
        )
    return " ".join(sentences)


def _facts(panel: Panel) -> str:
    px = panel.architecture.input_px
    return (
        f"{panel.cost.madds / 1e6:,.0f} M multi-adds, {panel.cost.params / 1e6:,.2f} M parameters, {px} {TIMES} {px} px"
    )


def _panel(figure: Layout, panel: Panel, letter: str, top: float) -> Iterator[str]:
    """Title, levels, edges and blocks of one architecture."""
    yield from heading(top, letter, shortened(panel.architecture.name, LONGEST_NAME), _facts(panel))
    top += TITLE
    yield from _levels(figure, panel, top)
    yield from _stem(figure, panel, top)
    yield from _edges(figure, panel, top)
    for shape in panel.shapes:
        yield from _block(shape, top)
    for shape in panel.shapes:
        if shape.block.is_endpoint:
            x = column_x(len(BLOCKS) + 1) - OUTPUT_WIDTH / 2 + 4
            yield text("label", x, top + shape.y + 4.5, f"P{shape.block.level}")


def _levels(figure: Layout, panel: Panel, top: float) -> Iterator[str]:
    """A band for every other level, with the names of the levels and the sizes of their feature maps."""
    for index, row in enumerate(figure.rows):
        side = -(-panel.architecture.input_px // 2**row.level)
        if index % 2 == 0:
            box = rectangle(MARGIN, top + row.top, WIDTH - 2 * MARGIN, row.bottom - row.top)
            yield f"<rect {styled('band')} {box}/>"
        yield text("label", MARGIN + 8, top + row.centre - 1.5, f"L{row.level}")
        yield text("note", MARGIN + 8, top + row.centre + 11, f"{side} {TIMES} {side}")


def _stem(figure: Layout, panel: Panel, top: float) -> Iterator[str]:
    x, y = column_x(0), top + next(row.centre for row in figure.rows if row.level == STEM_LEVEL)
    yield f'<rect {styled("stem")} {rectangle(x - STEM[0] / 2, y - STEM[1] / 2, *STEM)} rx="3"/>'
    yield text("label", x, y - STEM[1] / 2 - 4, str(panel.architecture.stem_width), "middle")
    yield text("note", x, y + STEM[1] / 2 + NOTE_ROOM - 1.5, "stem", "middle")


def _edges(figure: Layout, panel: Panel, top: float) -> Iterator[str]:
    """All edges, with one arrowhead for each block, where its edges meet."""
    half = {0: STEM[0] / 2, **{shape.block.number: shape.width / 2 for shape in panel.shapes}}
    for edge in figure.edges:
        role = "output" if edge.child is None else "edge"
        dashes = ' stroke-dasharray="4 3"' if edge.is_dangling else ""
        ends = column_x(edge.parent) + half[edge.parent], _arrival(edge, half) - ARROW_PX + 0.5
        yield (
            f'<path {styled(role)}{dashes} data-from="{edge.parent}" data-to="{_target(edge)}" '
            f'd="{_curve(edge, *ends, top)}"/>'
        )
    for edge in {_target(edge): edge for edge in figure.edges}.values():
        tip, y = _arrival(edge, half), edge.points[-1][1] + top
        corners = (tip - ARROW_PX, y - 3), (tip, y), (tip - ARROW_PX, y + 3)
        role = "output-head" if edge.child is None else "head"
        points = " ".join(f"{length(x)},{length(y)}" for x, y in corners)
        yield f'<polygon {styled(role)} points="{points}"/>'


def _target(edge: Edge) -> str:
    """The block's number, or the name of the output."""
    return f"P{BLOCKS[edge.parent - 1].level}" if edge.child is None else str(edge.child)


def _arrival(edge: Edge, half: dict[int, float]) -> float:
    """The x coordinate of the tip of an edge's arrowhead."""
    return edge.points[-1][0] + ARROW_PX if edge.child is None else column_x(edge.child) - half[edge.child] - 0.5


def _curve(edge: Edge, start: float, end: float, top: float) -> str:
    """A smooth line from `start` through the points of the edge to `end`, as the data of a path."""
    points, directions = edge.points, slopes(edge.points)
    parts = [f"M{length(start)} {length(points[0][1] + top)}", f"H{length(points[0][0])}"]
    for (x0, y0), (x1, y1), out, into in zip(points, points[1:], directions, directions[1:], strict=False):
        third = (x1 - x0) / 3
        bezier = (x0 + third, y0 + out * third), (x1 - third, y1 - into * third), (x1, y1)
        parts.append("C" + " ".join(f"{length(x)} {length(y + top)}" for x, y in bezier))
    return " ".join([*parts, f"H{length(end)}"])


def _block(shape: Shape, top: float) -> Iterator[str]:
    """One block, with its channels above and its number inside or below."""
    tone = tone_of(shape.change)
    x, y = shape.x, top + shape.y
    number = shape.block.number
    box = rectangle(x - shape.width / 2, y - shape.height / 2, shape.width, shape.height)
    style = filled(tone, "endpoint" if shape.block.is_endpoint else "outline")
    yield f'<g data-block="{number}">'
    yield f"<title>{escaped(_block_description(shape))}</title>"
    yield f'<rect {style} {box} rx="{length(corner_radius(shape.width))}"/>'
    yield text("label", x, y - shape.height / 2 - 4, shape.label, "middle")
    first = y + 3.7 - NOTE_ROOM / 2 * (len(shape.notes) - 1)
    if not shape.notes_fit_inside:
        first = y + shape.height / 2 + NOTE_ROOM - 1.5
    for line, note in enumerate(shape.notes):
        where = x, first + line * NOTE_ROOM
        yield text_on(tone, *where, note) if shape.notes_fit_inside else text("note", *where, note, "middle")
    yield "</g>"


def _block_description(shape: Shape) -> str:
    """A description of the block for its tooltip."""
    words = f"Block {shape.block.number}, L{shape.block.level}: {shape.cost.width} channels"
    if shape.repeats > 1:
        words += f", {shape.repeats} repeats"
    words += f", {100 * shape.share:.2f} % of the multi-adds, {shape.cost.params:,} parameters"
    return words if shape.change is None else f"{words}, {signed_points(shape.change, 2)} points against the baseline"


def shortened(name: str, longest: int) -> str:
    """A name of at most `longest` characters."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
