"""The plot of a comparison of searchers: the incumbent's true value over trials, a panel for each landscape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nas_controller.benchmarks.searchers.comparison import LandscapeResult
from nas_controller.proxy_check.plot import write_figure

_COLOURS = ("#1f4e79", "#9aa5ad", "#d1622b", "#4c8c4a", "#7a5195", "#8fb4d9", "#b8860b", "#333333")
_COLUMNS = 2
_PANEL_INCHES = (4.1, 2.7)
_POINTS = 250
"""At most so many trials are drawn of each curve, which keeps an SVG small."""


def write_plot(results: Sequence[LandscapeResult], path: Path) -> None:
    """Writes the plot as SVG or PNG, by the suffix; the same results give the same bytes. Raises InvalidValueError."""
    write_figure(lambda: draw(results), path)


def draw(results: Sequence[LandscapeResult]) -> Figure:
    """The plot, with one legend above all panels."""
    rows = -(-len(results) // _COLUMNS)
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width * _COLUMNS, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, result in enumerate(results):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        _draw_landscape(axes, result)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(_COLOURS) // 2, handletextpad=0.4)
    return figure


def _draw_landscape(axes: Axes, result: LandscapeResult) -> None:
    for place, searcher in enumerate(result.searchers):
        colour = _COLOURS[place % len(_COLOURS)]
        shown = np.unique(np.linspace(0, len(searcher.mean) - 1, _POINTS, dtype=int))
        axes.plot(shown + 1, searcher.mean[shown], "-", lw=1.3, color=colour, label=searcher.label)
        axes.fill_between(shown + 1, searcher.low[shown], searcher.high[shown], color=colour, alpha=0.18, lw=0)
    axes.set_xlabel("trials")
    axes.set_ylabel("true reward of the incumbent")
    axes.set_title(f"{result.name} ({result.noise:.3f})" if result.noise else result.name, loc="left")
