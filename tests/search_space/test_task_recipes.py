"""Recipes of the tasks: the published values, and overrides that are checked."""

from __future__ import annotations

import pytest

from search_space.catalogue import TASKS, Task
from search_space.errors import InvalidValueError
from search_space.task_network import catalogue_model
from search_space.task_recipes import RECIPES, task_recipe

CLASSIFIER = catalogue_model("Eff-SpineNet-D1 classifier")


def test_every_task_has_a_published_and_a_small_recipe() -> None:
    assert list(RECIPES) == list(TASKS)
    for task, recipes in RECIPES.items():
        assert list(recipes) == ["paper", "laptop"]
        assert all(recipe.task == task and recipe.name == name for name, recipe in recipes.items())
        assert recipes["paper"].source


def test_mask_rcnn_trains_as_section_5_1_1_says() -> None:
    task = task_recipe("instance-segmentation", "paper", catalogue_model("Eff-SpineNet-D1 Mask R-CNN")).training
    assert (task.image_px, task.batch_size, task.learning_rate, task.schedule) == (640, 256, 0.28, "step")
    assert (task.optimizer, task.momentum, task.weight_decay, task.bn_momentum) == ("sgd", 0.9, 4e-5, 0.99)
    assert (task.scale_min, task.scale_max, task.flip) == (0.1, 2.0, True)
    assert task.steps == round(650 * 118_287 / 256, -2)
    assert task.anchor_size == 4.0


def test_segmentation_trains_as_section_5_3_says() -> None:
    task = task_recipe("semantic-segmentation", "paper", catalogue_model("Eff-SpineNet-D2 segmentation")).training
    assert (task.image_px, task.batch_size, task.steps, task.warmup_steps) == (512, 256, 10_000, 500)
    assert (task.learning_rate_at(499), task.schedule) == (0.05, "cosine")
    assert task.learning_rate_at(9_999) < 1e-6


def test_classification_trains_like_efficientnet() -> None:
    recipe = task_recipe("classification", "paper", CLASSIFIER)
    task = recipe.training
    assert (task.image_px, task.subnet_width, recipe.label_smoothing, recipe.dropout) == (240, 256, 0.1, 0.2)
    assert (task.optimizer, task.second_moment_decay, task.momentum, task.weight_decay) == ("rmsprop", 0.9, 0.9, 1e-5)
    epoch = 1_281_167 / 4096
    assert task.steps == pytest.approx(350 * epoch, abs=epoch / 2)
    # By 3 % every 2.4 epochs.
    for epochs in (10, 100, 300):
        factor = task.learning_rate_at(round(epochs * epoch)) / 0.256
        assert factor == pytest.approx(0.97 ** int(epochs / 2.4), rel=0.031)


def test_fields_of_both_kinds_are_replaced() -> None:
    recipe = task_recipe("classification", "laptop", CLASSIFIER, steps=10, warmup_steps=1, dropout=0.5)
    assert (recipe.training.steps, recipe.training.warmup_steps, recipe.dropout) == (10, 1, 0.5)
    assert recipe.training.profile == "laptop"
    assert recipe.to_dict()["training"]["steps"] == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "tracking"}, "task is 'tracking'; it must be one of detection, instance-segmentation"),
        ({"name": "fast"}, "recipe is 'fast'; for classification it must be one of paper, laptop"),
        ({"dropout": 1.5}, "dropout is 1.5; it must be a number from 0 to 0.9"),
        ({"steps": 0, "warmup_steps": 0}, "steps is 0; only a task of kind shared"),
        ({"speed": 3}, "speed is not a field of a proxy task"),
    ],
)
def test_bad_recipes_are_refused(arguments: dict[str, object], message: str) -> None:
    task: Task = arguments.pop("task", "classification")  # type: ignore[assignment]
    name = str(arguments.pop("name", "laptop"))
    with pytest.raises(InvalidValueError, match=message):
        task_recipe(task, name, CLASSIFIER, **arguments)
