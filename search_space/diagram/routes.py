"""Routes of a block diagram's edges: smooth curves that avoid all blocks but those that they connect.

There is one block per column, so an edge passes above or below one block in each column that it crosses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Heights = npt.NDArray[np.float64]
Point = tuple[float, float]
Route = tuple[Point, ...]

LANE_PX = 4.0
"""Distance between the heights at which an edge can cross a column."""

CLEARANCE_PX = 4.0
"""Minimum distance between an edge and a block with its texts."""

ARROW_PX = 6.0
"""The length of an arrowhead."""

APART_PX = 9.0
"""Preferred distance between edges where they cross a column."""

# Penalties of a curve, in the unit of its slope cost: the sum of rise squared over run, in px. The weights were tuned
# by looking at drawings.
_BLOCKED = 1e6
_NEAR = 10.0
_CROWDED = 15.0
_DETOUR = 3.0
_POINT = 3.0
_BEND_PX = 40.0

_SAMPLES = 5
_PARTS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
_SHIFTS_PX = (-64.0, -32.0, -16.0, -8.0, -4.0, 4.0, 8.0, 16.0, 32.0, 64.0)


@dataclass(frozen=True)
class Cell:
    """The bounding box of a block and its texts, in px; edges enter on the left and leave on the right."""

    x: float
    y: float
    half_width: float
    above: float
    below: float

    @property
    def left(self) -> float:
        """Where edges enter and arrowheads begin."""
        return self.x - self.half_width - ARROW_PX

    @property
    def right(self) -> float:
        """Where edges leave."""
        return self.x + self.half_width

    def intrusion(self, y: float) -> float:
        """By how many px a line at this height violates the clearance."""
        return max(0.0, min(y - self.y + self.above, self.y + self.below - y) + CLEARANCE_PX)


class Router:
    """Finds routes between the heights `top` and `bottom`, each apart from the previous ones."""

    def __init__(self, top: float, bottom: float) -> None:
        self._lanes: Heights = np.arange(top, bottom, LANE_PX)
        self._taken: dict[float, list[float]] = {}

    def route(self, start: Cell, end: Cell, between: Sequence[Cell]) -> Route:
        """The points of the curve from `start` to `end`, from left to right, as few as possible.

        `between` are the cells in the columns that it crosses. `slopes` defines the curve through the points.
        """
        first, *inner, last = polyline = self._polyline(start, end, between)
        simple = [(first, last), *((first, point, last) for point in inner)]
        starts = polyline, min(simple, key=lambda route: self._cost(route, between))
        best = min((self._improved(route, between) for route in starts), key=lambda route: self._cost(route, between))
        for cell, y in zip(between, heights_at(best, np.array([cell.x for cell in between])), strict=True):
            self._taken.setdefault(cell.x, []).append(float(y))
        return best

    def _polyline(self, start: Cell, end: Cell, between: Sequence[Cell]) -> Route:
        """The polyline with a point per column and the least slope cost (the sum of rise squared over run).

        Dynamic programming over the heights at each column finds it; without obstacles it is straight.
        """
        lanes = np.append(self._lanes, [start.y, end.y])
        xs = [start.right, *(cell.x for cell in between), end.left]
        heights = [lanes[-2:-1], *(lanes for _ in between), lanes[-1:]]
        cost = np.zeros(1)
        steps: list[npt.NDArray[np.intp]] = []
        for column in range(1, len(xs)):
            here, there = heights[column - 1][:, None], heights[column][None, :]
            run = max(xs[column] - xs[column - 1], 1.0)
            total = cost[:, None] + (there - here) ** 2 / run
            if column > 1:
                total = total + _blocked(here, there, run, between[column - 2])
            if column < len(xs) - 1:
                cell = between[column - 1]
                total = total + _blocked(there, here, run, cell) + self._crowding(cell.x, heights[column])
            steps.append(np.argmin(total, axis=0))
            cost = np.min(total, axis=0)
        chosen = [0]
        for step in reversed(steps):
            chosen.append(int(step[chosen[-1]]))
        return tuple((x, float(at[index])) for x, at, index in zip(xs, heights, reversed(chosen), strict=True))

    def _improved(self, route: Route, between: Sequence[Cell]) -> Route:
        """The route after a local search that moves or removes one point at a time, until no change improves it."""
        cost = self._cost(route, between)
        while True:
            variants = list(_variants(route))
            costs = [self._cost(each, between) for each in variants]
            if not variants or min(costs) >= cost:
                return route
            cost = min(costs)
            route = variants[costs.index(cost)]

    def _crowding(self, x: float, heights: Heights) -> Heights:
        """The penalty for crossing the column at `x` near other edges, for each height."""
        total = np.zeros_like(heights)
        for y in self._taken.get(x, ()):
            total += _CROWDED * np.maximum(0.0, 1 - np.abs(heights - y) / APART_PX)
        return total

    def _cost(self, route: Route, between: Sequence[Cell]) -> float:
        """The penalty of a curve for its form, for obstacles and for other edges."""
        even = np.linspace(route[0][0], route[-1][0], _SAMPLES * (len(between) + 1) + 1)
        passing = [cell.x + (cell.half_width + CLEARANCE_PX) * _PARTS for cell in between]
        heights = heights_at(route, np.concatenate([even, *passing]))
        cost = _POINT * len(route) + _form_cost(heights[: len(even)], max(even[1] - even[0], 0.1))
        top, bottom = self._lanes[0], self._lanes[-1]
        cost += _BLOCKED * float(np.sum(np.maximum(top - heights, 0) + np.maximum(heights - bottom, 0)))
        for cell, ys in zip(between, heights[len(even) :].reshape(-1, len(_PARTS)).tolist(), strict=True):
            intrusions = [cell.intrusion(y) for y in ys]
            cost += sum(_NEAR * px + _BLOCKED * max(0.0, px - CLEARANCE_PX) for px in intrusions)
            others = (abs(ys[len(_PARTS) // 2] - y) for y in self._taken.get(cell.x, ()))
            cost += _CROWDED * sum(1 - px / APART_PX for px in others if px < APART_PX)
        return cost


def _form_cost(heights: Heights, run: float) -> float:
    """The penalty of a curve with heights `run` px apart: for slopes, bends, and leaving the range of its ends."""
    slope = np.diff(heights) / run
    low, high = np.sort(heights[[0, -1]])
    detour = max(np.max(heights) - high, low - np.min(heights))
    return float(np.sum(slope**2) * run + _BEND_PX**2 * np.sum(np.diff(slope) ** 2) / run + _DETOUR * detour)


def slopes(route: Route) -> Heights:
    """The slope at each point of a route, by the cubic spline that is horizontal at both ends."""
    xs, ys = np.array(route).T
    run = np.diff(xs)
    weights, rises = 1 / run, np.diff(ys) / run
    system = np.eye(len(route))
    right = np.zeros(len(route))
    for i in range(1, len(route) - 1):
        system[i, i - 1 : i + 2] = weights[i - 1], 2 * (weights[i - 1] + weights[i]), weights[i]
        right[i] = 3 * (rises[i - 1] * weights[i - 1] + rises[i] * weights[i])
    spline: Heights = np.linalg.solve(system, right).astype(np.float64)
    return spline


def heights_at(route: Route, xs: Heights) -> Heights:
    """The heights at `xs` of the curve through the points of a route, constant beyond its ends."""
    at, ys = np.array(route).T
    slope = slopes(route)
    piece = np.clip(np.searchsorted(at, xs) - 1, 0, len(route) - 2)
    run = at[piece + 1] - at[piece]
    t = np.clip((xs - at[piece]) / run, 0, 1)
    # A Bézier curve with the control points of the SVG path.
    first, second = ys[piece] + slope[piece] * run / 3, ys[piece + 1] - slope[piece + 1] * run / 3
    heights: Heights = (
        (1 - t) ** 3 * ys[piece] + 3 * (1 - t) * t * ((1 - t) * first + t * second) + t**3 * ys[piece + 1]
    )
    return heights


def _variants(route: Route) -> Iterator[Route]:
    """The route with one of its inner points removed or moved up or down."""
    for i, (x, y) in enumerate(route[1:-1], start=1):
        yield (*route[:i], *route[i + 1 :])
        for shift in _SHIFTS_PX:
            yield (*route[:i], (x, y + shift), *route[i + 1 :])


def _blocked(here: Heights, there: Heights, run: float, cell: Cell) -> Heights:
    """A prohibitive cost where the line from height `here`, at the centre of `cell`, to `there` touches the cell."""
    top, bottom = cell.y - cell.above - CLEARANCE_PX, cell.y + cell.below + CLEARANCE_PX
    leaving = here + (there - here) * min(1.0, (cell.half_width + CLEARANCE_PX) / run)
    is_clear = ((here <= top) & (leaving <= top)) | ((here >= bottom) & (leaving >= bottom))
    blocked: Heights = np.where(is_clear, 0.0, _BLOCKED)
    return blocked
