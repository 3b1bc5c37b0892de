"""`effspine bench latency` measures the exported graph of a specification, a detector or an export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from typer.testing import CliRunner

from exporters import EXPORTERS, Export
from exporters.benchmarks.latency import network_graph, read_graph
from exporters.benchmarks.latency_command import app
from search_space.detector_model import DetectorModel, save_detector
from search_space.document import BlockSpecification
from search_space.errors import InvalidValueError
from tests.support.random_detectors import UNEQUAL, random_tensors

SPECIFICATION = BlockSpecification(UNEQUAL, {}, anchor_size=1.5)


@pytest.fixture(scope="module")
def trained() -> Export:
    return Export(SPECIFICATION, trained=DetectorModel(SPECIFICATION, random_tensors(UNEQUAL), "trained", 1))


def _specification(directory: Path) -> Path:
    EXPORTERS["spec"].write(Export(SPECIFICATION), directory)
    return directory / "unequal.json"


def _printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _document(*arguments: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_printed(*arguments, "--json"))
    return document


def test_the_document_has_latency_machine_and_versions(tmp_path: Path) -> None:
    path = _specification(tmp_path)
    found = _document(path, "--batch", 2, "--threads", 1, "--runs", 5)
    low, high = found.pop("quartiles_ms")
    assert 0 < low <= found.pop("median_ms") <= high
    assert found.pop("processor")
    assert found.pop("versions").keys() == {"effspine", "onnx", "onnxruntime"}
    assert found == {
        "format": "onnx",
        "graph": "raw",
        "architecture": "unequal",
        "weights": "initial",
        "input_px": 64,
        "batch": 2,
        "threads": 1,
        "runs": 5,
        "graph_bytes": len(read_graph(str(path), "raw")),
    }


def test_the_lines_have_the_same_figures(tmp_path: Path) -> None:
    text = _printed(_specification(tmp_path), "--threads", 1, "--runs", 3, "--format", "onnx")
    assert " ms for 1 image\n" in text
    assert " MB, initial weights\n" in text
    assert "unequal at 64 px" in text
    assert ", 1 thread\n" in text


def test_an_export_is_measured_itself_and_a_detector_as_it_would_be_exported(trained: Export, tmp_path: Path) -> None:
    exported, detector = tmp_path / "exported", tmp_path / "detector"
    exported.mkdir()
    EXPORTERS["onnx"].write(trained, exported)
    save_detector(trained.model, detector)
    for graph, file in (("raw", "model.raw.onnx"), ("detections", "model.onnx")):
        assert read_graph(str(exported), graph) == (exported / file).read_bytes()  # type: ignore[arg-type]
    found = _document(detector, "--graph", "detections", "--runs", 3)
    assert (found["graph"], found["weights"]) == ("detections", "trained")


def test_a_run_is_the_whole_graph_over_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[int, ...]] = []

    class Recorded(onnxruntime.InferenceSession):  # type: ignore[misc]
        def run(self, outputs: None, inputs: dict[str, Any]) -> Any:
            (pixels,) = inputs.values()
            ran.append(pixels.shape)
            clock[0] += 0.25
            return super().run(outputs, inputs)

    clock = [0.0]
    monkeypatch.setattr(onnxruntime, "InferenceSession", Recorded)
    monkeypatch.setattr("exporters.benchmarks.latency.time.perf_counter", lambda: clock[0])
    graph = network_graph(replace(UNEQUAL, input_px=128), batch=3)
    assert [graph.run_ms(), graph.run_ms()] == [250, 250]
    assert ran == [(3, 3, 128, 128)] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "litert"), "format is 'litert'; it must be onnx"),
        (("--graph", "all"), "graph is 'all'; it must be raw or detections"),
    ],
)
def test_unknown_formats_and_graphs_are_refused(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=message):
        _printed(_specification(tmp_path), *arguments)


def test_a_published_model_is_named_and_anything_else_is_refused(tmp_path: Path) -> None:
    found = _document("eff-spinenet-m0", "--runs", 3)
    assert (found["architecture"], found["input_px"], found["weights"]) == ("Eff-SpineNet-M0", 256, "initial")
    with pytest.raises(InvalidValueError, match=r"no\.json'; it must be one of Eff-SpineNet-M0, "):
        _printed(tmp_path / "no.json")
