"""`effspine export`: architectures as files, without a service."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli.export import app
from exporters import EXPORTERS, Export
from search_space.architecture import Architecture
from search_space.cost import cost_report
from search_space.detector_model import initial_model, load_detector, save_detector
from search_space.document import BlockSpecification, load_block_specification
from search_space.published import EFF_SPINENETS

SMALL = Architecture(tuple(range(4, 22)), name="small", input_px=64, subnet_width=8, class_slots=2)


def exported(*arguments: str) -> dict[str, Any]:
    """The document of one or more exports; that of the first has its path under `path`."""
    done = CliRunner().invoke(app, [*arguments, "--no-latency", "--json"])
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return {**document, "path": document["exports"][0]["path"]}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The specification of SMALL."""
    path = tmp_path / "in" / "small.json"
    path.parent.mkdir()
    path.write_bytes(EXPORTERS["spec"].content(Export(BlockSpecification(SMALL, {}))))
    return path


def test_the_help_lists_every_format_with_its_purpose() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout.split())
    for each in EXPORTERS.values():
        assert f"{each.name}: {each.purpose}" in text


def test_a_named_model_widths_and_a_file_are_exported(tmp_path: Path) -> None:
    model = EFF_SPINENETS["M0"]
    named = Path(str(exported("Eff-SpineNet-M0", "--out", str(tmp_path))["path"]))
    assert named.name == "eff-spinenet-m0-spec.json"
    assert [block["width"] for block in json.loads(named.read_text())["blocks"]] == list(model.widths)
    ablated = exported("Eff-SpineNet-D0 no space-to-depth, plain fusion", "--out", str(tmp_path))
    assert Path(str(ablated["path"])).name == "eff-spinenet-d0-no-space-to-depth-plain-fusion-spec.json"
    svg = exported(str(named), "--format", "svg", "--out", str(tmp_path / "other"))
    assert "<svg" in Path(str(svg["path"])).read_text()
    widths = ",".join(map(str, range(8, 152, 8)))
    document = json.loads(Path(str(exported(widths, "--out", str(tmp_path))["path"])).read_text())
    assert [block["width"] for block in document["blocks"]] == list(range(8, 152, 8))


@pytest.mark.parametrize("name", ["", "config.json"])
def test_a_model_directory_keeps_its_weights(tmp_path: Path, name: str) -> None:
    model = initial_model(BlockSpecification(SMALL, {}), seed=5)
    save_detector(model, tmp_path / "model")
    done = exported(str(tmp_path / "model" / name), "--format", "detector", "--out", str(tmp_path))
    with zipfile.ZipFile(str(done["path"])) as files:
        files.extractall(tmp_path / "unpacked")
    again = load_detector(tmp_path / "unpacked" / "small-detector")
    assert (again.origin, again.seed, done["origin"]) == ("initial", 5, "initial")
    for tensor, values in model.tensors.items():
        np.testing.assert_array_equal(again.tensors[tensor], values)


def test_initial_weights_are_stated(small: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(small), "--format", "detector", "--out", str(tmp_path)])
    assert "the weights are initial ones of seed 0; nothing was trained" in done.stderr


def test_what_lacks_a_data_set_is_said(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    litert = replace(EXPORTERS["litert"], name="detector")  # the notes are those of LiteRT, without its conversion
    monkeypatch.setitem(EXPORTERS, "litert", litert)
    command = [str(small), "--format", "litert", "--format", "spec", "--no-latency", "--out", str(tmp_path)]
    without = CliRunner().invoke(app, command)
    assert (
        "there is no int8 file, which takes the ranges of its values from images of a data set; give" in without.stderr
    )
    assert "int8" not in CliRunner().invoke(app, [*command, "--dataset", str(tmp_path)]).stderr


def test_several_formats_are_written_and_compared_in_a_table(small: Path, tmp_path: Path) -> None:
    formats = ("--format", "onnx", "--format", "detector", "--format", "spec")
    done = CliRunner().invoke(app, [str(small), *formats, "--out", str(tmp_path)], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    paths = [tmp_path / name for name in ("small-onnx.zip", "small-detector.zip", "small-spec.json")]
    lines = done.stdout.splitlines()
    assert lines[:3] == [str(path) for path in paths]
    params = f"{cost_report(SMALL).params:,}"
    rows = {tuple(line.split()[:2]): line for line in lines[3:] if params in line}
    onnx, other = {"model.onnx", "model.raw.onnx"}, {("detector", "model.safetensors"), ("spec", "small-spec.json")}
    assert rows.keys() == {("onnx", name) for name in onnx} | other
    for name, scope in (("model.onnx", "detections"), ("model.raw.onnx", "network")):
        assert re.search(rf"{params} +{scope} +[\d.]+ \([\d.]+ to [\d.]+\)", rows["onnx", name])
    assert "processors, 1 thread; python " in lines[-1]
    with zipfile.ZipFile(paths[0]) as files:
        assert "## Size and latency" in files.read("small-onnx/README.md").decode()
        files.extractall(tmp_path / "unpacked")
    with zipfile.ZipFile(paths[1]) as files:
        files.extractall(tmp_path / "unpacked")
    assert load_block_specification(tmp_path / "unpacked" / "small-onnx" / "config.json").weights is not None
    assert load_detector(tmp_path / "unpacked" / "small-detector").architecture == SMALL


def test_the_figures_are_in_the_document_and_latency_can_be_left_out(small: Path, tmp_path: Path) -> None:
    document = exported(str(small), "--format", "onnx", "--out", str(tmp_path))
    assert (document["parameters"], document["machine"]) == (cost_report(SMALL).params, None)
    (only,) = document["exports"]
    assert (only["format"], only["bytes"]) == ("onnx", Path(only["path"]).stat().st_size)
    assert [(each["file"], each["median_ms"]) for each in only["models"]] == [
        ("model.onnx", None),
        ("model.raw.onnx", None),
    ]
    with zipfile.ZipFile(only["path"]) as files:
        assert files.getinfo("small-onnx/model.onnx").file_size == only["models"][0]["bytes"]
        assert "## Size and latency" not in files.read("small-onnx/README.md").decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none",), "architecture is 'none'; it must be one of Eff-SpineNet-"),
        (("1,2,3",), "widths has 3 values; there must be 18"),
        (("missing.json",), "architecture is 'missing.json'; it must be one of"),
        (("eff-spinenet-m0", "--format", "none"), "format is 'none'; it must be one of spec, svg,"),
    ],
)
def test_what_is_no_architecture_is_one_line(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path)])
    assert words in str(done.exception)


def test_a_python_that_cannot_be_run_is_refused_before_anything_is_written(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [str(small), "--format", "spec", "--format", "onnx", "--out", str(out), "--python", "/nowhere/python"]
    done = CliRunner().invoke(app, command)
    assert "/nowhere/python cannot be run as Python: No such file or directory" in str(done.exception)
    assert not out.exists()


def test_what_was_written_before_an_error_is_named(small: Path, tmp_path: Path) -> None:
    (tmp_path / "small-svg.svg").mkdir()
    command = [str(small), "--format", "spec", "--format", "svg", "--out", str(tmp_path), "--no-latency"]
    done = CliRunner().invoke(app, command)
    assert f"cannot write {tmp_path / 'small-svg.svg'}" in str(done.exception)
    assert done.stderr.splitlines() == [f"written before the error: {tmp_path / 'small-spec.json'}"]
    assert (tmp_path / "small-spec.json").is_file()
