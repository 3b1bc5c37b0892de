"""Learning curves of trials and of a training."""

from __future__ import annotations

import pytest

from nas_controller.campaigns.figure_data import Curve, Curves
from nas_controller.drawings.curves import curves, training_curve
from nas_controller.drawings.sheet import NothingToDrawError, Sheet
from nas_controller.entities import TrainingRowDocument
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
