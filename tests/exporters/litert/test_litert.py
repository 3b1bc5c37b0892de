"""The LiteRT files, run by the LiteRT interpreter alone, compute what the engine does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from exporters import EXPORTERS, Export
from exporters.litert.representative import RepresentativeImages
from proxy_trainer.data.digits import make_digits
from search_space.detector import IMAGE_MEAN
from search_space.networks.retinanet import LEVELS
from tests.support.engine_outputs import TOLERANCE, assert_close, engine_outputs, random_detector
from tests.support.export_runtime import run_export
from tests.support.random_detectors import REPEATED

pytestmark = pytest.mark.usefixtures("tensorflow")

HEADS = Path(__file__).parent / "programs" / "heads.py"
NETWORK = replace(REPEATED, input_px=96)
MODEL = random_detector(NETWORK)
PX = NETWORK.input_px
SIZES = ((PX, PX), (61, PX), (PX, 40))
DIGITS = 4
PRECISIONS = ("float32", "float16", "int8")
FLOAT16_TOLERANCE = 1e-2
"""Of the largest value of an output; 4.3e-3 was measured."""
INT8_TOLERANCE = 0.3
"""Root mean square of the differences over that of the values; 0.16 was measured."""


@dataclass(frozen=True, eq=False)
class Exported:
    """The engine's outputs for noise and then for digits, and what the interpreter computes with each file."""

    expected: dict[str, np.ndarray]
    found: dict[str, Mapping[str, np.ndarray]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    from proxy_trainer.engine.proxy_network import normalise

    directory = tmp_path_factory.mktemp("litert")
    data, folder, outputs = (directory / name for name in ("digits", "model", "outputs"))
    make_digits(data, train=60, val=8)
    folder.mkdir()
    outputs.mkdir()
    EXPORTERS["litert"].write(Export(MODEL.specification, MODEL, dataset=data), folder)
    pixels = np.concatenate([_noise(), list(islice(RepresentativeImages(data, PX), DIGITS))])
    np.savez(directory / "inputs.npz", pixels=pixels)
    run_export([HEADS, folder, outputs, directory / "inputs.npz"], folder=directory)
    # The mean colour in the padding is zero after the normalisation, like what is beyond the size of an image.
    sizes = np.full((len(pixels), 2), PX, np.int32)
    outputs_of_engine, _ = engine_outputs(MODEL, normalise(pixels, sizes).numpy())
    pairs = zip(("class", "box"), outputs_of_engine, strict=True)
    expected = {f"{kind}{level}": maps[level] for kind, maps in pairs for level in LEVELS}
    return Exported(expected, {name: np.load(outputs / f"model_{name}.npz") for name in PRECISIONS})


def _noise() -> np.ndarray:
    """Images of several sizes, with the mean colour in their padding."""
    pixels = np.empty((len(SIZES), PX, PX, 3), np.float32)
    pixels[:] = IMAGE_MEAN
    rng = np.random.default_rng(3)
    for image, (height, width) in zip(pixels, SIZES, strict=True):
        image[:height, :width] = rng.integers(0, 256, (height, width, 3))
    return pixels


@pytest.mark.parametrize(("name", "tolerance"), [("float32", TOLERANCE), ("float16", FLOAT16_TOLERANCE)])
def test_outputs_are_those_of_the_engine(exported: Exported, name: str, tolerance: float) -> None:
    for output, expected in exported.expected.items():
        assert_close(exported.found[name][output], expected, tolerance)


def test_int8_outputs_are_near_those_of_the_engine_on_images_of_the_data_set(exported: Exported) -> None:
    for output, values in exported.expected.items():
        expected, found = values[-DIGITS:], exported.found["int8"][output][-DIGITS:]
        assert np.mean((found - expected) ** 2) <= INT8_TOLERANCE**2 * np.mean(expected**2)


@pytest.mark.parametrize("name", PRECISIONS)
def test_all_operators_are_builtin(exported: Exported, name: str) -> None:
    operators = set(exported.found[name]["operators"])
    assert {"CONV_2D", "DEPTHWISE_CONV_2D"} <= operators
    assert "CUSTOM" not in operators


def test_the_int8_file_computes_in_integers_and_takes_pixel_values(exported: Exported) -> None:
    found = exported.found["int8"]
    assert str(found["dtype"]) == "uint8"
    np.testing.assert_allclose(found["quantization"], (1.0, 0))
    assert int(found["float_tensors"]) == 2 * len(LEVELS), "only the outputs are floating-point numbers"


def test_representative_images_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exporters.litert import representative

    make_digits(tmp_path / "digits", train=5, val=2)
    read, original = [], representative.read_image
    monkeypatch.setattr(representative, "read_image", lambda *each: (read.append(each), original(*each))[1])
    images = RepresentativeImages(tmp_path / "digits", PX)
    assert next(iter(images)).shape == (PX, PX, 3)
    assert len(read) == 1
    assert len(list(images)) == len(images) == 5


@pytest.mark.slow
def test_without_a_data_set_there_is_no_int8_file(tmp_path: Path) -> None:
    EXPORTERS["litert"].write(Export(MODEL.specification, MODEL), tmp_path)
    assert {path.name for path in tmp_path.glob("*.tflite")} == {"model_float32.tflite", "model_float16.tflite"}
    assert "There is no int8 file, because" in (tmp_path / "README.md").read_text(encoding="utf-8")
