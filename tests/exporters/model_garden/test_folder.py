"""The exported package: its files, and experiments with the values of the published recipes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters import EXPORTERS, Export
from exporters.model_garden.experiments import experiments
from exporters.model_garden.models import classifier_of
from search_space.architecture import Operations
from search_space.catalogue import CATALOGUE
from search_space.cost import parameters
from search_space.detector_model import DetectorModel, load_detector
from search_space.document import BlockSpecification, block_specification
from search_space.published import EFF_SPINENET_D0, EFF_SPINENETS
from search_space.recipes import RECIPES
from search_space.task_recipes import RECIPES as TASK_RECIPES
from tests.support.random_detectors import REPEATED, random_values

CLASSES = [{"id": number, "name": f"class {number}"} for number in range(REPEATED.class_slots)]
SPECIFICATION = BlockSpecification(REPEATED, {}, 2.0, classes=CLASSES)
MODEL = DetectorModel(SPECIFICATION, random_values(parameters(REPEATED)), "trained", 1)
NAMES = ("retinanet", "maskrcnn", "classification", "segmentation")
COCO_IMAGES = 118_287


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported folder."""
    directory = tmp_path_factory.mktemp("model-garden")
    EXPORTERS["model-garden"].write(Export(SPECIFICATION, MODEL), directory)
    return directory


@pytest.fixture(scope="module")
def written(folder: Path) -> dict[str, dict[str, Any]]:
    """The experiments in the folder by name."""
    return {name: yaml.safe_load((folder / "experiments" / f"{name}.yaml").read_text()) for name in NAMES}


def test_the_package_is_equal_for_every_architecture(folder: Path, tmp_path: Path) -> None:
    EXPORTERS["model-garden"].write(Export(BlockSpecification(EFF_SPINENET_D0, {})), tmp_path)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"README.md", "config.json", "model.safetensors", "requirements.txt", "eff_spinenet/train.py"} <= names
    for path in folder.rglob("*.py"):
        assert path.read_text() == (tmp_path / path.relative_to(folder)).read_text()


def test_the_folder_is_a_model_directory_of_effspine(folder: Path) -> None:
    found = load_detector(folder)
    assert replace(found.specification, weights=None) == SPECIFICATION
    assert found.tensors.keys() == MODEL.tensors.keys()


def test_the_experiments_are_what_yaml_reads_back(written: dict[str, dict[str, Any]]) -> None:
    assert written == experiments(SPECIFICATION)


def test_the_backbones_have_the_blocks_of_the_specification(written: dict[str, dict[str, Any]]) -> None:
    blocks = block_specification(SPECIFICATION)["blocks"]
    for name, document in written.items():
        backbone = document["task"]["model"]["backbone"]["eff_spinenet"]
        assert backbone["blocks"] == blocks
        assert backbone["averaged"] == (name in ("classification", "segmentation"))
        assert backbone["weights"] == ("model.safetensors" if name == "segmentation" else "")
        assert backbone["endpoint_width"] == (256 if name == "classification" else REPEATED.subnet_width)
        assert backbone["space_to_depth"] == (name != "classification")


def test_classes_count_the_background_as_model_garden_does() -> None:
    named = experiments(SPECIFICATION)
    assert {name: named[name]["task"]["model"]["num_classes"] for name in NAMES} == {
        "retinanet": 4, "maskrcnn": 4, "classification": 1000, "segmentation": 21,
    }  # fmt: skip
    unnamed = experiments(BlockSpecification(EFF_SPINENET_D0, {}))
    assert unnamed["retinanet"]["task"]["model"]["num_classes"] == 91


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("retinanet", RECIPES["paper"].task_for(COCO_IMAGES)),
        ("maskrcnn", TASK_RECIPES["instance-segmentation"]["paper"].training),
    ],
)
def test_the_rates_of_detectors_fall_where_those_of_the_recipe_do(
    written: dict[str, dict[str, Any]], name: str, recipe: Any
) -> None:
    """A rate of Keras holds up to the step of its boundary, that included."""
    trainer = written[name]["trainer"]
    rates = trainer["optimizer_config"]["learning_rate"]["stepwise"]
    decays = RECIPES["paper"].decays(COCO_IMAGES) if name == "retinanet" else None
    assert trainer["train_steps"] == recipe.steps
    for boundary, before, after in zip(rates["boundaries"], rates["values"], rates["values"][1:], strict=False):
        assert recipe.learning_rate_at(boundary, decays) == pytest.approx(before)
        assert recipe.learning_rate_at(boundary + 1, decays) == pytest.approx(after)
    warmup = trainer["optimizer_config"]["warmup"]["linear"]
    assert warmup["warmup_steps"] == recipe.warmup_steps
    assert warmup["warmup_learning_rate"] == recipe.learning_rate_at(0)


def test_the_constants_of_the_detector_are_ours(written: dict[str, dict[str, Any]]) -> None:
    task = written["retinanet"]["task"]
    assert task["losses"] == {
        "focal_loss_alpha": 0.25, "focal_loss_gamma": 1.5, "huber_loss_delta": 0.1, "box_loss_weight": 50,
        "l2_weight_decay": 4e-5,
    }  # fmt: skip
    assert task["model"]["anchor"] == {"num_scales": 3, "aspect_ratios": [2.0, 1.0, 0.5], "anchor_size": 2.0}
    assert task["model"]["head"] == {"num_convs": 2, "num_filters": 7, "use_separable_conv": True}
    assert task["train_data"]["parser"]["aug_scale_min"] == 0.1


def test_an_ablated_network_is_exported_with_its_operations() -> None:
    operations = Operations(squeeze_excitation=False, activation="relu", weighted_fusion=False, stochastic_depth=False)
    ablated = BlockSpecification(replace(REPEATED, operations=operations), {})
    model = experiments(ablated)["maskrcnn"]["task"]["model"]
    backbone = model["backbone"]["eff_spinenet"]
    assert (backbone["squeeze_excitation"], backbone["weighted_fusion"]) == (False, False)
    assert (backbone["stochastic_depth_drop_rate"], model["norm_activation"]["activation"]) == (0.0, "relu")


@pytest.mark.parametrize(("scale", "width"), [("M0", 256), ("D0", 256), ("D1", 256), ("D2", 512)])
def test_the_dense_layer_of_mask_rcnn_is_scaled_as_published(scale: str, width: int) -> None:
    model = experiments(BlockSpecification(EFF_SPINENETS[scale], {}))["maskrcnn"]["task"]["model"]
    assert model["detection_head"]["fc_dims"] == width


def test_the_classifier_of_d0_is_the_published_one() -> None:
    (published,) = [each.architecture for each in CATALOGUE if each.name == "Eff-SpineNet-D0 classifier"]
    assert classifier_of(EFF_SPINENET_D0) == published


def test_the_readme_and_the_experiments_have_commands_that_name_each_other(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    assert "pip install -r requirements.txt" in text
    for name in NAMES:
        first = (folder / "experiments" / f"{name}.yaml").read_text().splitlines()[0]
        assert first.startswith(f"# python -m eff_spinenet.train --experiment=eff_spinenet_{name} ")
        assert f"eff_spinenet_{name}" in text
