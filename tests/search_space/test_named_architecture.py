"""What a command line can name as an architecture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search_space.catalogue import ARCHITECTURES, CATALOGUE, Model
from search_space.detector_model import initial_model, save_detector
from search_space.document import BlockSpecification, block_specification
from search_space.errors import InvalidValueError
from search_space.named_architecture import named_architecture
from search_space.published import EFF_SPINENET_D0, EFF_SPINENETS, SP_EFFICIENTNET_B0


def test_models_have_the_names_of_the_catalogue() -> None:
    assert named_architecture("Eff-SpineNet-D2").architecture == EFF_SPINENETS["D2"]
    assert named_architecture("sp-efficientnet-b0").architecture == SP_EFFICIENTNET_B0
    ablation = named_architecture("Eff-SpineNet-D2 with ReLU").architecture
    assert ablation.operations.activation == "relu"
    names = {model.name for model in CATALOGUE}
    assert {EFF_SPINENET_D0.name, ablation.name} <= names


def test_widths_files_and_directories_are_read(tmp_path: Path) -> None:
    widths = ",".join(map(str, EFF_SPINENET_D0.widths))
    assert named_architecture(widths).architecture == EFF_SPINENET_D0
    specification = BlockSpecification(EFF_SPINENETS["M0"], {"trial": 3}, anchor_size=2.0)
    file = tmp_path / "winner.json"
    file.write_text(json.dumps(block_specification(specification)))
    assert named_architecture(str(file)) == specification
    save_detector(initial_model(specification), tmp_path / "model")
    found = named_architecture(str(tmp_path / "model"))
    assert (found.architecture, found.anchor_size) == (specification.architecture, 2.0)
    assert found.weights is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resnet", "architecture is 'resnet'; it must be one of Eff-SpineNet-M0, "),
        (
            "resnet-50-fpn",
            "ResNet-50-FPN (detection) does not have the scale-permuted backbone, which is needed here; ",
        ),
        ("EfficientNet-B1", "`effspine train EfficientNet-B1 --task classification` trains EfficientNet-B1"),
        (
            "Eff-SpineNet-D0 Mask R-CNN",
            "Eff-SpineNet-D0 Mask R-CNN is a model for instance-segmentation, and a scale-permuted detector is needed "
            "here, such as Eff-SpineNet-D0, which has its blocks; `effspine train 'Eff-SpineNet-D0 Mask R-CNN' --task ",
        ),
        ("16,24", "widths has 2 values; there must be 18"),
        ("16,x", "widths has 'x'"),
    ],
)
def test_anything_else_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        named_architecture(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("model", [each for each in CATALOGUE if each.name.lower() not in ARCHITECTURES])
def test_every_other_model_of_the_catalogue_is_refused_as_what_it_is(model: Model) -> None:
    with pytest.raises(InvalidValueError) as caught:
        named_architecture(model.name)
    assert str(caught.value).startswith(model.name)
    assert f"--task {model.task}`" in str(caught.value)


def test_a_directory_without_a_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"config\.json cannot be read"):
        named_architecture(str(tmp_path))
