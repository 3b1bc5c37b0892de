"""Recipes of the tasks: the published values, and overrides that are checked."""

from __future__ import annotations

import math

import pytest

from search_space.catalogue import TASKS, Task
from search_space.errors import InvalidValueError
from search_space.recipes import ALL_IMAGES, resolve_recipe
from search_space.recipes import RECIPES as RECIPES_OF_DETECTION
from search_space.task_recipes import RECIPES, baseline_recipe, task_recipe
from tests.support.catalogue_models import catalogue_model

CLASSIFIER = catalogue_model("Eff-SpineNet-D1 classifier")


def test_every_task_has_a_published_and_a_small_recipe() -> None:
    assert list(RECIPES) == [task for task in TASKS if task != "detection"]
    for task, recipes in RECIPES.items():
        assert list(recipes) == ["paper", "laptop"]
        assert all(recipe.task == task and recipe.name == name for name, recipe in recipes.items())
        assert recipes["paper"].source


def test_mask_rcnn_trains_as_section_5_1_1_says() -> None:
    task = task_recipe("instance-segmentation", "paper", catalogue_model("Eff-SpineNet-D1 Mask R-CNN")).training
    assert (task.image_px, task.batch_size, task.learning_rate, task.schedule) == (640, 256, 0.28, "step")
    assert (task.optimizer, task.momentum, task.weight_decay, task.bn_momentum) == ("sgd", 0.9, 4e-5, 0.99)
    assert (task.scale_min, task.scale_max, task.flip) == (0.1, 2.0, True)
    assert task.steps == RECIPES_OF_DETECTION["paper"].task_for(118_287).steps == math.ceil(650 * 118_287 / 256)
    assert task.reserved_images == ALL_IMAGES
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
    assert recipe.epochs == 350
    assert task.steps == recipe.on(1_281_167).training.steps == math.ceil(350 * epoch)
    assert task.warmup_steps == round(5 * epoch)
    # By 3 % every 2.4 epochs.
    for epochs in (10, 100, 300):
        factor = task.learning_rate_at(round(epochs * epoch)) / 0.256
        assert factor == pytest.approx(0.97 ** int(epochs / 2.4), rel=0.031)


def test_dropout_grows_with_the_scale_as_efficientnets_does() -> None:
    for name, dropout in (("EfficientNet-B0", 0.2), ("EfficientNet-B1", 0.2), ("EfficientNet-B2", 0.3)):
        assert task_recipe("classification", "paper", catalogue_model(name)).dropout == dropout
    largest = catalogue_model("Eff-SpineNet-D2 classifier")
    assert task_recipe("classification", "paper", largest).dropout == 0.3
    assert task_recipe("classification", "paper", largest, dropout=0.1).dropout == 0.1
    assert task_recipe("classification", "laptop", largest).dropout == 0.0


def test_epochs_give_the_steps_on_a_data_set_and_steps_replace_them() -> None:
    model = catalogue_model("Eff-SpineNet-D0 Mask R-CNN")
    own = task_recipe("instance-segmentation", "paper", model, batch_size=8).on(1_000).training
    assert (own.steps, own.warmup_steps) == (650 * 1_000 // 8, 500)
    short = task_recipe("classification", "paper", CLASSIFIER, batch_size=8, epochs=3).on(100).training
    assert (short.steps, short.warmup_steps) == (math.ceil(300 / 8), 3)
    assert task_recipe("classification", "laptop", CLASSIFIER, steps=25).training.warmup_steps == 2
    fixed = task_recipe("classification", "paper", CLASSIFIER, steps=7, warmup_steps=2)
    assert fixed.on(1_000) == fixed
    assert fixed.training.steps == 7
    voc = task_recipe("semantic-segmentation", "paper", catalogue_model("Eff-SpineNet-D0 segmentation"))
    assert voc.on(100).training.steps == 10_000


def test_baselines_train_by_the_recipes_of_detection() -> None:
    model = catalogue_model("ResNet-50-FPN")
    recipe = baseline_recipe(resolve_recipe("paper-250", {"batch_size": 8}), model, 1_000)
    task = recipe.training
    assert (task.steps, task.image_px, task.subnet_width, task.subnet_layers) == (250 * 1_000 // 8, 640, 256, 4)
    assert (task.peak_learning_rate, task.stochastic_depth, task.reserved_images) == (0.28 / 32, 0.2, ALL_IMAGES)
    small = baseline_recipe(resolve_recipe("laptop-final"), model, 1_000).training
    assert (small.image_px, small.width_multiplier, small.recalibration_images) == (96, 0.25, 0)
    with pytest.raises(InvalidValueError, match="table-4-se replaces operations of scale-permuted networks; ResNet"):
        baseline_recipe(resolve_recipe("table-4-se"), model, 1_000)


@pytest.mark.parametrize(
    ("name", "value"),
    [("jit_compile", True), ("micro_batch_size", 1), ("precision", "bfloat16"), ("recalibration_images", 8)],
)
def test_fields_that_no_fixed_network_reads_are_refused(name: str, value: object) -> None:
    for task in RECIPES:
        with pytest.raises(InvalidValueError, match=f"unknown field '{name}'"):
            task_recipe(task, "laptop", CLASSIFIER, **{name: value})
    for recipe in ("laptop-final", "paper"):
        resolved = resolve_recipe(recipe, {"batch_size": 8, name: value})
        with pytest.raises(InvalidValueError, match=rf"{name} is .*; the training of ResNet-50-FPN supports .* only"):
            baseline_recipe(resolved, catalogue_model("ResNet-50-FPN"), 1_000)


def test_fields_that_a_task_does_not_read_are_refused() -> None:
    ignored = {"anchor_size": 2.5, "reserved_images": 9, "reserve_from": "train", "scale_min": 0.5, "scale_max": 1.5}
    read: dict[Task, tuple[str, ...]] = {
        "classification": (),
        "semantic-segmentation": ("scale_min", "scale_max"),
        "instance-segmentation": tuple(ignored),
    }
    for task, names in read.items():
        for name, value in ignored.items():
            if name in names:
                assert getattr(task_recipe(task, "laptop", CLASSIFIER, **{name: value}).training, name) == value
            else:
                with pytest.raises(InvalidValueError, match=f"unknown field '{name}'"):
                    task_recipe(task, "laptop", CLASSIFIER, **{name: value})
                same = getattr(task_recipe(task, "laptop", CLASSIFIER).training, name)
                task_recipe(task, "laptop", CLASSIFIER, **{name: same})


def test_fields_of_both_kinds_are_replaced() -> None:
    recipe = task_recipe("classification", "laptop", CLASSIFIER, steps=10, warmup_steps=1, dropout=0.5)
    assert (recipe.training.steps, recipe.training.warmup_steps, recipe.dropout) == (10, 1, 0.5)
    assert recipe.training.profile == "laptop"
    assert recipe.to_dict()["training"]["steps"] == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "tracking"}, "task is 'tracking'; it must be one of instance-segmentation, classification"),
        ({"task": "detection"}, "task is 'detection'; it must be one of instance-segmentation, classification"),
        ({"name": "fast"}, "recipe is 'fast'; for classification it must be one of paper, laptop"),
        ({"dropout": 1.5}, "dropout is 1.5; it must be a number from 0 to 0.9"),
        ({"steps": 0, "warmup_steps": 0}, "steps is 0; only a task of kind shared"),
        ({"speed": 3}, "unknown field 'speed'; the fields of a recipe for classification are epochs, label_smoothing,"),
        ({"proposals": 3}, "unknown field 'proposals'"),
        ({"evaluate_steps": 3}, "unknown field 'evaluate_steps'"),
    ],
)
def test_bad_recipes_are_refused(arguments: dict[str, object], message: str) -> None:
    task: Task = arguments.pop("task", "classification")  # type: ignore[assignment]
    name = str(arguments.pop("name", "laptop"))
    with pytest.raises(InvalidValueError, match=message):
        task_recipe(task, name, CLASSIFIER, **arguments)
