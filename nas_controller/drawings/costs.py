"""AP over a cost, one point a trial, in the window of Figure 5 of the paper: at least 20 % to either side."""

from __future__ import annotations

from typing import NamedTuple

from nas_controller.campaigns.figure_data import CostReward
from nas_controller.drawings.chart import Axis, Box, Entry, Plot, chart, diamond, dots, legend, steps
from nas_controller.drawings.progress import LEAST_AP, MANY
from nas_controller.drawings.scales import number, padded
from nas_controller.drawings.sheet import Canvas, NothingToDrawError, Sheet, tipped
from nas_controller.drawings.style import styled
from search_space.diagram.svg import length

WINDOW = 0.2
"""Figure 5: "The x-axes are plotted within a +-20 % range to the centers"."""


class _Cost(NamedTuple):
    """How a cost is named, and what it is divided by."""

    title: str
    axis: str
    unit: float
    decimals: int
    suffix: str


_COSTS = {
    "madds": _Cost("AP over multi-adds", "million multi-adds", 1e6, 1, " M multi-adds"),
    "params": _Cost("AP over parameters", "million parameters", 1e6, 2, " M parameters"),
    "latency_ratio": _Cost("AP over latency", "latency over the baseline's", 1.0, 3, " of the baseline's latency"),
}


def cost_reward(figure: CostReward, sheet: Sheet, target: float | None = None) -> str:
    """AP over a cost, with the Pareto front, or with the `target` that every trial should meet instead.

    The window is centred on the target, or else on the baseline. It is wider than Figure 5's where trials are outside.
    Raises NothingToDrawError without a trained trial of that cost.
    """
    cost = _COSTS[figure.unit]
    if not figure.number:
        raise NothingToDrawError(f"no trained trial has a {cost.title.removeprefix('AP over ')} figure yet")
    shows_front = target is None
    about = f"{cost.title} of {figure.of:,} trials." + (
        f" The front has the trials {', '.join(map(str, figure.front))}." if shows_front else ""
    )
    canvas = Canvas(sheet, figure.unit.replace("_", "-"), cost.title, about)
    has_baseline = figure.baseline_cost is not None and figure.baseline_reward is not None
    entries = [
        Entry("dot", "point", "trial"),
        *([Entry("line", "best", "highest AP at this cost or less")] if shows_front else []),
        *([Entry("line", "guide", "target")] if not shows_front else []),
        *([Entry("diamond", "baseline-mark", "baseline")] if has_baseline else []),
    ]
    top = legend(canvas, canvas.left, canvas.right, canvas.top, entries)
    box = Box(canvas.left, canvas.right, top, 220.0 if canvas.is_narrow else 270.0)
    note = f"{len(figure.number):,} of {figure.of:,} trials shown" if len(figure.number) < figure.of else ""
    rewards = [*figure.reward, *([figure.baseline_reward] if figure.baseline_reward is not None else [])]
    low, high = _window(figure, target)
    x = Axis(cost.axis, low / cost.unit, high / cost.unit)
    plot = chart(canvas, box, x, Axis("AP", *padded(rewards, least=LEAST_AP)), note)
    if target is not None:
        _, upper, _, lower = plot.box()
        at = length(plot.x(target / cost.unit))
        canvas.add(f'<path {styled("guide")} d="M{at} {length(upper)} V{length(lower)}"/>')
    _points(canvas, plot, figure, cost, shows_front)
    if figure.baseline_cost is not None and figure.baseline_reward is not None:
        value = figure.baseline_cost / cost.unit
        tip = f"baseline · AP {figure.baseline_reward:.3f} · {number(value, cost.decimals)}{cost.suffix}"
        canvas.add(diamond("baseline-mark", plot.x(value), plot.y(figure.baseline_reward), tipped(tip, 0)))
    return canvas.finish(plot.bottom)


def _window(figure: CostReward, target: float | None) -> tuple[float, float]:
    low, high = min(figure.cost), max(figure.cost)
    centre = target if target is not None else figure.baseline_cost
    if centre is None:
        centre = (low + high) / 2
    half = max(WINDOW * centre, 1.04 * (high - centre), 1.04 * (centre - low))
    return centre - half, centre + half


def _points(canvas: Canvas, plot: Plot, figure: CostReward, cost: _Cost, shows_front: bool) -> None:
    front = set(figure.front) if shows_front else set()
    on_front: list[tuple[float, float, str]] = []
    others: list[tuple[float, float, str]] = []
    for trial, spent, reward in zip(figure.number, figure.cost, figure.reward, strict=True):
        value = spent / cost.unit
        tip = f"trial {trial} · AP {reward:.3f} · {number(value, cost.decimals)}{cost.suffix}"
        mark = plot.x(value), plot.y(reward), tipped(tip + (" · on the front" if trial in front else ""), trial)
        (on_front if trial in front else others).append(mark)
    radius = 3.4 if len(figure.number) <= MANY else 2.2
    canvas.extend(dots("point", others, radius))
    if on_front:
        ordered = sorted(on_front)
        canvas.add(steps("best", [(x, y) for x, y, _ in ordered], plot.x.end))
        canvas.extend(dots("best-mark", ordered, 3.6))
