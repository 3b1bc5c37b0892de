"""The Keras file, loaded by Keras alone, is the engine's network, and trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from exporters import EXPORTERS, Export
from search_space.anchors import anchor_boxes
from search_space.cost import cost_report
from search_space.detector import IMAGE_MEAN
from search_space.document import load_block_specification
from search_space.topology import BLOCKS
from tests.support.engine_outputs import assert_close, by_anchor, engine_outputs, random_detector
from tests.support.random_detectors import REPEATED
from tests.support.without_effspine import run_without_effspine

pytestmark = pytest.mark.usefixtures("tensorflow")

LOADED = Path(__file__).parent / "programs" / "loaded.py"
# Sizes 75, 38, 19, 10, 5, 3, 2: three are rounded up. Level 7 has four positions; with fewer values than that, batch
# normalisation amplifies the rounding of the input.
NETWORK = replace(REPEATED, input_px=150)
MODEL = random_detector(NETWORK)
PX = NETWORK.input_px
SIZES = ((PX, PX), (93, PX), (PX, 70))
MOMENTUM = 0.99


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported folder."""
    directory = tmp_path_factory.mktemp("keras")
    EXPORTERS["keras"].write(Export(MODEL.specification, MODEL), directory)
    return directory


@pytest.fixture(scope="module")
def padded() -> np.ndarray:
    """Images of several sizes, padded with the mean colour."""
    pixels = np.empty((len(SIZES), PX, PX, 3), np.float32)
    pixels[:] = IMAGE_MEAN
    rng = np.random.default_rng(3)
    for image, (height, width) in zip(pixels, SIZES, strict=True):
        image[:height, :width] = rng.integers(0, 256, (height, width, 3))
    return pixels


@pytest.fixture(scope="module")
def normalised(padded: np.ndarray) -> np.ndarray:
    """The same images as the engine sees them."""
    from proxy_trainer.engine.proxy_network import normalise

    images: np.ndarray = normalise(padded, np.array(SIZES, np.int32)).numpy()
    return images


@pytest.fixture(scope="module")
def loaded(folder: Path, padded: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    """What Keras computes with the file."""
    directory = tmp_path_factory.mktemp("loaded")
    np.savez(directory / "inputs.npz", pixels=padded)
    run_without_effspine(LOADED, folder / "model.keras", directory / "inputs.npz", directory / "outputs.npz")
    found: Mapping[str, np.ndarray] = np.load(directory / "outputs.npz")
    return found


def test_the_parameters_are_as_many_as_ours(loaded: Mapping[str, np.ndarray]) -> None:
    assert int(loaded["params"]) == cost_report(NETWORK).params


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_predictions_are_those_of_the_engine(
    loaded: Mapping[str, np.ndarray], normalised: np.ndarray, mode: str
) -> None:
    expected, statistics = engine_outputs(MODEL, normalised, training=mode == "training")
    assert_close(loaded[f"{mode}/class_logits"], by_anchor(expected.class_logits, NETWORK.class_slots))
    assert_close(loaded[f"{mode}/box_codes"], by_anchor(expected.boxes, 4))
    if mode == "inference":
        return
    means = {name: values for name, values in statistics.items() if name.endswith("/mean")}
    assert means
    for name, values in means.items():
        layer = name.removesuffix("/mean").replace("/", "_")
        assert_close(loaded[f"mean/{layer}"], MOMENTUM * MODEL.tensors[name] + (1 - MOMENTUM) * values.numpy())


def test_the_running_variance_is_the_uncorrected_one(loaded: Mapping[str, np.ndarray], normalised: np.ndarray) -> None:
    """At level 7, which has few values, so that the difference is large."""
    _, statistics = engine_outputs(MODEL, normalised, training=True)
    name, count = "class/layer1/bn7/variance", 4 * len(SIZES)
    uncorrected = statistics[name].numpy() * (count - 1) / count
    expected = MOMENTUM * MODEL.tensors[name] + (1 - MOMENTUM) * uncorrected
    assert_close(loaded["variance/class_layer1_bn7"], expected)


def test_it_trains_with_all_its_fusion_weights(loaded: Mapping[str, np.ndarray]) -> None:
    losses, slopes = loaded["losses"], loaded["fusion_slopes"]
    assert losses[-1] < losses[0]
    assert len(slopes) == sum(len(block.parents) == 2 for block in BLOCKS)
    assert np.all(slopes > 0)


def test_the_backbone_is_a_part_of_it(loaded: Mapping[str, np.ndarray]) -> None:
    assert loaded["features"].tolist() == [[px, px, NETWORK.subnet_width] for px in (19, 10, 5, 3, 2)]


def test_the_folder_describes_the_file(folder: Path) -> None:
    specification = load_block_specification(folder / "config.json")
    assert specification.architecture == NETWORK
    assert specification.weights is not None
    assert specification.weights["file"] == "model.keras"
    np.testing.assert_array_equal(np.load(folder / "anchors.npy"), anchor_boxes(PX, specification.anchor_size))
    assert "keras.saving.load_model" in (folder / "README.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "anchors.npy", "config.json", "latency.py", "model.keras", "pictures.py", "predict.py",
    ]  # fmt: skip


@pytest.mark.slow
def test_fit_lowers_the_loss(folder: Path, padded: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", pixels=padded)
    arguments = (folder / "model.keras", tmp_path / "inputs.npz", tmp_path / "outputs.npz", "--fit")
    run_without_effspine(LOADED, *arguments)
    losses = np.load(tmp_path / "outputs.npz")["fit_losses"]
    assert losses[-1] < losses[0]
