"""The reward by trial and AP over costs: each trial at its place, with its tip and number."""

from __future__ import annotations

import pytest

from nas_controller.campaigns import figure_data
from nas_controller.campaigns.figure_data import CostReward, Progress
from nas_controller.drawings.costs import cost_reward
from nas_controller.drawings.progress import best_so_far, progress
from nas_controller.drawings.sheet import NothingToDrawError, Sheet
from nas_controller.store.downsampling import Sampled
from tests.support.drawn_figures import Drawn

Row = tuple[int, float, int | None, str]

ROWS = (
    (0, 0.3, None, "completed"), (1, 0.28, None, "completed"), (2, 0.0, None, "failed"), (3, 0.32, None, "completed"),
    (4, 0.28, 1, "completed"),
)  # fmt: skip
SHEETS = [Sheet(320), Sheet(1160)]


def figure(rows: tuple[Row, ...] = ROWS, of: int = 5) -> Progress:
    return figure_data.progress(Sampled(rows, of, 0.3, None))


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_trial_is_a_mark_at_its_place(sheet: Sheet) -> None:
    drawn = Drawn(progress(figure(), sheet))
    assert drawn.tips("point") == ["trial 0 · AP 0.300", "trial 1 · AP 0.280", "trial 3 · AP 0.320"]
    assert [mark.get("data-trial") for mark in drawn.marks("point")] == ["0", "1", "3"]
    assert drawn.tips("repeat") == ["trial 4 · AP 0.280"]
    assert drawn.tips("zero") == ["trial 2 · reward 0"]
    first, second, third = ((float(mark.attrib["cx"]), float(mark.attrib["cy"])) for mark in drawn.marks("point"))
    assert first[0] < second[0] < third[0]
    assert third[1] < first[1] < second[1]
    assert (third[0] - first[0]) == pytest.approx(3 * (second[0] - first[0]), abs=0.3)
    assert drawn.outside() == []
    assert {"trial", "repeat of an architecture", "reward 0, at the lower edge", "best so far", "baseline"} <= {
        *drawn.texts()
    }


def test_a_sample_says_so() -> None:
    assert "5 of 5,000 trials shown" in Drawn(progress(figure(of=5_000), Sheet())).texts()
    assert not any("shown" in text for text in Drawn(progress(figure(), Sheet())).texts())


def test_only_failed_trials_can_be_drawn() -> None:
    drawn = Drawn(progress(figure_data.progress(Sampled(((0, 0.0, None, "failed"),), 1, None, None)), Sheet()))
    assert drawn.tips("zero") == ["trial 0 · reward 0"]
    assert drawn.outside() == []


def test_nothing_is_drawn_before_the_first_reward() -> None:
    with pytest.raises(NothingToDrawError, match="no trial has a reward yet"):
        progress(figure(()), Sheet())
    with pytest.raises(NothingToDrawError, match="none of these campaigns"):
        best_so_far([("a", figure(())), ("b", figure(()))], Sheet())


def test_the_average_is_of_measured_and_evenly_sampled_trials() -> None:
    outcomes = ((0, 0.2, "completed"), (3, 0.9, "completed"), (4, 0.0, "failed"), (8, 0.4, "completed"))
    rows = tuple((number, reward, None, state) for number, reward, state in outcomes)
    average, span = figure_data.moving_average(Sampled(rows, 12, None, None, stride=4))
    assert average == pytest.approx([0.2, 0.2, 0.2, 0.3])
    assert span == 4 * figure_data.AVERAGE_TRIALS


def test_a_completed_trial_without_ap_lowers_the_average() -> None:
    rows = ((0, 0.4, None, "completed"), (1, 0.0, None, "completed"), (2, 0.0, None, "failed"))
    average, _ = figure_data.moving_average(Sampled(rows, 3, None, None))
    assert average == pytest.approx([0.4, 0.2, 0.2])


def test_the_average_forgets_old_trials() -> None:
    rows = tuple((number, 0.1 if number < 30 else 0.2, None, "completed") for number in range(60))
    average, span = figure_data.moving_average(Sampled(rows, 60, None, None))
    assert span == 20
    assert average[29] == pytest.approx(0.1)
    assert average[39] == pytest.approx(0.15)
    assert average[-1] == pytest.approx(0.2)


@pytest.mark.parametrize("sheet", SHEETS)
def test_campaigns_are_compared_by_their_best_so_far(sheet: Sheet) -> None:
    series = [(f"campaign {index} <&>", figure()) for index in range(5)]
    drawn = Drawn(best_so_far(series, sheet))
    for place, (name, _) in enumerate(series, start=1):
        tips = drawn.tips(f"series-mark-{place}")
        assert tips == [f"{name}, trial 0 · best so far 0.300", f"{name}, trial 3 · best so far 0.320"]
        assert name in drawn.texts()
    assert drawn.outside() == []


COSTS = CostReward(
    "params", [1, 2, 3], [4_000_000, 5_000_000, 4_500_000], [0.31, 0.33, 0.30], [1, 2], 4_600_000, 0.3, 3
)


@pytest.mark.parametrize("sheet", SHEETS)
def test_costs_have_the_front_and_the_baseline(sheet: Sheet) -> None:
    drawn = Drawn(cost_reward(COSTS, sheet))
    assert drawn.tips("best-mark") == [
        "trial 1 · AP 0.310 · 4.00 M parameters · on the front",
        "trial 2 · AP 0.330 · 5.00 M parameters · on the front",
    ]
    assert drawn.tips("point") == ["trial 3 · AP 0.300 · 4.50 M parameters"]
    assert drawn.tips("baseline-mark") == ["baseline · AP 0.300 · 4.60 M parameters"]
    assert drawn.outside() == []


def test_the_window_is_that_of_the_paper_and_wider_only_for_trials_outside() -> None:
    figure = COSTS._replace(unit="madds", cost=[1.95e9, 2.0e9, 2.1e9], baseline_cost=2e9)
    drawn = Drawn(cost_reward(figure, Sheet(), 2e9))
    labels = [float(text.replace(",", "")) for text in drawn.texts() if text.replace(",", "").isdigit()]
    assert 1600 <= min(labels) < 1700 < 2300 < max(labels) <= 2400
    assert "target" in drawn.texts()
    assert drawn.tips("best-mark") == []
    wide = Drawn(cost_reward(figure._replace(cost=[1.2e9, 2.0e9, 2.1e9]), Sheet(), 2e9))
    assert len(wide.tips("point")) == 3
    assert wide.outside() == []


def test_a_cost_that_no_trial_has_is_not_drawn() -> None:
    with pytest.raises(NothingToDrawError, match="latency"):
        cost_reward(CostReward("latency_ratio", [], [], [], [], None, None, 0), Sheet())
