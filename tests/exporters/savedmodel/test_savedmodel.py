"""The SavedModel, loaded by TensorFlow alone, detects what the engine detects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exporters import EXPORTERS, Export
from search_space.architecture import Architecture
from search_space.document import BlockSpecification, load_block_specification
from search_space.errors import InvalidValueError
from search_space.proxy_task import resolve
from tests.support.engine_outputs import assert_close, by_anchor, engine_outputs, random_detector
from tests.support.random_detectors import REPEATED
from tests.support.without_effspine import run_without_effspine

pytestmark = pytest.mark.usefixtures("tensorflow")

SIGNATURES = Path(__file__).parent / "programs" / "signatures.py"
NETWORK = replace(REPEATED, input_px=96)
MODEL = random_detector(NETWORK)
PX = NETWORK.input_px
SIZES = np.array([(PX, PX), (61, PX), (PX, 40)], np.int32)
PIXELS = np.random.default_rng(3).integers(0, 256, (len(SIZES), PX, PX, 3)).astype(np.uint8)
"""The padding has noise, too, which must not matter."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported folder."""
    directory = tmp_path_factory.mktemp("savedmodel")
    EXPORTERS["savedmodel"].write(Export(MODEL.specification, MODEL), directory)
    return directory


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    """What the signatures return."""
    directory = tmp_path_factory.mktemp("served")
    np.savez(directory / "inputs.npz", pixels=PIXELS, sizes=SIZES)
    run_without_effspine(SIGNATURES, folder / "1", directory / "inputs.npz", directory / "outputs.npz")
    found: Mapping[str, np.ndarray] = np.load(directory / "outputs.npz")
    return found


def test_the_detections_are_those_of_the_engine(served: Mapping[str, np.ndarray]) -> None:
    from proxy_trainer.training.detectors import load_engine

    expected = load_engine(MODEL, resolve("smoke")).detect(PIXELS, SIZES)
    assert expected.valid.min() > 10
    found = {name: served[f"serving_default/{name}"] for name in ("boxes", "scores", "classes", "count")}
    np.testing.assert_array_equal(found["count"], expected.valid)
    np.testing.assert_array_equal(found["classes"], expected.classes)
    assert_close(found["boxes"], expected.boxes)
    assert_close(found["scores"], expected.scores)


def test_raw_predictions_are_those_of_the_engine(served: Mapping[str, np.ndarray]) -> None:
    from proxy_trainer.engine.proxy_network import normalise

    expected, _ = engine_outputs(MODEL, normalise(PIXELS, SIZES).numpy())
    assert_close(served["raw/class_logits"], by_anchor(expected.class_logits, NETWORK.class_slots))
    assert_close(served["raw/box_codes"], by_anchor(expected.boxes, 4))


def test_the_folder_describes_the_model(folder: Path) -> None:
    specification = load_block_specification(folder / "config.json")
    assert specification.architecture == NETWORK
    assert specification.weights is not None
    assert specification.weights["file"] == "1/saved_model.pb"
    assert "serving_default" in (folder / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in folder.iterdir()} == {
        "1", "README.md", "anchors.npy", "config.json", "latency.py", "pictures.py", "predict.py",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["savedmodel", "litert"])
def test_weights_that_no_file_holds_are_refused_before_they_are_made(name: str, tmp_path: Path) -> None:
    huge = Architecture((4096,) * 18, name="huge")
    with pytest.raises(InvalidValueError, match="the weights of huge have"):
        EXPORTERS[name].write(Export(BlockSpecification(huge, {})), tmp_path)
