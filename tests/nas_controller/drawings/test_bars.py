"""Channels and shares of the multi-adds as bars, and what a search has learned in words."""

from __future__ import annotations

import pytest

from nas_controller.campaigns.figure_data import Widths
from nas_controller.campaigns.resource_shares import Shares, block_shares, learned_sentence, level_shares, shares
from nas_controller.drawings.bars import Series, shares_of, widths, widths_of
from nas_controller.drawings.bars import shares as draw_shares
from nas_controller.drawings.sheet import NothingToDrawError, Sheet
from nas_controller.store import Store
from search_space.cost import cost_report
from search_space.published import BASES
from search_space.topology import BLOCKS
from tests.support.drawn_figures import Drawn
from tests.support.recorder import Recorder

BASE = BASES["sp-efficientnet-b0"]
BASELINE = [16 + 8 * index for index in range(18)]
BEST = [8 * (index + 1) for index in range(18)]
SHEETS = [Sheet(320), Sheet(1160)]


@pytest.mark.parametrize("sheet", SHEETS)
def test_bars_are_as_high_as_their_channels(sheet: Sheet) -> None:
    drawn = Drawn(widths(Widths(list(range(1, 19)), BASELINE, BEST, 41, 0.31), sheet))
    tips = drawn.tips("bar-best")
    assert tips == drawn.tips("bar-baseline")
    assert tips[2] == "block 3, L2 · baseline 32 channels · best, trial 41 24 channels"
    heights = [float(mark.attrib["height"]) for mark in drawn.marks("bar-best")]
    assert heights == pytest.approx([heights[0] * width / BEST[0] for width in BEST], abs=0.1)
    shown = BLOCKS[:: 2 if sheet.width == 320 else 1]  # fewer labels on a phone, not smaller ones
    assert [text for text in drawn.texts() if text.startswith("L")] == [f"L{block.level}" for block in shown]
    assert drawn.outside() == []


def test_nothing_is_drawn_before_there_is_a_best() -> None:
    with pytest.raises(NothingToDrawError, match="no best architecture yet"):
        widths(Widths(list(range(1, 19)), BASELINE, None, None, None), Sheet())
    with pytest.raises(NothingToDrawError, match="no best architecture yet"):
        draw_shares(Shares([], [], None, None, None, [], None, None), Sheet())


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("count", [2, 5])
def test_up_to_five_are_side_by_side(sheet: Sheet, count: int) -> None:
    series = [Series(f"{'long ' * 20}{index}", f"series-mark-{index}", BEST) for index in range(1, count + 1)]
    drawn = Drawn(widths_of(series, sheet))
    assert len(drawn.marks(f"series-mark-{count}")) == 18
    assert drawn.outside() == []
    compared = [each._replace(values=[0.05] * 18) for each in series]
    drawn = Drawn(shares_of(compared, sheet))
    assert len(drawn.marks("series-mark-1")) == 18 + 7
    assert drawn.outside() == []


def test_shares_are_those_of_the_cost_report() -> None:
    report = cost_report(BASE)
    assert block_shares(BASE) == tuple(block.madds / report.madds for block in report.blocks)
    assert 0.3 < sum(block_shares(BASE)) < 1  # the rest is the stem and the head


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_difference_of_each_level_is_in_points(store: Store, sheet: Sheet) -> None:
    recorder = Recorder(store).run(4)
    figure = shares(store, recorder.id)
    if recorder.record.best_trial == 0:
        recorder.finish(recorder.begin(), extra=0.9)
        figure = shares(store, recorder.id)
    assert figure.baseline is not None
    assert figure.best is not None
    assert figure.points == pytest.approx([100 * (b - a) for a, b in zip(figure.baseline, figure.best, strict=True)])
    second = [block.number - 1 for block in BLOCKS if block.level == 2]
    (level,) = (each for each in figure.levels if each.level == 2)
    assert level.best_share == pytest.approx(sum(figure.best[index] for index in second))
    assert level.points == pytest.approx(100 * (level.best_share - level.baseline_share))
    drawn = Drawn(draw_shares(figure, sheet))
    shown = f"{level.points:+.1f}".replace("-", "\N{MINUS SIGN}")
    assert shown in drawn.texts()
    assert f"baseline {100 * figure.baseline[0]:.1f} %" in drawn.tips("bar-best")[0]
    assert drawn.outside() == []


def _learned(store: Store, before: dict[int, float], after: dict[int, float], extra: float = 0.9) -> str:
    """The sentence for a campaign whose best is trial 1, with these shares of blocks (by number)."""
    recorder = Recorder(store).run(1)
    recorder.finish(recorder.begin(), extra=extra)
    baseline, best = ([of.get(block.number, 0.0) for block in BLOCKS] for of in (before, after))
    return learned_sentence(recorder.record, 1, level_shares(baseline, best))


def test_what_was_learned_is_one_sentence(store: Store) -> None:
    # Block 2 is of level 2, block 5 of level 4, block 10 of level 5, block 6 of level 3.
    sentence = _learned(store, {2: 0.2, 5: 0.15, 10: 0.15, 6: 0.1}, {2: 0.34, 5: 0.11, 10: 0.1, 6: 0.095})
    assert sentence == (
        "L2 gains 14 points of the multi-adds, L4 and L5 together lose 9 (trial 1, not confirmed by finals)."
    )


def test_a_loss_alone_and_no_difference_are_said_as_they_are(store: Store) -> None:
    assert _learned(store, {6: 0.2}, {6: 0.19}).startswith("L3 loses 1 point of the multi-adds (")
    assert _learned(store, {6: 0.2}, {6: 0.2}).startswith("No level's share of the multi-adds differs from")


def test_nothing_is_claimed_of_a_best_that_is_the_baseline(store: Store) -> None:
    recorder = Recorder(store)
    assert learned_sentence(recorder.record, None, []) == "Nothing yet: there is no reward."
    recorder.run(1)
    assert learned_sentence(recorder.record, 0, []).startswith("No better distribution than the uniform one was found")
