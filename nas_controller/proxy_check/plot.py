"""The plot of a proxy check: the scatter of each architecture's rewards, and its ranking against the reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from nas_controller.proxy_check.findings import ArchitectureRow, Findings
from nas_controller.proxy_check.statistics import Estimate
from nas_controller.proxy_check.study import UNIFORM
from search_space.errors import InvalidValueError

SUFFIXES = (".svg", ".png")

_NUMBERS_SHOWN = 24
_MEAN, _SEED, _UNIFORM = "#1f4e79", "#8fb4d9", "#d1622b"
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "effspine",
}


def check_suffix(path: Path) -> None:
    """Raises InvalidValueError for a suffix other than those of SVG and PNG."""
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidValueError(f"plot is {path}; its name must end in {' or '.join(SUFFIXES)}", field="plot")


def write_plot(findings: Findings, path: Path) -> None:
    """Writes the plot as SVG or PNG, by the suffix. Raises InvalidValueError, as `write_figure`."""
    write_figure(lambda: draw(findings), path)


def write_figure(drawn: Callable[[], Figure], path: Path) -> None:
    """Writes the figure that `drawn` makes as SVG or PNG, by the suffix; equal figures give equal bytes.

    Raises InvalidValueError for another suffix, and for a file that cannot be written.
    """
    check_suffix(path)
    with rc_context(_STYLE):
        figure = drawn()
        # Without a date in the file, equal figures give equal bytes.
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        try:
            figure.savefig(path, dpi=200, metadata=metadata)
        except OSError as error:
            raise InvalidValueError(f"the plot cannot be written to {path}: {error.strerror}", field="plot") from error


def draw(findings: Findings) -> Figure:
    """The plot: rewards by architecture and, if there is a reference, proxy against reference."""
    trained = [row for row in findings.rows if row.spread is not None]
    compared = [row for row in trained if row.reference is not None]
    figure = Figure(figsize=(8.2, 3.4) if compared else (4.6, 3.4), layout=ConstrainedLayoutEngine(wspace=0.05))
    FigureCanvasAgg(figure)
    panels = 2 if compared else 1
    _draw_rewards(figure.add_subplot(1, panels, 1), findings, trained)
    if compared:
        _draw_ranking(figure.add_subplot(1, panels, 2), findings, compared)
    return figure


def _draw_rewards(axes: Axes, findings: Findings, rows: list[ArchitectureRow]) -> None:
    """The architectures in the order of their means, with a dot per seed."""
    ordered = sorted(rows, key=lambda row: (_mean(row), row.number))
    points = [(x, reward) for x, row in enumerate(ordered) for reward in row.rewards if reward is not None]
    if points:
        axes.plot(*np.transpose(points), "o", ms=4, color=_SEED, label="one seed")
        axes.plot(range(len(ordered)), [_mean(row) for row in ordered], "_", ms=9, mew=2, color=_MEAN, label="mean")
        for x, row in enumerate(ordered):
            if row.name == UNIFORM:
                axes.plot(x, _mean(row), "_", ms=9, mew=2, color=_UNIFORM, label="mean of the uniform baseline")
        axes.legend(loc="upper left", handletextpad=0.4)
    if len(ordered) <= _NUMBERS_SHOWN:
        axes.set_xticks(range(len(ordered)), [str(row.number) for row in ordered])
    else:
        axes.set_xticks([])
    axes.grid(axis="x", visible=False)
    axes.set_ylim(*_limits([reward for _, reward in points]))
    axes.set_xlabel("architecture, by mean reward")
    axes.set_ylabel("reward of the proxy")
    axes.set_title(f"ICC(1) {_formatted(findings.intraclass_one_way)}", loc="left")


def _limits(rewards: list[float]) -> tuple[float, float]:
    """Ends of the axis: not from zero, where the differences between architectures would vanish, and with space for the
    legend at the top.
    """
    low, high = min(rewards, default=0.0), max(rewards, default=1.0)
    height = high - low or high or 1.0
    return max(0.0, low - 0.15 * height), high + 0.75 * height


def _draw_ranking(axes: Axes, findings: Findings, rows: list[ArchitectureRow]) -> None:
    """The mean of the proxy and its range over the seeds against the reference."""
    for row in rows:
        mean, reference = _mean(row), row.reference
        assert reference is not None
        seed_rewards = [reward for reward in row.rewards if reward is not None]
        axes.plot([min(seed_rewards), max(seed_rewards)], [reference, reference], "-", lw=1, color=_SEED, zorder=1)
        axes.plot(mean, reference, "o", ms=5, color=_UNIFORM if row.name == UNIFORM else _MEAN)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_xlabel("reward of the proxy, mean and range over the seeds")
    axes.set_ylabel("reward of the reference")
    axes.set_title(f"Kendall tau of one seed {_formatted(findings.correlation.kendall_of_one_seed)}", loc="left")


def _mean(row: ArchitectureRow) -> float:
    assert row.spread is not None
    return row.spread.mean


def _formatted(estimate: Estimate | None) -> str:
    return "unknown" if estimate is None else f"{estimate.value:.2f} (95 %: {estimate.low:.2f} to {estimate.high:.2f})"
