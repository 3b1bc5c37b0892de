"""`effspine export`: architectures as files, without a service."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli.export import app
from exporters import EXPORTERS, Export
from search_space.architecture import Architecture
from search_space.detector_model import initial_model, load_detector, save_detector
from search_space.document import BlockSpecification
from search_space.published import EFF_SPINENETS

SMALL = Architecture(tuple(range(4, 22)), name="small", input_px=64, subnet_width=8, class_slots=2)


def exported(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_the_help_lists_every_format_with_its_purpose() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout.split())
    for each in EXPORTERS.values():
        assert f"{each.name}: {each.purpose}" in text


def test_a_named_model_widths_and_a_file_are_exported(tmp_path: Path) -> None:
    model = EFF_SPINENETS["M0"]
    named = Path(str(exported("Eff-SpineNet-M0", "--out", str(tmp_path))["path"]))
    assert named.name == "eff-spinenet-m0-spec.json"
    assert [block["width"] for block in json.loads(named.read_text())["blocks"]] == list(model.widths)
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
    again = load_detector(tmp_path / "unpacked" / "small")
    assert (again.origin, again.seed, done["origin"]) == ("initial", 5, "initial")
    for tensor, values in model.tensors.items():
        np.testing.assert_array_equal(again.tensors[tensor], values)


def test_initial_weights_are_stated(tmp_path: Path) -> None:
    specification = tmp_path / "small.json"
    specification.write_bytes(EXPORTERS["spec"].content(Export(BlockSpecification(SMALL, {}))))
    done = CliRunner().invoke(app, [str(specification), "--format", "detector", "--out", str(tmp_path)])
    assert "the weights are initial ones of seed 0; nothing was trained" in done.stderr


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
