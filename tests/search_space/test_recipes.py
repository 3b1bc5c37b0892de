"""Recipes: the published values, the epochs of the decays, the network that is trained, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from search_space.architecture import Operations
from search_space.errors import InvalidValueError
from search_space.proxy_task import PROFILES, ProxyTask
from search_space.published import EFF_SPINENETS
from search_space.recipes import RECIPES, UNUSED_FIELDS, Recipe, resolve_recipe

COCO = 118_287
"""Images of train2017."""
D0, D2 = EFF_SPINENETS["D0"], EFF_SPINENETS["D2"]


def _rates(recipe: Recipe, images: int) -> list[float]:
    """The rate of every step over the peak, after warm-up."""
    task, decays = recipe.task_for(images), recipe.decays(images)
    rates = [task.learning_rate_at(step, decays) for step in range(task.warmup_steps, task.steps)]
    return [round(rate / task.peak_learning_rate, 6) for rate in rates]


def test_paper_is_section_5_1_1() -> None:
    recipe = RECIPES["paper"]
    task = recipe.task_for(COCO)
    assert (recipe.epochs, recipe.decay_epochs, recipe.final_decay_epochs) == (650, 30, 10)
    assert (task.batch_size, task.learning_rate, task.momentum, task.weight_decay) == (256, 0.28, 0.9, 4e-5)
    assert (task.optimizer, task.schedule, task.bn_momentum) == ("sgd", "step", 0.99)
    assert (task.scale_min, task.scale_max, task.flip, task.stochastic_depth) == (0.1, 2.0, True, 0.2)
    assert (task.steps, task.warmup_steps) == (300_339, 500)
    assert task.peak_learning_rate == 0.28
    assert dict(recipe.operations) == {}


@pytest.mark.parametrize("epochs", [72, 200, 350, 500])
def test_table_5_differs_in_its_epochs_alone(epochs: int) -> None:
    found, paper = RECIPES[f"paper-{epochs}"], RECIPES["paper"]
    assert found == replace(
        paper, name=found.name, source=found.source, epochs=epochs, task=replace(paper.task, profile=found.name)
    )


def test_table_4_adds_one_feature_at_a_time() -> None:
    rows = [RECIPES[f"table-4-{name}"] for name in ("baseline", "se", "ms-train", "swish")] + [RECIPES["paper"]]
    off = {"squeeze_excitation": False, "activation": "relu", "stochastic_depth": False}
    assert dict(rows[0].operations) == off
    assert dict(rows[1].operations) == dict(rows[2].operations) == {**off, "squeeze_excitation": True}
    assert dict(rows[3].operations) == {**off, "squeeze_excitation": True, "activation": "swish"}
    assert [row.epochs for row in rows] == [72, 72, 650, 650, 650]
    scales = [(row.task.scale_min, row.task.scale_max) for row in rows]
    assert scales == [(0.8, 1.2), (0.8, 1.2), (0.1, 2.0), (0.1, 2.0), (0.1, 2.0)]
    network, _ = rows[0].network(D2, 80, 3.0)
    assert network.operations == Operations(squeeze_excitation=False, activation="relu", stochastic_depth=False)


@pytest.mark.parametrize("images", [7, 16, 100])
@pytest.mark.parametrize("epochs", [31, 72, 650])
def test_the_rate_decays_at_the_last_30_and_10_epochs(epochs: int, images: int) -> None:
    """A step belongs to the last epochs if all of its images do."""
    recipe = resolve_recipe("paper", {"epochs": epochs, "batch_size": 16})
    task = recipe.task_for(images)
    assert (task.steps - 1) * 16 < epochs * images <= task.steps * 16
    for step, rate in enumerate(_rates(recipe, images), start=task.warmup_steps):
        epoch = step * 16 / images
        wanted = 0.01 if epoch >= epochs - 10 else 0.1 if epoch >= epochs - 30 else 1.0
        assert rate == wanted, f"step {step}, epoch {epoch}"


def test_warmup_is_500_steps_but_at_most_a_tenth() -> None:
    for recipe in RECIPES.values():
        assert recipe.task_for(COCO).warmup_steps == recipe.task.warmup_steps
    small = RECIPES["paper"].task_for(256)
    assert (small.steps, small.warmup_steps) == (650, 65)


def test_the_network_is_trained_as_it_stands() -> None:
    network, recipe = RECIPES["paper"].network(D2, 80, 3.0)
    assert network == replace(D2, class_slots=80)
    assert network.name == D2.name
    assert recipe.task.architecture(network, 80) == network
    odd = replace(D0, widths=tuple(width + 1 for width in D0.widths))
    assert RECIPES["paper"].network(odd, 91, 3.0)[0] == odd


def test_a_small_recipe_scales_a_candidate_but_not_a_model() -> None:
    profile = PROFILES["laptop-alone"]
    scaled, recipe = RECIPES["laptop-final"].network(D0, 1, 3.0)
    assert scaled == profile.architecture(D0, 1)
    assert (recipe.task.anchor_size, recipe.task.architecture(scaled, 1)) == (2.0, scaled)
    kept, recipe = RECIPES["laptop-final"].network(scaled, 1, 2.5, as_it_stands=True)
    assert (kept, recipe.task.anchor_size) == (scaled, 2.5)
    overridden = resolve_recipe("laptop-final", {"image_px": 64}).network(scaled, 1, 2.5, as_it_stands=True)[0]
    assert overridden == replace(scaled, input_px=64)
    quarter = resolve_recipe("paper", {"width_multiplier": 0.25, "subnet_width": 16}).network(D0, 1, 3.0)[0]
    assert (quarter.widths, quarter.subnet_width, quarter.input_px) == (scaled.widths, 16, 512)


def test_a_recipe_as_a_proxy_task_counts_its_steps_by_the_images() -> None:
    recipe = resolve_recipe("paper-72", {"epochs": 50, "evaluate_epochs": 5})
    task = recipe.proxy_task(D2)
    assert (task.image_px, task.subnet_width, task.architecture(D2, 91)) == (D2.input_px, D2.subnet_width, D2)
    known = task.on(COCO)
    assert (known.steps, known.evaluate_steps) == (recipe.steps(50, COCO), recipe.steps(5, COCO))
    for step in (0, 499, 500, recipe.steps(20, COCO), recipe.steps(40, COCO), known.steps - 1):
        assert known.learning_rate_at(step) == recipe.learning_rate_at(step, COCO)
    assert known.learning_rate_at(known.steps - 1) == pytest.approx(0.01 * known.peak_learning_rate)
    plain = resolve_recipe("table-4-baseline").proxy_task(D0).architecture(D0, 91)
    assert plain.operations == replace(
        D0.operations, squeeze_excitation=False, activation="relu", stochastic_depth=False
    )
    json.dumps(known.to_dict(), allow_nan=False)


def test_laptop_final_trains_as_laptop_alone_does_but_longer() -> None:
    final, alone = RECIPES["laptop-final"].task_for(4000), PROFILES["laptop-alone"]
    differing = {name for name, value in final.to_dict().items() if value != getattr(alone, name) and name != "profile"}
    assert differing == {"steps", "warmup_steps", "reserved_images"}
    assert (final.steps, final.warmup_steps) == (8000, 400)
    assert RECIPES["laptop-final"].decays(4000) == ()


def test_a_recipe_as_json_has_the_fields_that_it_uses() -> None:
    document = RECIPES["paper"].to_dict()
    unused = {*UNUSED_FIELDS, "profile"}
    assert set(ProxyTask().to_dict()) - unused <= set(document)
    assert not unused & set(document)
    assert (document["recipe"], document["epochs"]) == ("paper", 650)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"steps": 10}, "unknown field 'steps'; a recipe counts in epochs: set 'epochs'"),
        ({"evaluate_steps": 10}, "a recipe counts in epochs: set 'evaluate_epochs'"),
        ({"shared_steps": 10}, "unknown field 'shared_steps'"),
        ({"epoch": 10}, "unknown field 'epoch'; did you mean 'epochs'?"),
        ({"epochs": 0}, "epochs is 0; it must be a whole number from 1 to 100,000"),
        ({"batch_size": 0.5}, "batch_size is 0.5; it must be a whole number"),
        ({"epochs": 30}, "epochs is 30, decay_epochs 30 and final_decay_epochs 10; with schedule step"),
        ({"final_decay_epochs": 40}, "and final_decay_epochs 40; with schedule step"),
        ({"scale_min": 3.0}, "scale_min is 3.0 and scale_max is 2.0"),
    ],
)
def test_wrong_fields_are_named(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        resolve_recipe("paper", overrides)
    assert message in str(caught.value)


def test_an_unknown_recipe_is_named() -> None:
    with pytest.raises(InvalidValueError, match="recipe is 'best'; it must be one of paper, paper-72, "):
        resolve_recipe("best")
