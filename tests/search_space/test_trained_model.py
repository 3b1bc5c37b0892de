"""What a training is of: models by name, the network of a task on a detector's backbone, and files that win."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search_space.architecture import Architecture
from search_space.document import BlockSpecification, block_specification
from search_space.errors import InvalidValueError
from search_space.published import EFF_SPINENET_D0
from search_space.trained_model import check_recipe, trained_model
from tests.support.catalogue_models import catalogue_model

WIDTHS = ",".join(str(width) for width in EFF_SPINENET_D0.widths)


def test_the_name_of_a_detector_stands_for_the_model_of_the_task_on_its_backbone() -> None:
    for task, name in (
        ("classification", "Eff-SpineNet-D1 classifier"),
        ("instance-segmentation", "Eff-SpineNet-D1 Mask R-CNN"),
        ("detection", "Eff-SpineNet-D1"),
    ):
        assert trained_model(task, "eff-spinenet-d1") == catalogue_model(name)  # type: ignore[arg-type]
        assert trained_model(task, name.upper()) == catalogue_model(name)  # type: ignore[arg-type]


def test_other_architectures_have_the_network_that_is_published_for_the_task() -> None:
    classifier = trained_model("classification", WIDTHS)
    assert isinstance(classifier, Architecture)
    assert (classifier.input_px, classifier.subnet_width, classifier.operations.space_to_depth) == (224, 256, False)
    assert classifier.widths == EFF_SPINENET_D0.widths
    segmenter = trained_model("semantic-segmentation", "Eff-SpineNet-D1")
    assert isinstance(segmenter, Architecture)
    assert (segmenter.input_px, segmenter.subnet_width, segmenter.operations.space_to_depth) == (512, 88, True)


def test_a_name_of_another_task_or_of_none_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="EfficientNet-B0 is a model for classification, not for detection; "):
        trained_model("detection", "efficientnet-b0")
    with pytest.raises(InvalidValueError, match="for classification it must be one of Eff-SpineNet-D0 classifier, "):
        trained_model("classification", "resnet")
    with pytest.raises(InvalidValueError, match=r"widths has 2 values; there must be 18"):
        trained_model("classification", "16,24")


def test_a_file_named_like_a_model_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = Architecture(tuple(8 * number for number in range(1, 19)), name="own")
    Path("Eff-SpineNet-D0").write_text(json.dumps(block_specification(BlockSpecification(own, {}))))
    found = trained_model("detection", "Eff-SpineNet-D0")
    assert isinstance(found, Architecture)
    assert found.widths == own.widths


def test_a_recipe_that_replaces_operations_is_refused_for_a_network_without_them() -> None:
    check_recipe("detection", catalogue_model("Eff-SpineNet-D0"), "table-4-se", {})
    with pytest.raises(InvalidValueError, match="the recipe table-4-se replaces operations"):
        check_recipe("detection", catalogue_model("SpineNet-49"), "table-4-se", {})
