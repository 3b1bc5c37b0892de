"""Exports in their runtimes detect what the engine detects, through the adapters of evaluate and predict.

That of PyTorch, which is not installed here, is tested in `test_commands.py`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from exporters import EXPORTERS, Export
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.runtime import start
from proxy_trainer.inference.detector import load_any_detector
from search_space.detector_model import DetectorModel, initial_model, save_detector
from search_space.document import BlockSpecification
from search_space.published import EFF_SPINENET_D0
from tests.support.processes import THREADS

PX = 64
SLOW_FORMATS = ("savedmodel", "keras", "litert")


@pytest.fixture(scope="module", autouse=True)
def _tensorflow() -> None:
    """Exporters run TensorFlow before the engine does, and its threads can be set only before."""
    start(THREADS)


@pytest.fixture(scope="module")
def model() -> DetectorModel:
    """A detector whose scores differ: with initial weights all of them are nearly that of the prior."""
    network = EFF_SPINENET_D0.scaled(0.15, divisor=1, input_px=PX, class_slots=2, subnet_width=8, subnet_layers=1)
    made = initial_model(BlockSpecification(network, {}, anchor_size=2.0), seed=1)
    tensors = dict(made.tensors)
    kernel = "class/predict/pointwise/kernel"
    tensors[kernel] = 100 * tensors[kernel]
    return DetectorModel(made.specification, tensors, "initial", 1)


@pytest.mark.parametrize("name", ["onnx", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_FORMATS)])
def test_an_export_detects_what_the_engine_detects(name: str, model: DetectorModel, tmp_path: Path) -> None:
    save_detector(model, tmp_path / "model")
    (tmp_path / "export").mkdir()
    EXPORTERS[name].write(Export(model.specification, model), tmp_path / "export")
    pixels = np.random.default_rng(0).integers(0, 256, (3, PX, PX, 3)).astype(np.uint8)
    sizes = np.array([[PX, PX], [PX, 40], [33, PX]], np.int32)
    for row, (height, width) in enumerate(sizes.tolist()):
        pixels[row, height:], pixels[row, :, width:] = 0, 0
    exported = load_any_detector(tmp_path / "export", THREADS)
    assert exported.format == name
    wanted = load_any_detector(tmp_path / "model", THREADS).detects.detect(pixels, sizes)
    found = exported.detects.detect(pixels, sizes)
    assert wanted.valid.min() > 0
    np.testing.assert_array_equal(found.valid, wanted.valid)
    for row, count in enumerate(wanted.valid.tolist()):
        _assert_same(_columns(found, row, count), _columns(wanted, row, count))


def _columns(batch: DetectionBatch, row: int, count: int) -> npt.NDArray[np.float32]:
    """The detections `[count, 6]` of an image: box, score in hundreds, class in thousands."""
    scores, classes = 100 * batch.scores[row, :count], 1000 * batch.classes[row, :count]
    return np.column_stack([batch.boxes[row, :count], scores, classes])


def _assert_same(found: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> None:
    """Nearly all wanted detections are found; where scores are nearly equal, suppression may keep another box."""
    distance = np.abs(found[:, None] - wanted[None]).max(axis=-1).min(axis=0)
    assert np.mean(distance < 0.02) > 0.9
