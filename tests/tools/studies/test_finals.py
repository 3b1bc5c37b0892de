"""The choice of the finalists, and the seeds of a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_controller.search.estimated_values import Candidate
from nas_controller.search.estimated_values import best_estimated as campaign_choice
from nas_controller.search.objective_spec import ObjectiveSpec
from search_space.errors import EffspineError, InvalidValueError
from tests.support.study_rows import trials
from tools.studies.finals import best_estimated, best_estimated_within
from tools.studies.plan import Plan, command_text

TRIALS = trials("reinforce", [0.3, *(0.2 + 0.01 * (number % 7) for number in range(30))])


def test_the_winner_is_the_finalist_that_a_campaign_would_choose() -> None:
    candidates = [Candidate(trial.number, trial.widths, trial.ap, trial.params, None) for trial in TRIALS[1:]]
    chosen = campaign_choice(candidates, TRIALS[0].widths, 1, ObjectiveSpec().value)
    assert list(chosen.values) == [best_estimated("winner", TRIALS).number]


def test_of_equal_trials_the_one_with_fewer_parameters_wins() -> None:
    equal = [TRIALS[0], *(trial._replace(ap=0.3, widths=TRIALS[1].widths) for trial in TRIALS[1:5])]
    smallest = min(equal[1:], key=lambda trial: trial.params)
    assert smallest.number != 1
    assert best_estimated("winner", equal).number == smallest.number


def test_the_best_within_a_number_of_parameters_has_at_most_so_many() -> None:
    limit = sorted(trial.params for trial in TRIALS)[3]
    found = best_estimated_within("saver", TRIALS, limit)
    assert found is not None
    assert found.params <= limit
    assert best_estimated_within("saver", TRIALS, 1) is None


def test_a_search_without_a_reward_has_no_winner() -> None:
    with pytest.raises(EffspineError, match="there is no winner"):
        best_estimated("winner", TRIALS[:1])


def test_no_seed_of_the_finals_is_that_of_a_search(tmp_path: Path) -> None:
    plan = Plan(tmp_path, 20, 5, seed=7)
    assert plan.first_finals_seed > plan.seed + 1
    assert plan.finals_task.profile == "laptop-alone"


@pytest.mark.parametrize(
    "options", [{"seeds": 1}, {"seeds": 101}, {"profile": "other"}, {"finals_profile": "laptop"}, {"overrides": ("a",)}]
)
def test_a_plan_that_cannot_be_carried_out_is_refused(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError):
        Plan(**{"directory": tmp_path, "trials": 20, "seeds": 2, **options})  # type: ignore[arg-type]


def test_the_command_has_the_options_that_differ_and_no_directory(tmp_path: Path) -> None:
    usual = Plan(tmp_path, 5000, 5)
    assert command_text("results", usual, usual) == "make results"
    other = Plan(tmp_path / "x", 20, 5, overrides=("image_px=64",))
    assert command_text("results", other, usual) == 'make results ARGS="--trials 20 --set image_px=64"'
