"""The plot of a comparison of searchers: the incumbent's true value over trials, a panel for each landscape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nas_controller.benchmarks.searchers.comparison import LandscapeResult
from nas_controller.proxy_check.plot import write_figure

_COLOURS = ("#1f4e79", "#9aa5ad", "#d1622b", "#4c8c4a", "#7a5195", "#8fb4d9", "#b8860b", "#333333")
_COLUMNS = 2
_PANEL_INCHES = (4.1, 2.7)


def write_plot(results: Sequence[LandscapeResult], path: Path) -> None:
    """Writes the plot as SVG or PNG, by the suffix; the same results give the same bytes. Raises InvalidValueError."""
    write_figure(lambda: draw(results), path)


def draw(results: Sequence[LandscapeResult]) -> Figure:
    """The plot, with the legend in the first panel."""
    rows = -(-len(results) // _COLUMNS)
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width * _COLUMNS, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, result in enumerate(results):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        _draw_landscape(axes, result)
        if place == 0:
            axes.legend(loc="lower right", handletextpad=0.4)
    return figure


def _draw_landscape(axes: Axes, result: LandscapeResult) -> None:
    for place, searcher in enumerate(result.searchers):
        colour = _COLOURS[place % len(_COLOURS)]
        trials = range(1, len(searcher.mean) + 1)
        axes.plot(trials, searcher.mean, "-", lw=1.3, color=colour, label=searcher.label)
        axes.fill_between(trials, searcher.low, searcher.high, color=colour, alpha=0.18, lw=0)
    axes.set_xlabel("trials")
    axes.set_ylabel("true reward of the incumbent")
    axes.set_title(f"{result.name} ({result.noise:.3f})" if result.noise else result.name, loc="left")
