"""Size and latency of exports, each measured in its own runtime, by the script that the folder carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.benchmarks.export_figures import ExportFigures, add_to_card, latency_text, measured, sizes
from search_space.errors import InvalidValueError
from tests.support.export_runtime import python_of
from tests.support.exported_folders import exported, random_model
from tests.support.random_detectors import UNEQUAL

MODEL = random_model(UNEQUAL)
TIMEOUT_S = 500.0
"""On a busy machine."""


@pytest.fixture(scope="module")
def onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(MODEL, tmp_path_factory.mktemp("onnx"), "onnx")


@pytest.fixture(scope="module")
def pytorch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(MODEL, tmp_path_factory.mktemp("pytorch"))


def _assert_measured(found: ExportFigures, scopes: dict[str, str], packages: set[str]) -> None:
    assert {each.file: each.scope for each in found.models} == scopes
    for each in found.models:
        assert each.median_ms is not None
        assert each.quartiles_ms is not None
        low, high = each.quartiles_ms
        assert 0 < low <= each.median_ms <= high
        assert each.runs >= 5
        assert each.reason is None
    assert found.machine is not None
    assert found.machine["threads"] == 1
    assert found.machine["processors"] >= 1
    assert packages <= found.machine["versions"].keys()


def test_both_graphs_are_measured_in_onnxruntime_and_the_readme_says_so(onnx: Path) -> None:
    found = measured(onnx, timeout_s=TIMEOUT_S)
    _assert_measured(found, {"model.onnx": "detections", "model.raw.onnx": "network"}, {"onnxruntime", "numpy"})
    assert [each.bytes for each in found.models] == [(onnx / each.file).stat().st_size for each in found.models]
    add_to_card(onnx, found)
    card = (onnx / "README.md").read_text(encoding="utf-8")
    titles = [line for line in card.splitlines() if line.startswith("## ")]
    assert titles[titles.index("## Figures") :][:3] == ["## Figures", "## Size and latency", "## Network"]
    assert (
        f"| `model.raw.onnx` | {found.models[1].bytes / 1e3:,.0f} | network | {latency_text(found.models[1])} |" in card
    )
    assert "processors, 1 thread; python " in card


def test_pytorch_is_measured_by_the_python_that_has_it(pytorch: Path) -> None:
    found = measured(pytorch, python=python_of("exports"), timeout_s=TIMEOUT_S)
    _assert_measured(found, {"model.safetensors": "network"}, {"torch"})


def test_a_missing_runtime_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    folder = exported(MODEL, tmp_path)
    (folder / "torch.py").write_text("raise ModuleNotFoundError(name='torch')", encoding="utf-8")  # found first
    found = measured(folder, timeout_s=TIMEOUT_S)
    assert [latency_text(each) for each in found.models] == ["not installed: pip install torch safetensors"]
    before = (folder / "README.md").read_bytes()
    add_to_card(folder, found)
    assert (folder / "README.md").read_bytes() == before


def test_a_measurement_that_takes_too_long_or_fails_leaves_the_size_and_a_reason(onnx: Path, tmp_path: Path) -> None:
    (late,) = {each.reason for each in measured(onnx, timeout_s=0.01).models}
    assert late == "took longer than 0.01 s"
    folder = exported(MODEL, tmp_path, "onnx")
    (folder / "model.onnx").write_bytes(b"no graph")
    reasons = {each.reason for each in measured(folder).models}
    assert len(reasons) == 1
    assert str(reasons.pop()).startswith("failed: ")
    assert next(each.bytes for each in sizes(folder).models) == len(b"no graph")


def test_a_format_without_a_runtime_has_its_size_alone(tmp_path: Path) -> None:
    folder = exported(MODEL, tmp_path, "detector")
    assert measured(folder) == sizes(folder)
    assert [(each.file, latency_text(each)) for each in sizes(folder).models] == [("model.safetensors", "-")]


def test_a_python_that_is_not_there_is_named(onnx: Path) -> None:
    with pytest.raises(InvalidValueError, match="/nowhere/python cannot be run: No such file"):
        measured(onnx, python=Path("/nowhere/python"))


@pytest.mark.slow
@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("litert", ("model_float16.tflite", "model_float32.tflite")),
        ("keras", ("model.keras",)),
        ("savedmodel", ("1/saved_model.pb",)),
    ],
)
def test_the_formats_of_tensorflow_are_measured(name: str, files: tuple[str, ...], tmp_path: Path) -> None:
    folder = exported(MODEL, tmp_path, name)
    _assert_measured(measured(folder, timeout_s=TIMEOUT_S), dict.fromkeys(files, "network"), {"tensorflow"})


@pytest.mark.slow
@pytest.mark.usefixtures("tensorflow")
def test_litert_is_measured_without_tensorflow(tmp_path: Path) -> None:
    found = measured(exported(MODEL, tmp_path, "litert"), python=python_of("exports"), timeout_s=TIMEOUT_S)
    _assert_measured(
        found, dict.fromkeys(("model_float16.tflite", "model_float32.tflite"), "network"), {"ai-edge-litert"}
    )
