"""The LiteRT files, run by the LiteRT interpreter alone, compute what the engine does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from exporters import EXPORTERS, Export
from proxy_trainer.data.digits import make_digits
from search_space.networks.retinanet import LEVELS
from tests.support.engine_outputs import TOLERANCE, difference, engine_outputs
from tests.support.export_runtime import run_export
from tests.support.exported_detectors import REPEATED, detector

pytestmark = pytest.mark.usefixtures("tensorflow")

HEADS = Path(__file__).parent / "programs" / "heads.py"
MODEL = detector(REPEATED)
PX = REPEATED.input_px
SIZES = np.array([(PX, PX), (61, PX), (PX, 40)], np.int32)
MEAN_COLOUR = (124, 116, 104)
"""In whole numbers, which the int8 file takes; the float files are given the same."""

FLOAT16_TOLERANCE = 2e-3
INT8_TOLERANCE = 0.05
"""Of the largest value of an output; 4e-4 and 1.3e-2 were measured."""

Outputs = dict[str, Mapping[str, np.ndarray]]


def padded_noise() -> np.ndarray:
    """Images of several sizes, with the mean colour in their padding."""
    pixels = np.empty((len(SIZES), PX, PX, 3), np.float32)
    pixels[:] = MEAN_COLOUR
    for image, (height, width) in zip(pixels, SIZES, strict=True):
        image[:height, :width] = np.random.default_rng(3).integers(0, 256, (height, width, 3))
    return pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported folder, with an int8 file."""
    directory = tmp_path_factory.mktemp("litert")
    make_digits(directory / "digits", train=40, val=8)
    (directory / "model").mkdir()
    EXPORTERS["litert"].write(Export(MODEL.specification, MODEL, dataset=directory / "digits"), directory / "model")
    return directory / "model"


@pytest.fixture(scope="module")
def outputs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What the interpreter computes with each file, by precision."""
    directory = tmp_path_factory.mktemp("outputs")
    np.savez(directory / "inputs.npz", pixels=padded_noise())
    for path in folder.glob("*.tflite"):
        (directory / path.name).write_bytes(path.read_bytes())
    run_export([HEADS, directory, directory / "inputs.npz"], folder=directory)
    return {name: np.load(directory / f"model_{name}.npz") for name in ("float32", "float16", "int8")}


def differences(found: Mapping[str, np.ndarray]) -> list[float]:
    """The largest difference of each output from the engine's, over the largest value."""
    from proxy_trainer.engine.proxy_network import normalise

    expected, _ = engine_outputs(MODEL, normalise(padded_noise(), SIZES).numpy())
    return [
        difference(found[f"{kind}{level}"], maps[level])
        for kind, maps in (("class", expected.class_logits), ("box", expected.boxes))
        for level in LEVELS
    ]


@pytest.mark.parametrize(
    ("name", "tolerance"), [("float32", TOLERANCE), ("float16", FLOAT16_TOLERANCE), ("int8", INT8_TOLERANCE)]
)
def test_outputs_are_those_of_the_engine(outputs: Outputs, name: str, tolerance: float) -> None:
    assert max(differences(outputs[name])) <= tolerance


@pytest.mark.parametrize("name", ["float32", "float16", "int8"])
def test_all_operators_are_builtin(outputs: Outputs, name: str) -> None:
    operators = set(outputs[name]["operators"])
    assert {"CONV_2D", "DEPTHWISE_CONV_2D"} <= operators
    assert "CUSTOM" not in operators


def test_the_int8_file_computes_in_integers_and_takes_pixel_values(outputs: Outputs) -> None:
    found = outputs["int8"]
    assert str(found["dtype"]) == "uint8"
    np.testing.assert_allclose(found["quantization"], (1.0, 0))
    assert int(found["float_tensors"]) == 2 * len(LEVELS), "only the outputs are floating-point numbers"


@pytest.mark.slow
def test_without_a_data_set_there_is_no_int8_file(tmp_path: Path) -> None:
    EXPORTERS["litert"].write(Export(MODEL.specification, MODEL), tmp_path)
    assert {path.name for path in tmp_path.glob("*.tflite")} == {"model_float32.tflite", "model_float16.tflite"}
    assert "There is no int8 file, because" in (tmp_path / "README.md").read_text(encoding="utf-8")
