"""The reward by trial: points, moving average, best so far and baseline; and the best so far of several campaigns."""

from __future__ import annotations

from collections.abc import Sequence

from nas_controller.campaigns.figure_data import Progress
from nas_controller.drawings.chart import Axis, Box, Entry, Plot, chart, cross, dots, legend, polyline, steps
from nas_controller.drawings.scales import padded
from nas_controller.drawings.sheet import Canvas, NothingToDrawError, Sheet, shortened, tipped
from nas_controller.drawings.style import styled
from search_space.diagram.svg import length

MANY = 400
"""From so many points on they are drawn smaller."""
LEAST_AP = 0.01
"""An axis of AP spans at least this much, so that noise does not look like progress."""


def progress(figure: Progress, sheet: Sheet) -> str:
    """The reward of each trial. Raises NothingToDrawError before the first reward."""
    if not figure.number:
        raise NothingToDrawError("no trial has a reward yet")
    best = f"best {figure.best[-1]:.3f}, baseline {_ap(figure.baseline)}"
    canvas = Canvas(sheet, "progress", "AP by trial", f"AP of {figure.of:,} trials by number; {best}.")
    entries = [Entry("dot", "point", "trial")]
    if any(figure.repeated):
        entries.append(Entry("ring", "repeat", "repeat of an architecture"))
    zeros = [number for number, reward in zip(figure.number, figure.reward, strict=True) if reward <= 0]
    if zeros:
        entries.append(Entry("cross", "zero", "reward 0, at the lower edge"))
    entries.append(Entry("line", "average", f"mean of the last {figure.average_over:,}"))
    entries.append(Entry("line", "best", "best so far"))
    if figure.baseline is not None:
        entries.append(Entry("line", "baseline", "baseline"))
    top = legend(canvas, canvas.left, canvas.right, canvas.top, entries)
    known = [reward for reward in figure.reward if reward > 0] or [0.0]
    y = Axis("AP", *padded([*known, *([figure.baseline] if figure.baseline else [])], least=LEAST_AP))
    plot = chart(canvas, _box(canvas, top), _trials(figure.number), y, _note(len(figure.number), figure.of))
    _marks(canvas, plot, figure)
    canvas.extend(
        cross("zero", plot.x(number), plot.y.start - 4, tipped(f"trial {number} · reward 0", number))
        for number in zeros
    )
    _lines(canvas, plot, figure)
    return canvas.finish(plot.bottom)


def best_so_far(series: Sequence[tuple[str, Progress]], sheet: Sheet) -> str:
    """The best reward up to each trial of several campaigns, by their names, with their baselines as dots at trial 0.

    Raises NothingToDrawError before the first reward of any.
    """
    shown = [(place, name, figure) for place, (name, figure) in enumerate(series, start=1) if figure.number]
    if not shown:
        raise NothingToDrawError("none of these campaigns has a reward yet")
    names = ", ".join(f"{name}: {figure.best[-1]:.3f}" for _, name, figure in shown)
    canvas = Canvas(sheet, "compare-progress", "Best AP so far by trial", f"Best AP so far by trial. {names}.")
    top = legend(
        canvas, canvas.left, canvas.right, canvas.top,
        [Entry("line", f"series-{place}", shortened(name, canvas.width - 60)) for place, name, _ in shown],
    )  # fmt: skip
    bests = [best for _, _, figure in shown for best in figure.best if best > 0]
    x = _trials([number for _, _, figure in shown for number in figure.number])
    plot = chart(canvas, _box(canvas, top), x, Axis("best AP so far", *padded(bests or [0.0], least=LEAST_AP)))
    for place, name, figure in shown:
        rises = _rises(figure)
        if not rises:
            continue
        at = [(plot.x(number), plot.y(best)) for number, best in rises]
        canvas.add(steps(f"series-{place}", at, plot.x(figure.number[-1])))
        tips = (tipped(f"{name}, trial {number} · best so far {best:.3f}") for number, best in rises)
        canvas.extend(dots(f"series-mark-{place}", ((*point, tip) for point, tip in zip(at, tips, strict=True)), 2.6))
    return canvas.finish(plot.bottom)


def _marks(canvas: Canvas, plot: Plot, figure: Progress) -> None:
    radius = 3.4 if len(figure.number) <= MANY else 2.2
    for role, is_repeat in (("repeat", True), ("point", False)):
        canvas.extend(
            dots(
                role,
                (
                    (plot.x(number), plot.y(reward), tipped(f"trial {number} · AP {reward:.3f}", number))
                    for number, reward, repeated in zip(figure.number, figure.reward, figure.repeated, strict=True)
                    if reward > 0 and repeated is is_repeat
                ),
                radius,
            )
        )


def _lines(canvas: Canvas, plot: Plot, figure: Progress) -> None:
    left, _, right, _ = plot.box()
    if figure.baseline:
        y = length(plot.y(figure.baseline))
        canvas.add(f'<path {styled("baseline")} d="M{length(left)} {y} H{length(right)}"/>')
    pairs = zip(figure.number, figure.average, strict=True)
    averages = [(plot.x(number), plot.y(mean)) for number, mean in pairs if mean is not None]
    if len(averages) > 1:
        canvas.add(polyline("average", averages))
    bests = _rises(figure)
    if bests:
        canvas.add(steps("best", [(plot.x(number), plot.y(best)) for number, best in bests], plot.x(figure.number[-1])))


def _rises(figure: Progress) -> list[tuple[int, float]]:
    """The trials with a new best reward, above 0, and that reward."""
    return [
        (number, best)
        for number, best, before in zip(figure.number, figure.best, [0.0, *figure.best], strict=False)
        if best > before
    ]


def _trials(numbers: Sequence[int]) -> Axis:
    low, high = min(numbers), max(numbers)
    margin = max(0.5, 0.01 * (high - low))
    return Axis("trial", low - margin, high + margin, is_whole=True)


def _box(canvas: Canvas, top: float) -> Box:
    return Box(canvas.left, canvas.right, top, 220.0 if canvas.is_narrow else 270.0)


def _note(shown: int, of: int) -> str:
    return f"{shown:,} of {of:,} trials shown" if shown < of else ""


def _ap(value: float | None) -> str:
    return "not known yet" if value is None else f"{value:.3f}"
