"""Model directories of tasks: what is saved is loaded, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_space.catalogue import Task
from search_space.errors import InvalidValueError
from search_space.named_architecture import named_architecture
from search_space.parameters import initial_values
from search_space.task_model import TaskModel, is_task_model, load_task_model, save_task_model
from search_space.task_network import task_network
from tests.support.catalogue_models import catalogue_model
from tests.support.small_recipes import small_recipe


def model(name: str, task: Task) -> TaskModel:
    """A small model with initial weights."""
    found = catalogue_model(name)
    recipe = small_recipe(found, steps=2, image_px=32, width_multiplier=0.1, subnet_width=4, subnet_layers=1)
    network = task_network(found, task, recipe.training, 2, recipe.regions(found))
    tensors = {p.name: initial_values([p], 3).reshape(p.shape) for p in network.parameters()}
    classes: list[dict[str, Any]] = [{"id": 7, "name": "cat"}, {"id": "dog", "name": "dog"}]
    anchor_size = None if task == "classification" else 2.0
    return TaskModel(network, name, classes, tensors, "trained", 3, anchor_size, recipe.to_dict(), {"ap": 0.25})


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("Eff-SpineNet-D0 Mask R-CNN", "instance-segmentation"),
        ("EfficientNet-B0-FPN", "detection"),
        ("Eff-SpineNet-D0 classifier", "classification"),
    ],
)
def test_a_directory_holds_the_model(name: str, task: Task, tmp_path: Path) -> None:
    saved = model(name, task)
    save_task_model(saved, tmp_path / "new" / "model")
    loaded = load_task_model(tmp_path / "new" / "model")
    assert loaded.network == saved.network
    for field in ("name", "classes", "origin", "seed", "anchor_size", "figures"):
        assert getattr(loaded, field) == getattr(saved, field)
    assert loaded.tensors.keys() == saved.tensors.keys()
    for tensor, values in saved.tensors.items():
        np.testing.assert_array_equal(loaded.tensors[tensor], values)
    document = json.loads((tmp_path / "new" / "model" / "config.json").read_text())
    assert (document["format"], document["version"], document["task"]) == ("effspine.model", 1, task)
    assert document["preprocessing"]["mean"] == [123.675, 116.28, 103.53]
    assert is_task_model(tmp_path / "new" / "model")
    assert not is_task_model(tmp_path / "new")
    with pytest.raises(InvalidValueError, match="a model that `effspine train --task` has made; name the architecture"):
        named_architecture(str(tmp_path / "new" / "model"))


def test_damage_is_named(tmp_path: Path) -> None:
    save_task_model(model("Eff-SpineNet-D0 classifier", "classification"), tmp_path)
    config, weights = tmp_path / "config.json", tmp_path / "model.safetensors"
    content, document = weights.read_bytes(), json.loads(config.read_text())
    weights.write_bytes(content[:-1] + b"\1")
    with pytest.raises(InvalidValueError, match="SHA-256 differs"):
        load_task_model(tmp_path)
    weights.write_bytes(content)
    for changed, message in (
        ({**document, "format": "effspine.block-specification"}, "must be a document of format 'effspine.model'"),
        ({key: value for key, value in document.items() if key != "network"}, "is damaged: KeyError"),
        ({**document, "preprocessing": []}, "is damaged: AttributeError"),
        ({**document, "network": {**document["network"], "architecture": "x"}}, "is damaged: ValueError"),
        ({**document, "task": "detection"}, "is of task 'detection', and its network of 'classification'"),
        ({**document, "network": {**document["network"], "task": "x"}}, "task is 'x'; it must be one of detection, "),
    ):
        config.write_text(json.dumps(changed))
        with pytest.raises(InvalidValueError, match=message):
            load_task_model(tmp_path)
    document["network"]["architecture"]["widths"][0] = 99
    config.write_text(json.dumps(document))
    with pytest.raises(InvalidValueError, match=r"has shape .*; this architecture has .*99"):
        load_task_model(tmp_path)
    with pytest.raises(InvalidValueError, match=r"config\.json cannot be read: No such file"):
        load_task_model(tmp_path / "missing")
