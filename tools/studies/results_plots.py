"""The figures of `docs/results.md`: the learning curve, and Figures 3 and 5 of the paper, from rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from nas_controller.proxy_check.plot import write_figure
from nas_controller.proxy_check.study import UNIFORM
from nas_controller.states import BASELINE_TRIAL
from search_space.cost import cost_report
from search_space.topology import BLOCKS
from tools.studies.finals import PUBLISHED, architecture
from tools.studies.results_findings import RANDOM, REINFORCE, WINNER, baseline_of, sampled, smoothed
from tools.studies.rows import Finalist, Rows, Trial

LEARNING_CURVE, FIGURE_3, FIGURE_5 = "learning-curve.svg", "figure-3.svg", "figure-5.svg"
COLOURS = {UNIFORM: "#d1622b", WINNER: "#1f4e79", PUBLISHED: "#9aa5ad", REINFORCE: "#1f4e79", RANDOM: "#9aa5ad"}
RANGE = 0.2
"""Figure 5 shows multi-adds within this share of the baseline's, as in the paper."""
_BAR = 0.27


def write_plots(rows: Rows, directory: Path) -> None:
    """Writes the three figures as SVG; equal rows give equal bytes. Raises InvalidValueError."""
    write_figure(lambda: learning_curve(rows), directory / LEARNING_CURVE)
    write_figure(lambda: resources(rows.finalists), directory / FIGURE_3)
    write_figure(lambda: cost_and_ap(rows.trials), directory / FIGURE_5)


def learning_curve(rows: Rows) -> Figure:
    """The mean AP of consecutive trials, and the highest so far, of both searches; the baseline's AP as a line."""
    figure = _figure(6.4)
    axes = figure.add_subplot()
    for search in rows.searches:
        numbers, means, highest = smoothed(sampled(rows.trials, search.name))
        colour = COLOURS[search.name]
        axes.plot(numbers, means, "-", lw=1.5, color=colour, label=f"{search.algorithm}, mean")
        axes.step(
            numbers, highest, ":", where="post", lw=1.2, color=colour, label=f"{search.algorithm}, highest so far"
        )
    uniform = baseline_of(rows.trials)
    axes.axhline(uniform.ap, lw=0.9, color=COLOURS[UNIFORM], label="uniform baseline")
    axes.set_xlabel("trials")
    axes.set_ylabel("AP of a trial")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def resources(finalists: Sequence[Finalist]) -> Figure:
    """Figure 3: width and multi-adds of each block, of the baseline, the winner and the published widths."""
    shown = [finalist for label in (UNIFORM, WINNER, PUBLISHED) for finalist in finalists if finalist.label == label]
    figure = _figure(9.6)
    left, right = figure.subplots(1, 2)
    for place, finalist in enumerate(shown):
        blocks = cost_report(architecture(finalist)).blocks
        positions = [number + (place - 1) * _BAR for number in range(len(blocks))]
        style = {"width": _BAR, "color": COLOURS[finalist.label], "label": finalist.label}
        left.bar(positions, [block.width for block in blocks], **style)
        right.bar(positions, [block.madds / 1e6 for block in blocks], **style)
    for axes, name in ((left, "width of the block, channels"), (right, "multi-adds of the block, millions")):
        axes.set_xticks(range(len(BLOCKS)), [f"L{block.level}" for block in BLOCKS])
        axes.tick_params(axis="x", labelsize=7)
        axes.grid(axis="x", visible=False)
        axes.set_xlabel("level of the block, in the order of the blocks")
        axes.set_ylabel(name)
    left.legend(loc="upper left")
    return figure


def cost_and_ap(trials: Sequence[Trial]) -> Figure:
    """Figure 5: multi-adds (left) and parameters (right) of the trials against their AP."""
    figure = _figure(9.6)
    uniform = baseline_of(trials)
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_costs(left, trials, [trial.madds / 1e9 for trial in trials], uniform.madds / 1e9)
    left.set_xlim((1 - RANGE) * uniform.madds / 1e9, (1 + RANGE) * uniform.madds / 1e9)
    left.set_xlabel("multi-adds, billions")
    left.set_ylabel("AP of a trial")
    _draw_costs(right, trials, [trial.params / 1e6 for trial in trials], uniform.params / 1e6)
    right.set_xlabel("parameters, millions")
    right.legend(loc="lower right", markerscale=2)
    return figure


def _draw_costs(axes: Axes, trials: Sequence[Trial], costs: Sequence[float], uniform_cost: float) -> None:
    for search in (RANDOM, REINFORCE):
        points = [
            (cost, trial.ap)
            for cost, trial in zip(costs, trials, strict=True)
            if trial.search == search and trial.number != BASELINE_TRIAL
        ]
        # As an image: thousands of vector points would be larger than everything else.
        axes.plot(
            *zip(*points, strict=True),
            "o",
            ms=2,
            mew=0,
            alpha=0.5,
            color=COLOURS[search],
            label=search,
            rasterized=True,
        )
    axes.plot(uniform_cost, baseline_of(trials).ap, "D", ms=5, color=COLOURS[UNIFORM], label="uniform baseline")


def _figure(width: float) -> Figure:
    figure = Figure(figsize=(width, 3.2), layout=ConstrainedLayoutEngine(wspace=0.05))
    FigureCanvasAgg(figure)
    return figure
