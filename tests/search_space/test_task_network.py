"""Networks of tasks: the catalogue's at its own scale, any number of classes, and documents that give them back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search_space.catalogue import CATALOGUE, Model, Task
from search_space.cost import network_parameters
from search_space.errors import InvalidValueError
from search_space.proxy_task import PROFILES
from search_space.published import EFF_SPINENET_D0
from search_space.recipes import resolve_recipe
from search_space.task_network import read_task_network, task_network
from search_space.task_recipes import TaskRecipe, baseline_recipe, task_recipe
from tests.support.catalogue_models import catalogue_model
from tests.support.small_recipes import small_recipe

PUBLISHED_CLASSES: dict[Task, int] = {
    "detection": 91,
    "instance-segmentation": 90,
    "classification": 1000,
    "semantic-segmentation": 21,
}
ONE_PER_NETWORK = (
    "Eff-SpineNet-D0",
    "Eff-SpineNet-D2 Mask R-CNN",
    "Eff-SpineNet-D0 classifier",
    "Eff-SpineNet-D0 segmentation",
    "EfficientNet-B1-FPN",
    "ResNet-50-FPN",
    "SpineNet-49",
    "EfficientNet-B1",
)


def published_recipe(model: Model) -> TaskRecipe:
    """The recipe `paper` of the model's task; for detection, the one of baselines is that of all networks."""
    if model.task == "detection":
        return baseline_recipe(resolve_recipe("paper"), model, images=256)
    return task_recipe(model.task, "paper", model)


@pytest.mark.parametrize("name", ONE_PER_NETWORK)
def test_the_published_recipe_trains_the_network_of_the_catalogue(name: str) -> None:
    model = catalogue_model(name)
    recipe = published_recipe(model)
    network = task_network(model, model.task, recipe.training, PUBLISHED_CLASSES[model.task], recipe.regions(model))
    assert network.source.input_px == recipe.training.image_px == model.input_px
    assert network.parameters() == network_parameters(model.network, model.input_px)


@pytest.mark.parametrize("name", ONE_PER_NETWORK)
def test_a_small_network_is_the_same_network_with_fewer_channels_and_other_classes(name: str) -> None:
    model = catalogue_model(name)
    recipe = small_recipe(model, subnet_layers=published_recipe(model).training.subnet_layers, steps=2)
    network = task_network(model, model.task, recipe.training, 7, recipe.regions(model))
    assert network.outputs == 7 + (model.task == "instance-segmentation")
    published = {p.name: p for p in network_parameters(model.network, model.input_px)}
    found = {p.name: p for p in network.parameters()}
    # A residual projection is there where widths differ, which depends on the scale.
    assert {key for key in found if "/from13/" not in key} == {key for key in published if "/from13/" not in key}
    assert sum(p.size for p in found.values()) < 0.35 * sum(p.size for p in published.values())
    assert read_task_network(network.to_dict()) == network


def test_segmentation_has_the_backbone_of_the_detector_that_it_starts_from() -> None:
    networks = []
    for name in ("Eff-SpineNet-D0", "Eff-SpineNet-D0 segmentation"):
        model = catalogue_model(name)
        recipe = published_recipe(model)
        networks.append(task_network(model, model.task, recipe.training, 21))
    detector, segmenter = ({p.name: p.shape for p in network.parameters()} for network in networks)
    shared = {name for name, shape in segmenter.items() if detector.get(name) == shape}
    assert {name.split("/")[0] for name in segmenter.keys() - shared} == {"segment"}


def test_a_model_for_another_task_is_refused() -> None:
    model = catalogue_model("EfficientNet-B0")
    recipe = task_recipe("classification", "laptop", model)
    with pytest.raises(
        InvalidValueError, match="EfficientNet-B0 is a network for classification; it cannot be trained"
    ):
        task_network(model, "detection", recipe.training, 3)


def test_any_architecture_has_a_network_for_every_task() -> None:
    for task in PUBLISHED_CLASSES:
        network = task_network(EFF_SPINENET_D0, task, PROFILES["laptop-alone"], 4)
        assert network.parameters()


def test_every_model_of_the_catalogue_can_be_trained() -> None:
    for model in CATALOGUE:
        recipe = small_recipe(model, steps=2)
        assert task_network(model, model.task, recipe.training, 3, recipe.regions(model)).outputs >= 3


def test_unknown_names_are_refused() -> None:
    unknown: Model = replace(catalogue_model("EfficientNet-B0"), name="VGG")
    recipe = task_recipe("classification", "laptop", catalogue_model("EfficientNet-B0"))
    with pytest.raises(InvalidValueError, match="'VGG' is not one of the baselines, EfficientNet-B0-FPN, "):
        task_network(unknown, "classification", recipe.training, 3)
