"""Model Garden builds the exported backbones and the whole detector, and they compute what the engine does.

They run in an environment of their own (`make setup-model-garden`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporters import EXPORTERS, Export
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.boxes import decode
from proxy_trainer.engine.detections import non_max_suppression
from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.anchors import anchor_boxes
from search_space.architecture import ANCHORS_PER_LOCATION, Architecture, Operations
from search_space.cost import cost_report, parameters
from search_space.detector_model import DetectorModel, Tensors
from search_space.document import BlockSpecification
from search_space.networks.scale_permuted import pyramid
from tests.support.engine_outputs import assert_close, by_anchor, engine_outputs, random_detector
from tests.support.export_runtime import run_export
from tests.support.random_detectors import REPEATED, UNEQUAL, random_tensors
from tests.support.same_detections import assert_same_detections

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tensorflow"), pytest.mark.timeout(1800)]

PROGRAMS = Path(__file__).parent / "programs"
ENVIRONMENT, SECONDS = "model-garden", 1500
BATCH_WEIGHT = 0.01
"""Weight of a batch in running statistics, as published."""
VARIANTS = ("static", "dynamic", "unsynchronised", "copied")

CASES: dict[str, tuple[Architecture, tuple[int, int]]] = {
    "unequal": (UNEQUAL, (66, 140)),
    "repeated": (REPEATED, (75, 133)),
    "ablated": (
        replace(
            UNEQUAL,
            operations=Operations(
                weighted_fusion=False, space_to_depth=False, squeeze_excitation=False, activation="relu"
            ),
        ),
        (66, 140),
    ),
}
# Model Garden pads images to multiples of 128.
DETECTOR = random_detector(replace(REPEATED, input_px=128))
PX = DETECTOR.architecture.input_px


def _exported(model: DetectorModel, directory: Path) -> None:
    directory.mkdir(parents=True)
    EXPORTERS["model-garden"].write(Export(model.specification, model), directory)


def _noise(size: tuple[int, int], batch: int = 3) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(batch, *size, 3)).astype(np.float32)


def _backbone_names(architecture: Architecture) -> list[str]:
    return [each.name for each in parameters(architecture) if not each.name.startswith(("class/", "box/"))]


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Tensors, Mapping[str, np.ndarray]]]:
    """The tensors of each case, and what Model Garden computes with them."""
    directory = tmp_path_factory.mktemp("backbones")
    tensors = {}
    for name, (architecture, size) in CASES.items():
        tensors[name] = random_tensors(architecture)
        _exported(
            DetectorModel(BlockSpecification(architecture, {}), tensors[name], "trained", 1), directory / name / "model"
        )
        np.save(directory / name / "images.npy", _noise(size))
    program = [PROGRAMS / "backbones.py", *(directory / name for name in CASES)]
    run_export(program, folder=directory, environment=ENVIRONMENT, timeout_s=SECONDS)
    return {name: (tensors[name], np.load(directory / name / "outputs.npz")) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_the_trainable_parameters_of_the_backbone_are_exactly_ours(backbones: dict, name: str) -> None:
    architecture, _ = CASES[name]
    sizes = {each.name: each.size for each in parameters(architecture) if each.is_trainable}
    names = _backbone_names(architecture)
    assert int(backbones[name][1]["params"]) == sum(sizes.get(each, 0) for each in names)
    found = {key.removeprefix("after/") for key in backbones[name][1] if key.startswith("after/")}
    assert found == set(names)


@pytest.mark.parametrize("mode", ["inference", "training"])
@pytest.mark.parametrize("name", CASES)
def test_features_are_those_of_the_engine(backbones: dict, name: str, mode: str) -> None:
    architecture, size = CASES[name]
    tensors, found = backbones[name]
    constants = {each: tf.constant(values) for each, values in tensors.items()}
    ops = TensorOps(constants, training=mode == "training")
    expected = pyramid(ops, architecture, tf.constant(_noise(size)))
    for level, feature in expected.items():
        for variant in VARIANTS:
            assert_close(found[f"{variant}/{mode}/{level}"], feature.numpy())
        assert found[f"shape/{level}"].tolist() == list(feature.shape[1:])
    averaged = ops.average(
        [
            feature if level == 3 else ops.upsample(feature, 2 ** (level - 3), ops.size(expected[3]))
            for level, feature in sorted(expected.items())
        ]
    )
    assert_close(found[f"averaged/{mode}/3"], averaged.numpy())


def test_the_running_mean_is_that_of_the_engine(backbones: dict) -> None:
    architecture, size = CASES["unequal"]
    tensors, found = backbones["unequal"]
    ops = TensorOps({each: tf.constant(values) for each, values in tensors.items()}, training=True)
    pyramid(ops, architecture, tf.constant(_noise(size)))
    means = [name for name in _backbone_names(architecture) if name.endswith("/mean")]
    assert means
    for name in means:
        expected = (1 - BATCH_WEIGHT) * tensors[name] + BATCH_WEIGHT * ops.batch_statistics[name].numpy()
        assert_close(found[f"after/{name}"], expected)


@pytest.fixture(scope="module")
def retinanet(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    """What Model Garden's RetinaNet computes from the checkpoint that the export's command has written."""
    directory = tmp_path_factory.mktemp("retinanet")
    classes = [{"id": number, "name": str(number)} for number in range(DETECTOR.architecture.class_slots)]
    named = replace(DETECTOR, specification=replace(DETECTOR.specification, classes=classes))
    _exported(named, directory / "model")
    np.save(directory / "images.npy", _noise((PX, PX)))
    command = ["-m", "eff_spinenet.checkpoint", "--out=../checkpoint"]
    run_export(command, folder=directory / "model", environment=ENVIRONMENT, timeout_s=SECONDS)
    program = [PROGRAMS / "detector.py", directory / "model", directory / "images.npy", directory / "checkpoint/ckpt"]
    run_export([*program, directory / "outputs.npz"], folder=directory, environment=ENVIRONMENT, timeout_s=SECONDS)
    found: Mapping[str, np.ndarray] = np.load(directory / "outputs.npz")
    return found


def test_the_python_and_the_yaml_of_the_readme_run(tmp_path: Path) -> None:
    _exported(DETECTOR, tmp_path / "model")
    text = (tmp_path / "model" / "README.md").read_text()
    (code,), (own,) = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("python", "yaml"))
    (tmp_path / "model" / "own.yaml").write_text(own)
    code += 'config.override(yaml.safe_load(open("own.yaml")))\nprint(sorted(features), config.trainer.train_steps)\n'
    done = run_export(["-c", code], folder=tmp_path / "model", environment=ENVIRONMENT, timeout_s=SECONDS)
    assert done.stdout.split() == ["['3',", "'4',", "'5',", "'6',", "'7']", "10000"]


def test_retinanet_has_our_parameters_and_those_of_the_background(retinanet: Mapping[str, np.ndarray]) -> None:
    background = ANCHORS_PER_LOCATION * (DETECTOR.architecture.subnet_width + 1)
    assert int(retinanet["params"]) == cost_report(DETECTOR.architecture).params + background


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_predictions_are_those_of_the_engine(retinanet: Mapping[str, np.ndarray], mode: str) -> None:
    expected, _ = engine_outputs(DETECTOR, _noise((PX, PX)), training=mode == "training")
    logits = by_anchor(expected.class_logits, DETECTOR.architecture.class_slots)
    assert_close(retinanet[f"{mode}/cls_outputs"][..., 1:], logits)
    assert_close(retinanet[f"{mode}/box_outputs"], by_anchor(expected.boxes, 4))


def test_anchors_and_detections_are_those_of_the_engine(retinanet: Mapping[str, np.ndarray]) -> None:
    anchors = anchor_boxes(PX, DETECTOR.specification.anchor_size)
    np.testing.assert_allclose(retinanet["anchors"], anchors, atol=1e-3)
    expected, _ = engine_outputs(DETECTOR, _noise((PX, PX)))
    boxes = decode(tf.constant(by_anchor(expected.boxes, 4)), tf.constant(anchors), (PX, PX))
    scores = tf.nn.sigmoid(by_anchor(expected.class_logits, DETECTOR.architecture.class_slots))
    ours = DetectionBatch(*(each.numpy() for each in non_max_suppression(boxes, scores)))
    names = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
    theirs = [retinanet[name].copy() for name in names]
    theirs[2] -= np.arange(theirs[2].shape[1]) < theirs[3][:, None]  # classes count the background
    assert_same_detections(theirs, ours)
