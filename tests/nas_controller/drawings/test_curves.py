"""Learning curves of trials and of a training."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nas_controller.campaigns.figure_data import Curve, Curves
from nas_controller.drawings.curves import curves, training_curve, trial_curve
from nas_controller.drawings.sheet import NothingToDrawError, Sheet
from nas_controller.entities import CurvePoint, TrainingRowDocument
from tests.support.drawn_figures import Drawn

SHEETS = [Sheet(320), Sheet(1160)]


def _curve(number: int, attempt: int = 1) -> Curve:
    return Curve(number, attempt, [10, 20], {"ap": [None, 0.3], "loss": [2.0, 1.0], "seconds": [1.0, 2.0]}, 2)


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_baseline_and_the_best_stand_out(sheet: Sheet) -> None:
    drawn = Drawn(curves(Curves([_curve(0), _curve(4), _curve(9, attempt=2)]), 4, sheet))
    assert drawn.tips("grey-mark") == [
        "trial 0 · step 10 · loss 2",
        "trial 0 · step 20 · loss 1",
        "trial 0 · step 20 · AP 0.300",
    ]
    assert len(drawn.marks("best-mark")) == 3
    assert drawn.tips("other-mark")[0] == "trial 9, attempt 2 · step 10 · loss 2"
    assert {"baseline", "best, trial 4", "other latest trials"} <= set(drawn.texts())
    assert drawn.outside() == []


def test_curves_without_a_loss_or_an_ap_are_not_drawn() -> None:
    with pytest.raises(NothingToDrawError, match="no trial has reported"):
        curves(Curves([Curve(0, 1, [5], {"seconds": [1.0]}, 1)]), None, Sheet())


def _points(attempt: int, **series: list[float]) -> list[CurvePoint]:
    """An attempt that has measured these series at the steps 10, 20, ..."""
    at = datetime(2026, 11, 22, tzinfo=UTC)
    steps = range(1, 1 + max(map(len, series.values())))
    values = [{name: of[step - 1] for name, of in series.items() if step <= len(of)} for step in steps]
    return [
        CurvePoint(attempt=attempt, step=10 * step, at=at, values=each)
        for step, each in zip(steps, values, strict=True)
    ]


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_trial_has_each_attempt_beside_the_latest_of_the_baseline(sheet: Sheet) -> None:
    own = [*_points(1, loss=[3.0]), *_points(2, loss=[2.0, 1.0], ap=[0.1, 0.25])]
    baseline = [*_points(1, loss=[9.0]), *_points(2, loss=[2.5], ap=[0.2])]
    drawn = Drawn(trial_curve(7, own, baseline, sheet))
    assert drawn.tips("best-mark")[::3] == [
        "trial 7, attempt 2 · step 10 · loss 2",
        "trial 7, attempt 2 · step 20 · AP 0.250",
    ]
    assert drawn.tips("other-mark") == ["trial 7, attempt 1 · step 10 · loss 3"]
    assert drawn.tips("grey-mark") == ["baseline · step 10 · loss 2.5", "baseline · step 10 · AP 0.200"]
    assert {"trial 7, attempt 2", "earlier attempts", "baseline"} <= set(drawn.texts())
    assert drawn.named("desc") == "Learning curve of trial 7: loss 1 at step 20; AP 0.250 at step 20."
    assert drawn.outside() == []


def test_the_curve_of_one_attempt_needs_no_legend_and_no_figure_of_the_baseline_alone() -> None:
    drawn = Drawn(trial_curve(0, _points(1, loss=[2.0, 1.0]), (), Sheet()))
    assert drawn.tips("best-mark")[0] == "trial 0 · step 10 · loss 2"
    assert "trial 0" not in drawn.texts()
    of_loss = Drawn(trial_curve(3, _points(1, loss=[2.0]), _points(1, ap=[0.2]), Sheet()))
    assert of_loss.marks("grey-mark") == []
    with pytest.raises(NothingToDrawError, match="trial 3 has reported no loss and no AP"):
        trial_curve(3, _points(1, seconds=[1.0]), _points(1, loss=[2.0]), Sheet())


def _row(step: int, losses: dict[str, float], ap: float | None = None) -> TrainingRowDocument:
    metrics = None if ap is None else {"ap": ap}
    return TrainingRowDocument(step=step, epoch=1.0, learning_rate=0.1, losses=losses, metrics=metrics, seconds=1.0)


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_training_has_its_metric_and_its_losses(sheet: Sheet) -> None:
    losses = {"loss <1>": 2.0, "boxes": 0.5}
    drawn = Drawn(training_curve([_row(10, losses), _row(20, losses, 0.31)], "ap", sheet))
    assert drawn.tips("best-mark") == ["AP · step 20 · AP 0.310"]
    assert drawn.tips("series-mark-1")[0] == "loss <1> · step 10 · loss 2"
    assert drawn.tips("series-mark-2")[1] == "boxes · step 20 · loss 0.5"
    assert {"loss <1>", "boxes"} <= set(drawn.texts())
    assert drawn.outside() == []


def test_a_training_without_evaluations_or_steps() -> None:
    drawn = Drawn(training_curve([_row(10, {"loss": 2.0})], "ap", Sheet()))
    assert drawn.tips("best-mark") == []
    assert drawn.outside() == []
    with pytest.raises(NothingToDrawError, match="not logged a step"):
        training_curve([], "ap", Sheet())
    with pytest.raises(NothingToDrawError, match="no loss above 0"):
        training_curve([_row(10, {"loss": 0.0})], "ap", Sheet())
