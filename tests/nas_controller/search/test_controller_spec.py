"""The controller's document: each algorithm has its own settings and refuses those of others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from pydantic import ValidationError

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.controller_spec import DEFAULTS, LEARNING_RATES, ControllerSpec
from nas_controller.search.searchers.registry import ALGORITHMS, SETTINGS, fields_of


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_settings_of_an_algorithm_are_filled_in_and_those_of_others_are_null(algorithm: Any) -> None:
    spec = ControllerSpec(algorithm=algorithm)
    document = spec.model_dump(mode="json")
    assert {name for name, value in document.items() if value is not None} == {
        "algorithm", "repeats", *fields_of(algorithm),
    }  # fmt: skip
    settings = asdict(spec.settings())
    rate = {"learning_rate": LEARNING_RATES[settings["policy"]]} if algorithm == "reinforce" else {}
    assert settings == DEFAULTS[algorithm] | rate
    assert isinstance(spec.settings(), SETTINGS[algorithm])
    assert ControllerSpec.model_validate(document) == spec
    assert ControllerSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        (
            {"population": 9},
            "population",
            "population is 9; the algorithm 'reinforce' does not read it, 'evolution' does",
        ),
        ({"initial": 0}, "initial", "'reinforce' does not read it, 'local-search' does"),
        ({"algorithm": "random", "learning_rate": 0.1}, "learning_rate", "'random' does not read it, 'reinforce' does"),
        ({"algorithm": "random", "policy": "recurrent"}, "policy", "'random' does not read it"),
        ({"algorithm": "local-search", "tournament": 2}, "tournament", "'local-search' does not read it"),
        ({"algorithm": "evolution", "hidden_units": 32}, "hidden_units", "'evolution' does not read it"),
        ({"algorithm": "evolution", "population": 5, "tournament": 6}, "tournament", "at most the population, 5"),
        ({"algorithm": "evolution", "population": 1}, "population", "greater than or equal to 2"),
        ({"algorithm": "evolution", "tournament": 0}, "tournament", "greater than or equal to 1"),
        ({"algorithm": "local-search", "initial": -1}, "initial", "greater than or equal to 0"),
        ({"algorithm": "tpe", "window_trials": 49}, "window_trials", "greater than or equal to 50"),
    ],
)
def test_a_setting_that_the_algorithm_does_not_read_is_refused(
    document: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        CampaignSpec.model_validate({"name": "n", "dataset": "d", "controller": document})
    (error,) = caught.value.errors()
    assert error["loc"] == ("controller", field)
    assert message in error["msg"]


def test_null_means_the_default() -> None:
    given = {"algorithm": "evolution", "population": None, "learning_rate": None}
    assert ControllerSpec.model_validate(given) == ControllerSpec(algorithm="evolution")


def test_a_small_population_has_a_small_tournament_unless_one_is_given() -> None:
    assert ControllerSpec(algorithm="evolution", population=4).tournament == 4
    assert ControllerSpec(algorithm="evolution", population=4, tournament=2).tournament == 2
