"""The exported files: their content, and the script, which runs without effspine."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from exporters import EXPORTERS, Export
from exporters.onnx.graph import IR_VERSION, OPSET
from proxy_trainer.data.images import resize_and_pad
from search_space.detector_model import DetectorModel, weights_content
from search_space.document import BlockSpecification, load_block_specification
from tests.support.random_detectors import UNEQUAL, random_tensors

CLASSES = [{"id": 7, "name": "seven"}, {"id": 9, "name": "nine | ten"}, {"id": "x", "name": "Straße"}]
PROVENANCE = {"campaign": {"id": "c_1", "name": "digits"}, "trial": 4, "seed": 7, "dataset": "digits"}
FILES = {"README.md", "config.json", "latency.py", "model.onnx", "model.raw.onnx", "pictures.py", "predict.py"}


@pytest.fixture(scope="module")
def export() -> Export:
    specification = BlockSpecification(UNEQUAL, PROVENANCE, anchor_size=1.5, classes=CLASSES)
    return Export(specification, trained=DetectorModel(specification, random_tensors(UNEQUAL), "trained", 3))


@pytest.fixture(scope="module")
def directory(export: Export, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("onnx")
    EXPORTERS["onnx"].write(export, directory)
    return directory


def _picture(directory: Path, name: str = "picture.png", size: tuple[int, int] = (90, 47)) -> Path:
    """A picture of (width, height)."""
    pixels = np.random.default_rng(5).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


_ALONE = """
import importlib.util, runpy, sys
sys.path.append(sys.argv.pop(1))
sys.path.insert(0, sys.argv.pop(1))
assert not any(map(importlib.util.find_spec, ("search_space", "exporters", "proxy_trainer")))
runpy.run_path(sys.path[0] + "/" + sys.argv.pop(1), run_name="__main__")
"""


def _predict(directory: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs the script with the installed packages but without effspine, which is installed by a path file."""
    installed = sysconfig.get_paths()["purelib"]
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", _ALONE, installed, directory, "predict.py", *map(str, arguments)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _predicted(directory: Path, *arguments: object) -> list[dict[str, Any]]:
    completed = _predict(directory, *arguments)
    assert completed.returncode == 0, completed.stderr
    found: list[dict[str, Any]] = json.loads(completed.stdout)
    return found


def test_the_graphs_are_valid_and_pinned(directory: Path) -> None:
    assert {path.name for path in directory.iterdir()} == FILES
    for name in ("model.onnx", "model.raw.onnx"):
        model = onnx.load(directory / name)
        onnx.checker.check_model(model, full_check=True)
        assert (model.ir_version, [each.version for each in model.opset_import]) == (IR_VERSION, [OPSET])
        assert all(node.domain == "" for node in model.graph.node)
        assert not any(tensor.external_data for tensor in model.graph.initializer)


def test_the_metadata_have_classes_configuration_provenance_and_weights(directory: Path, export: Export) -> None:
    digest = hashlib.sha256(weights_content(export.model)).hexdigest()
    for name in ("model.onnx", "model.raw.onnx"):
        session = onnxruntime.InferenceSession(directory / name, providers=["CPUExecutionProvider"])
        found = {key: json.loads(text) for key, text in session.get_modelmeta().custom_metadata_map.items()}
        assert found.keys() == {"classes", "config", "provenance", "weights"}
        assert (found["classes"], found["provenance"]) == (CLASSES, PROVENANCE)
        assert found["config"]["blocks"][0]["width"] == UNEQUAL.widths[0]
        assert found["weights"] == {"origin": "trained", "seed": 3, "safetensors_sha256": digest}


def test_the_configuration_is_a_block_specification_that_names_the_graph(directory: Path) -> None:
    specification = load_block_specification(directory / "config.json")
    assert specification.architecture == UNEQUAL
    assert (specification.classes, specification.provenance) == (CLASSES, PROVENANCE)
    digest = hashlib.sha256((directory / "model.onnx").read_bytes()).hexdigest()
    assert specification.weights == {"file": "model.onnx", "sha256": digest, "origin": "trained", "seed": 3}


def test_the_readme_has_commands_interfaces_and_provenance(directory: Path) -> None:
    text = (directory / "README.md").read_text(encoding="utf-8")
    assert "    python predict.py IMAGE... --out drawn --score 0.3\n" in text
    assert "| in: `pixels` | uint8 | [batch, 64, 64, 3] |" in text
    assert "| out: `class_logits_p5` | float32 | [batch, 27, 2, 2] |" in text
    assert "    trtexec --onnx=model.raw.onnx --minShapes=images:1x3x64x64" in text
    assert "campaign: digits" in text
    assert "Straße" in text


def test_the_same_export_has_the_same_bytes(export: Export, directory: Path) -> None:
    content = EXPORTERS["onnx"].content(export)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = {Path(name).name: archive.read(name) for name in archive.namelist()}
    assert found == {path.name: path.read_bytes() for path in directory.iterdir()}


def test_weights_that_were_not_trained_are_named_as_such(tmp_path: Path) -> None:
    EXPORTERS["onnx"].write(Export(BlockSpecification(UNEQUAL, {})), tmp_path)
    weights = load_block_specification(tmp_path / "config.json").weights
    assert weights is not None
    assert (weights["origin"], weights["seed"]) == ("initial", 0)
    metadata = {each.key: each.value for each in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert json.loads(metadata["classes"]) is None
    (found,) = _predicted(tmp_path, _picture(tmp_path), "--score", 0)
    assert {each["name"] for each in found["detections"]} == {None}


def test_the_script_prints_the_detections_of_the_graph_in_pixels_of_the_picture(
    directory: Path, tmp_path: Path
) -> None:
    path = _picture(tmp_path)
    pixels, scale = resize_and_pad(np.asarray(Image.open(path)), 64)
    session = onnxruntime.InferenceSession(directory / "model.onnx", providers=["CPUExecutionProvider"])
    inputs = {"pixels": pixels[None], "sizes": np.array([[round(47 * scale), 64]], np.int32)}
    boxes, scores, classes, _ = (values[0] for values in session.run(("boxes", "scores", "classes", "count"), inputs))
    (found,) = _predicted(directory, path, "--score", (scores[39] + scores[40]) / 2)
    assert (found["image"], found["width"], found["height"]) == (str(path), 90, 47)
    corners = np.clip(boxes[:40] / scale, 0, [90, 47, 90, 47])
    places = np.flatnonzero(np.all(corners[:, :2] < corners[:, 2:], axis=1))
    assert 10 < len(places) < 40  # the others are in the padding
    for place, each in zip(places, found["detections"], strict=True):
        np.testing.assert_allclose(each["box"], corners[place], atol=0.006)
        assert abs(each["score"] - scores[place]) < 1e-4
        assert (each["class"], each["name"]) == (classes[place], CLASSES[classes[place]]["name"])


def test_the_script_draws_boxes_and_keeps_pictures_of_one_name_apart(directory: Path, tmp_path: Path) -> None:
    paths = [_picture(tmp_path, "a/x.png"), _picture(tmp_path, "b/x.png", (31, 60)), _picture(tmp_path, "y.png")]
    found = _predicted(directory, *paths, "--out", tmp_path / "drawn", "--score", 0.75)
    drawn = {path.name: np.asarray(Image.open(path)) for path in (tmp_path / "drawn").iterdir()}
    assert drawn.keys() == {"x-1.png", "x-2.png", "y.png"}
    for path, name, each in zip(paths, ("x-1.png", "x-2.png", "y.png"), found, strict=True):
        picture = np.asarray(Image.open(path))
        assert drawn[name].shape == picture.shape
        changed = np.any(drawn[name] != picture, axis=-1)
        x1, y1, x2, y2 = (int(side) for side in each["detections"][0]["box"])
        assert changed[min(y2, picture.shape[0] - 1), x1 : x2 + 1].any() or changed[y1 : y2 + 1, x1].any()


def test_the_script_turns_a_picture_as_its_camera_says(directory: Path, tmp_path: Path) -> None:
    stored = Image.open(_picture(tmp_path))
    exif = stored.getexif()
    exif[0x0112] = 6
    stored.save(tmp_path / "turned.png", exif=exif)
    stored.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright.png")
    turned, upright = _predicted(directory, tmp_path / "turned.png", tmp_path / "upright.png")
    assert (turned["width"], turned["height"]) == (47, 90)
    assert turned["detections"] == upright["detections"] != []


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no.png cannot be read"), (b"text", "no.png cannot be read"), ("I;16", "convert it to 8 bits")],
    ids=["missing", "no image", "deep"],
)
def test_the_script_says_which_file_is_no_image(
    content: bytes | str | None, message: str, directory: Path, tmp_path: Path
) -> None:
    path = tmp_path / "no.png"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        Image.new(content, (8, 8)).save(path)
    completed = _predict(directory, path)
    assert completed.returncode == 1
    assert completed.stdout == ""
    assert message in completed.stderr
    assert "Traceback" not in completed.stderr
