"""Learning curves: of a campaign's trials, of one trial, and of one training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nas_controller.campaigns.figure_data import Curve, Curves
from nas_controller.drawings.chart import Axis, Box, Entry, Plot, chart, dots, legend, polyline
from nas_controller.drawings.scales import padded
from nas_controller.drawings.sheet import Canvas, NothingToDrawError, Sheet, tipped
from nas_controller.drawings.style import SERIES
from nas_controller.entities import CurvePoint, TrainingRowDocument
from nas_controller.states import BASELINE_TRIAL

Points = list[tuple[float, float]]
_SHOWN = (("loss", "loss"), ("ap", "AP"))
_LEAST_LOSS = 1e-6
_MARKED = 60
"""A curve of more points has marks at some of them only, which are invisible and carry its tips."""


class _Line(NamedTuple):
    role: str
    mark: str
    name: str
    points: Points
    trial: int | None = None


def curves(figure: Curves, best: int | None, sheet: Sheet) -> str:
    """Loss and AP by step of a few trials; those of the baseline and of the trial `best` stand out.

    Raises NothingToDrawError before the first measurement.
    """
    panels = [
        (title, [_trial_line(curve, series, best) for curve in figure.curves if _points(curve, series)])
        for series, title in _SHOWN
    ]
    panels = [(title, lines) for title, lines in panels if lines]
    if not panels:
        raise NothingToDrawError("no trial has reported a loss or an AP yet")
    trials = ", ".join(str(number) for number in dict.fromkeys(curve.number for curve in figure.curves))
    canvas = Canvas(sheet, "curves", "Learning curves", f"Learning curves of the trials {trials}, by step.")
    roles = {line.role for _, lines in panels for line in lines}
    entries = [
        entry
        for role, entry in (
            ("grey", Entry("line", "grey", "baseline")),
            ("best", Entry("line", "best", f"best, trial {best}")),
            ("other", Entry("line", "other", "other latest trials")),
        )
        if role in roles
    ]
    top = legend(canvas, canvas.left, canvas.right, canvas.top, entries)
    return canvas.finish(_panels(canvas, top, panels))


def trial_curve(number: int, own: Sequence[CurvePoint], baseline: Sequence[CurvePoint], sheet: Sheet) -> str:
    """Loss and AP by step of each attempt at one trial, beside the latest attempt at the baseline.

    Raises NothingToDrawError before the trial's first measurement.
    """
    panels = [(title, _attempts(number, own, baseline, series)) for series, title in _SHOWN]
    panels = [(title, lines) for title, lines in panels if lines and lines[-1].role != "grey"]
    if not panels:
        raise NothingToDrawError(f"trial {number} has reported no loss and no AP")
    ends = [(title, *lines[-1].points[-1]) for title, lines in panels]
    latest = "; ".join(f"{title} {_value(title, value)} at step {step:,.0f}" for title, step, value in ends)
    canvas = Canvas(sheet, "curve", "Learning curve", f"Learning curve of trial {number}: {latest}.")
    roles = {line.role: line.name for _, lines in panels for line in lines}
    names = {**roles, "other": "earlier attempts"}
    top = canvas.top
    if len(roles) > 1:
        entries = [Entry("line", role, names[role]) for role in ("best", "other", "grey") if role in roles]
        top = legend(canvas, canvas.left, canvas.right, top, entries)
    return canvas.finish(_panels(canvas, top, panels))


def _attempts(number: int, own: Sequence[CurvePoint], baseline: Sequence[CurvePoint], series: str) -> list[_Line]:
    """A line for each attempt that has values of the series, that of the latest one last."""
    lines = []
    for curve, is_own in ((baseline, False), (own, True)):
        latest = max((point.attempt for point in curve), default=0)
        for attempt in dict.fromkeys(point.attempt for point in curve if is_own or point.attempt == latest):
            role = ("best" if attempt == latest else "other") if is_own else "grey"
            name = "baseline" if not is_own else f"trial {number}" + (f", attempt {attempt}" if latest > 1 else "")
            points: Points = [(p.step, p.values[series]) for p in curve if p.attempt == attempt and series in p.values]
            lines.append(_Line(role, f"{role}-mark", name, points))
    return [line for line in lines if line.points]


def compared_curves(trials: Sequence[tuple[str, Sequence[CurvePoint]]], sheet: Sheet) -> str:
    """Loss and AP by step of the latest attempt at each of a few trials, which have names.

    Raises NothingToDrawError where none has reported a measurement.
    """
    panels = []
    for series, title in _SHOWN:
        lines = []
        for place, (name, curve) in enumerate(trials, start=1):
            latest = max((point.attempt for point in curve), default=0)
            points: Points = [(p.step, p.values[series]) for p in curve if p.attempt == latest and series in p.values]
            lines.append(_Line(f"series-{place}", f"series-mark-{place}", name, points))
        panels.append((title, [line for line in lines if line.points]))
    panels = [(title, lines) for title, lines in panels if lines]
    if not panels:
        raise NothingToDrawError("none of the trials has reported a loss or an AP")
    shown = {line.role: line.name for _, lines in panels for line in lines}
    canvas = Canvas(sheet, "curves", "Learning curves", f"Learning curves of {', '.join(shown.values())}, by step.")
    entries = [Entry("line", role, name) for role, name in sorted(shown.items())]
    top = legend(canvas, canvas.left, canvas.right, canvas.top, entries)
    return canvas.finish(_panels(canvas, top, panels))


def training_curve(rows: Sequence[TrainingRowDocument], metric: str, sheet: Sheet) -> str:
    """The main metric of each evaluation of a training, and each loss of each logged step.

    Raises NothingToDrawError before the first logged step.
    """
    if not rows:
        raise NothingToDrawError("the training has not logged a step yet")
    evaluated: Points = [
        (row.step, value) for row in rows if row.metrics and (value := row.metrics.get(metric)) is not None
    ]
    names = list(dict.fromkeys(name for row in rows for name in row.losses))
    losses = [
        _Line(
            f"series-{index % SERIES + 1}", f"series-mark-{index % SERIES + 1}", name,
            [(row.step, row.losses[name]) for row in rows if row.losses.get(name, 0.0) > _LEAST_LOSS],
        )
        for index, name in enumerate(names)
    ]  # fmt: skip
    losses = [line for line in losses if line.points]
    title = "AP" if metric == "ap" else metric
    panels = [(title, [_Line("best", "best-mark", title, evaluated)])] if evaluated else []
    panels += [("loss", losses)] if losses else []
    if not panels:
        raise NothingToDrawError("the training has logged no loss above 0 and no evaluation yet")
    latest = f"; latest {title} {evaluated[-1][1]:.4f}" if evaluated else ""
    canvas = Canvas(sheet, "curve", f"{title} and losses by step", f"Curves over {rows[-1].step:,} steps{latest}.")
    top = canvas.top
    if len(losses) > 1:
        entries = [Entry("line", line.role, line.name) for line in losses]
        top = legend(canvas, canvas.left, canvas.right, top, entries)
    return canvas.finish(_panels(canvas, top, panels))


def _panels(canvas: Canvas, top: float, panels: Sequence[tuple[str, list[_Line]]]) -> float:
    """Draws the panels side by side, or one below the other where it is narrow; returns their bottom."""
    gap, count = 32.0, len(panels)
    width = (canvas.width - gap * (count - 1)) / count
    bottom = top
    for index, (title, lines) in enumerate(panels):
        left, upper = canvas.left + index * (width + gap), top
        box = Box(left, left + width, upper, 230.0)
        if canvas.is_narrow:
            box = Box(canvas.left, canvas.right, bottom + (14 if index else 0), 190.0)
        bottom = max(bottom, _panel(canvas, box, title, lines).bottom)
    return bottom


def _panel(canvas: Canvas, box: Box, title: str, lines: Sequence[_Line]) -> Plot:
    steps = [step for line in lines for step, _ in line.points]
    values = [value for line in lines for _, value in line.points]
    is_log = title == "loss" and min(values) > 0
    low, high = (min(values) / 1.1, max(values) * 1.1) if is_log else padded(values, least=1e-3)
    first, last = min(steps), max(steps)
    margin = max(0.5, 0.01 * (last - first))
    y_title = f"{title}, logarithmic" if is_log else title
    x = Axis("step", first - margin, last + margin, is_whole=True)
    plot = chart(canvas, box, x, Axis(y_title, low, high, is_log=is_log))
    for line in sorted(lines, key=lambda line: _ORDER.get(line.role, 1)):
        at = [(plot.x(step), plot.y(value)) for step, value in line.points]
        if len(at) > 1:
            canvas.add(polyline(line.role, at))
        every = max(1, len(at) // _MARKED)
        marked = [index for index in range(len(at)) if (len(at) - 1 - index) % every == 0]
        more = "" if len(at) <= _MARKED else ' fill-opacity="0"'
        tips = ((*at[i], tipped(_tip(line, title, *line.points[i]), line.trial) + more) for i in marked)
        canvas.extend(dots(line.mark, tips, 3.0))
    return plot


_ORDER = {"other": 0, "grey": 2, "best": 3}


def _tip(line: _Line, title: str, step: float, value: float) -> str:
    return f"{line.name} · step {step:,.0f} · {title} {_value(title, value)}"


def _value(title: str, value: float) -> str:
    return f"{value:.4g}" if title == "loss" else f"{value:.3f}"


def _points(curve: Curve, series: str) -> Points:
    values = curve.series.get(series, [])
    return [(step, value) for step, value in zip(curve.step, values, strict=False) if value is not None]


def _trial_line(curve: Curve, series: str, best: int | None) -> _Line:
    name = f"trial {curve.number}" + (f", attempt {curve.attempt}" if curve.attempt > 1 else "")
    role = "best" if curve.number == best else "grey" if curve.number == BASELINE_TRIAL else "other"
    return _Line(role, f"{role}-mark", name, _points(curve, series), curve.number)
