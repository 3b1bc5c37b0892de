"""The positions and sizes of everything in a block diagram, in px; `search_space/diagram/drawing.py` draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from search_space.architecture import Architecture
from search_space.cost import BlockCost, CostReport, cost_report
from search_space.diagram.routes import Cell, Point, Router
from search_space.diagram.style import LABEL_SIZE, NOTE_SIZE, TIMES
from search_space.topology import BLOCKS, DANGLING_INTO, STEM_LEVEL, Block

PITCH = 50.0
"""Width of a column."""

LEFT = 78.0
"""Width of the column of level names."""

ROW_GAP = 12.0
"""Space between the rows, for edges."""

LABEL_ROOM = 14.0
NOTE_ROOM = 12.0
LETTER = 0.58
"""Largest width of a digit relative to the font size."""

LARGEST = (29.0, 42.0)
SMALLEST = (7.25, 10.5)
FULL_SHARE = 0.10
"""The share of the multi-adds that has the largest area, unless a block of the figure has a larger share."""

STEM = (14.0, 20.0)
OUTPUT_WIDTH = 26.0


@dataclass(frozen=True)
class Row:
    """The band of one level; heights are relative to the top of a panel."""

    level: int
    top: float
    centre: float
    bottom: float


@dataclass(frozen=True)
class Shape:
    """One block as a rectangle around (`x`, `y`) whose area is its share of the multi-adds of the network.

    `y` is relative to the top of the panel. `change` is the share minus that of the baseline, or None without a
    baseline.
    """

    block: Block
    cost: BlockCost
    repeats: int
    share: float
    change: float | None
    width: float
    height: float
    x: float
    y: float = 0.0

    @property
    def label(self) -> str:
        """The output channels, written above the rectangle."""
        return str(self.cost.width)

    @property
    def notes(self) -> tuple[str, ...]:
        """The number of the block, and its repeats if there are several."""
        return (str(self.block.number), *([f"{TIMES}{self.repeats}"] if self.repeats > 1 else []))

    @property
    def notes_fit_inside(self) -> bool:
        """Whether the notes fit into the rectangle, one above the other; otherwise they are below it."""
        # Not a function of the digits of the block number, or blocks of equal size would look different.
        widest = max(text_width(note, NOTE_SIZE) for note in (str(len(BLOCKS)), *self.notes))
        return widest + 3 <= self.width and len(self.notes) * NOTE_ROOM + 2 <= self.height

    @property
    def cell(self) -> Cell:
        """The bounding box of the rectangle and its texts."""
        widest = max(
            self.width, text_width(self.label, LABEL_SIZE), *(text_width(note, NOTE_SIZE) for note in self.notes)
        )
        below = self.height / 2 + (0 if self.notes_fit_inside else NOTE_ROOM * len(self.notes))
        return Cell(self.x, self.y, widest / 2, self.height / 2 + LABEL_ROOM, below)


@dataclass(frozen=True)
class Edge:
    """An edge between two blocks by number; parent 0 is the stem, child None the output of the parent's level.

    `points` run from the parent's cell to the child's; heights are relative to the top of the panel. `is_dangling`
    marks the edge of a block without children, which is added to the endpoint of its level.
    """

    parent: int
    child: int | None
    points: tuple[Point, ...]
    is_dangling: bool


@dataclass(frozen=True)
class Panel:
    """One architecture with its cost, and a shape for each block."""

    architecture: Architecture
    cost: CostReport
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class Layout:
    """The architecture's panel and, if there is one, the baseline's; both share rows, edges and scale.

    `px_per_share` is the area that corresponds to all multi-adds of the network.
    """

    panels: tuple[Panel, ...]
    rows: tuple[Row, ...]
    edges: tuple[Edge, ...]
    px_per_share: float

    @property
    def height(self) -> float:
        """Height of the rows of one panel."""
        return self.rows[-1].bottom

    @property
    def largest_share(self) -> float:
        """The largest share of the multi-adds that any block has."""
        return max(shape.share for panel in self.panels for shape in panel.shapes)


def text_width(text: str, size: float) -> float:
    """The largest width of a text of digits in common sans-serif fonts."""
    return LETTER * size * len(text)


def column_x(column: int) -> float:
    """The x coordinate of a column's centre: column 0 is the stem, then one per block by number, then the outputs."""
    return LEFT + (column + 0.5) * PITCH


def block_size(share: float, px_per_share: float) -> tuple[float, float]:
    """Width and height of a block: its area is the share times `px_per_share`, but at least `SMALLEST`."""
    ratio = LARGEST[0] / LARGEST[1]
    height = math.sqrt(share * px_per_share / ratio)
    return max((height * ratio, height), SMALLEST)


def layout(architecture: Architecture, baseline: Architecture | None) -> Layout:
    """The layout of an architecture and of the baseline, unless that is None or the same architecture."""
    compared = [architecture] if baseline is None or baseline == architecture else [architecture, baseline]
    costs = [cost_report(each) for each in compared]
    largest_share = max(block.madds / cost.madds for cost in costs for block in cost.blocks)
    px_per_share = LARGEST[0] * LARGEST[1] / max(FULL_SHARE, largest_share)
    unplaced = [
        _shapes(each, cost, costs[1:] if index == 0 else [], px_per_share)
        for index, (each, cost) in enumerate(zip(compared, costs, strict=True))
    ]
    rows = _rows([shape for shapes in unplaced for shape in shapes])
    centres = {row.level: row.centre for row in rows}
    placed = [tuple(replace(shape, y=centres[shape.block.level]) for shape in shapes) for shapes in unplaced]
    return Layout(
        panels=tuple(Panel(*parts) for parts in zip(compared, costs, placed, strict=True)),
        rows=rows,
        edges=_edges([stem_cell(centres), *map(_union, zip(*placed, strict=True))], rows),
        px_per_share=px_per_share,
    )


def stem_cell(centres: Mapping[int, float]) -> Cell:
    """The bounding box of the stem and its texts."""
    above, below = STEM[1] / 2 + LABEL_ROOM, STEM[1] / 2 + NOTE_ROOM
    return Cell(column_x(0), centres[STEM_LEVEL], STEM[0] / 2 + 6, above, below)


def _shapes(
    architecture: Architecture, cost: CostReport, baseline: Sequence[CostReport], px_per_share: float
) -> list[Shape]:
    """The shapes of the blocks without their y coordinates; `baseline` has one report or none."""
    shapes = []
    for block, own, repeats in zip(BLOCKS, cost.blocks, architecture.repeats, strict=True):
        share = own.madds / cost.madds
        changes = [share - other.blocks[block.number - 1].madds / other.madds for other in baseline]
        width, height = block_size(share, px_per_share)
        change = changes[0] if changes else None
        shapes.append(Shape(block, own, repeats, share, change, width, height, column_x(block.number)))
    return shapes


def _rows(shapes: Sequence[Shape]) -> tuple[Row, ...]:
    """One row per level, the coarsest at the top, each as high as its largest block with texts."""
    rows = []
    top = 0.0
    for level in sorted({shape.block.level for shape in shapes}, reverse=True):
        cells = [shape.cell for shape in shapes if shape.block.level == level]
        above, below = max(cell.above for cell in cells), max(cell.below for cell in cells)
        if level == STEM_LEVEL:
            stem = stem_cell({level: 0.0})
            above, below = max(above, stem.above), max(below, stem.below)
        centre = top + ROW_GAP / 2 + above
        rows.append(Row(level, top, centre, centre + below + ROW_GAP / 2))
        top = rows[-1].bottom
    return tuple(rows)


def _union(shapes: tuple[Shape, ...]) -> Cell:
    """The bounding box of a block over all panels."""
    cells = [shape.cell for shape in shapes]
    return Cell(
        cells[0].x,
        cells[0].y,
        max(cell.half_width for cell in cells),
        max(cell.above for cell in cells),
        max(cell.below for cell in cells),
    )


def _edges(cells: Sequence[Cell], rows: Sequence[Row]) -> tuple[Edge, ...]:
    """The edges in the order of their children, the outputs last; `cells` are those of the stem and the blocks.

    Edges to outputs are routed first, because they are straight; the others from the shortest to the longest, because
    short ones have the fewest alternatives.
    """
    outputs = {row.level: Cell(column_x(len(cells)), row.centre, OUTPUT_WIDTH / 2, 0.0, 0.0) for row in rows}
    wanted: list[tuple[int, int | None, bool]] = []
    for block in BLOCKS:
        wanted += [(parent, block.number, False) for parent in block.parents]
        wanted += [(dangling, block.number, True) for dangling in DANGLING_INTO.get(block.number, ())]
    wanted += [(block.number, None, False) for block in BLOCKS if block.is_endpoint]

    def last(edge: tuple[int, int | None, bool]) -> int:
        return len(cells) if edge[1] is None else edge[1]

    router = Router(rows[0].top, rows[-1].bottom)
    routes = {}
    for edge in sorted(wanted, key=lambda edge: (edge[1] is not None, last(edge) - edge[0])):
        parent, child, _ = edge
        end = outputs[BLOCKS[parent - 1].level] if child is None else cells[child]
        routes[edge] = router.route(cells[parent], end, cells[parent + 1 : last(edge)])
    return tuple(Edge(parent, child, routes[parent, child, dangling], dangling) for parent, child, dangling in wanted)
