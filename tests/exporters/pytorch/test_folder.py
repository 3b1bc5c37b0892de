"""The folder: its files, its configuration, its README with commands that run, and the way back."""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import zipfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from exporters import EXPORTERS, Export, provenance_of
from exporters.pytorch.layout import from_torch, to_torch, torch_name
from exporters.pytorch.reading import read
from search_space.cost import cost_report, parameters
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification, block_specification
from search_space.errors import InvalidValueError
from search_space.published import EFF_SPINENET_D0
from tests.support.export_runtime import require_torchvision, run_export
from tests.support.exported_folders import exported, random_model
from tests.support.paths import ROOT
from tests.support.random_detectors import UNEQUAL

CLASSES = [{"id": 1, "name": "cat|dog"}, {"id": 5, "name": "<b>"}, {"id": 9, "name": "car"}]


def _model() -> DetectorModel:
    model = random_model(UNEQUAL)
    figures = {"ap": 0.25, "ap_small": None}
    provenance = {"dataset": "pets", "trial": 7, "seed": 3, "campaign": {"id": "c_1", "name": "cats"}}
    return replace(model, specification=BlockSpecification(UNEQUAL, provenance, 2.0, classes=CLASSES, figures=figures))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return exported(_model(), tmp_path)


def test_the_modules_are_equal_for_every_architecture(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    EXPORTERS["pytorch"].write(Export(BlockSpecification(EFF_SPINENET_D0, {})), other)
    names = {path.name for path in folder.iterdir()}
    assert names == {path.name for path in other.iterdir()}
    assert {"README.md", "config.json", "model.safetensors", "retinanet.py", "train.py", "predict.py"} <= names
    for path in folder.glob("*.py"):
        assert path.read_text() == (other / path.name).read_text()


def test_the_folder_is_read_back_as_the_same_detector(folder: Path) -> None:
    model, found = _model(), read(folder)
    assert found.origin == "trained"
    assert replace(found.specification, weights=None) == model.specification
    assert found.tensors.keys() == model.tensors.keys()
    for name, values in model.tensors.items():
        np.testing.assert_array_equal(found.tensors[name], values)


def test_the_weights_are_in_the_layout_of_pytorch(folder: Path) -> None:
    with safe_open(folder / "model.safetensors", "np") as weights:
        assert weights.metadata() == {"format": "pt"}
    state, model = load_file(folder / "model.safetensors"), _model()
    kernel = model.tensors["block2/mbconv1/depthwise/kernel"]
    np.testing.assert_array_equal(
        state["backbone.block2.mbconv1.depthwise.weight"][:, 0], kernel[:, :, :, 0].transpose(2, 0, 1)
    )
    kernel = model.tensors["class/predict/pointwise/kernel"]
    np.testing.assert_array_equal(state["class_subnet.predict.pointwise.weight"][:, :, 0, 0], kernel[0, 0].T)
    trainable = [parameter for parameter in parameters(UNEQUAL) if parameter.is_trainable]
    assert sum(state[torch_name(parameter)].size for parameter in trainable) == cost_report(UNEQUAL).params


def test_every_parameter_has_a_name_of_its_own_and_comes_back() -> None:
    network = parameters(EFF_SPINENET_D0)
    tensors = {p.name: np.random.default_rng(0).normal(size=p.shape).astype(np.float32) for p in network}
    state = to_torch(tensors, network)
    assert len(state) == len(network)
    for name, values in from_torch(state, network).items():
        np.testing.assert_array_equal(values, tensors[name])


def test_without_weights_the_initial_ones_are_exported_and_said_to_be(tmp_path: Path) -> None:
    specification = BlockSpecification(UNEQUAL, {})
    EXPORTERS["pytorch"].write(Export(specification), tmp_path)
    assert (read(tmp_path).origin, read(tmp_path).seed) == ("initial", 0)
    assert "initial values" in (tmp_path / "README.md").read_text()


def test_the_readme_is_a_model_card_with_figures_classes_and_provenance(folder: Path) -> None:
    _, front, text = (folder / "README.md").read_text().split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert (metadata["library_name"], metadata["pipeline_tag"]) == ("pytorch", "object-detection")
    assert metadata["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.25
    for wanted in ("| ap | 0.2500 |", "| ap_small | none |", "| 0 | 1 | cat\\|dog |", "| 1 | 5 | &lt;b> |"):
        assert wanted in text
    for wanted in ("campaign: cats (`c_1`)", "trial: 7", "seed: 3", "dataset: pets", "[123.675, 116.28, 103.53]"):
        assert wanted in text
    assert f"trainable parameters: {cost_report(UNEQUAL).params:,}" in text
    assert re.search(r"effspine \d\S+", text)
    (coreml,) = re.findall(r"^    (python -c 'import coremltools .*)$", text, re.MULTILINE)
    ast.parse(shlex.split(coreml)[2])
    assert f"\n    {coreml}\n" in (ROOT / "docs" / "exports.md").read_text(encoding="utf-8")


FASTER_RCNN = """
detector.transform.min_size, detector.transform.max_size = (96,), 128
images = [torch.rand(3, 96, 128), torch.rand(3, 128, 96)]
targets = [{"boxes": torch.tensor([[8.0, 8.0, 72.0, 64.0]]), "labels": torch.tensor([1])}] * 2
losses = detector.train()(images, targets)
sum(losses.values()).backward()
gradient = next(model.backbone.parameters()).grad
assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0
found = detector.eval()(images)
print(sorted(losses), [sorted(each) for each in found])
"""


def test_the_backbone_is_that_of_a_detector_of_torchvision(folder: Path) -> None:
    """The block of the README, then a step of training and detection."""
    require_torchvision()
    (block,) = re.findall(r"```python\n([^`]*torchvision[^`]*)```", (folder / "README.md").read_text())
    start = "import torch; from retinanet import load; model = load('.')\n"
    printed = run_export(["-c", start + block + FASTER_RCNN], folder=folder).stdout
    losses = ["loss_box_reg", "loss_classifier", "loss_objectness", "loss_rpn_box_reg"]
    assert printed == f"{losses} {[['boxes', 'labels', 'scores']] * 2}\n"


@pytest.mark.parametrize("count", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_the_python_of_the_readme_runs(folder: Path, count: int) -> None:
    """Detection, training and, in the slow tier, exporting the network."""
    blocks = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert ["torchvision" in block for block in blocks] == [False, False, False, True]
    pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "picture.jpg")
    run_export(["-c", "\n".join(blocks[:count])], folder=folder)
    assert (folder / "saved" / "model.safetensors").stat().st_size > 0
    assert (folder / "network.pt2").exists() == (count == 3)


def test_damaged_weights_are_refused_by_both_readers(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    save_file({**state, "backbone.stem.bn.bias": state["backbone.stem.bn.bias"] + 1}, folder / "model.safetensors")
    with pytest.raises(InvalidValueError, match="SHA-256 differs"):
        read(folder)
    done = run_export(["-c", "from retinanet import load; load('.')"], folder=folder, check=False)
    assert done.returncode != 0
    assert "SHA-256 differs" in done.stderr


def test_a_folder_in_another_layout_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(InvalidValueError, match="cannot be read"):
        read(folder)
    (folder / "config.json").write_text(json.dumps(block_specification(BlockSpecification(UNEQUAL, {}))))
    with pytest.raises(InvalidValueError, match="has no weights"):
        read(folder)


def test_an_archive_of_a_trial_names_its_campaign() -> None:
    campaign = {
        "id": "c_2", "name": "cars", "baseline_reward": None, "finals": None, "data": None,
        "spec": {"seed": 1, "dataset": None, "search_space": {}, "proxy_task": {}},
    }  # fmt: skip
    trial = {
        "number": 3, "reward": None, "betas": [1.0] * 18, "finished_at": None, "madds": 9, "madds_ratio": 1.0,
    }  # fmt: skip
    versions = {"effspine": "0.0.9", "commit": "a1b2", "tensorflow": "2.20.0"}
    export = Export(BlockSpecification(UNEQUAL, provenance_of(campaign, trial, versions)))
    content = EXPORTERS["pytorch"].content(export)
    assert EXPORTERS["pytorch"].content(export) == content
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        readme = files.read("unequal/README.md").decode()
    assert "campaign: cars (`c_2`)" in readme
    assert "trial: 3" in readme
    assert "- the record was made by effspine 0.0.9, commit a1b2, tensorflow 2.20.0\n" in readme
    assert re.search(
        rf"^- this export was made by effspine {re.escape(version('effspine'))}(, commit \S+)?$", readme, re.M
    )
