"""The formats: each gives what the search space defines, under a name of its own."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from exporters import EXPORTERS, Export, Exporter, provenance_of
from exporters.registry import archive, register
from search_space.diagram.drawing import block_diagram
from search_space.document import BlockSpecification, block_specification
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0

CAMPAIGN: dict[str, Any] = {
    "id": "c_1",
    "name": "digits",
    "baseline_reward": 0.25,
    "finals": None,
    "data": {"sha256": "0" * 64},
    "spec": {
        "seed": 7,
        "dataset": "digits",
        "search_space": {"base": "sp-efficientnet-b0"},
        "proxy_task": {"profile": "laptop"},
    },
}
TRIAL: dict[str, Any] = {
    "number": 4,
    "reward": 0.5,
    "betas": [1.0] * 18,
    "madds": 990,
    "madds_ratio": 0.99,
    "finished_at": "2025-01-01T00:00:00Z",
}


def exported(provenance: dict[str, Any]) -> Export:
    """Eff-SpineNet-D0 from a search against SP-EfficientNet-B0."""
    return Export(BlockSpecification(EFF_SPINENET_D0, provenance), baseline=SP_EFFICIENTNET_B0)


def test_spec_is_exactly_the_block_specification() -> None:
    export = exported(provenance_of(CAMPAIGN, TRIAL))
    content = EXPORTERS["spec"].content(export)
    assert content.endswith(b"}\n")
    assert json.loads(content) == block_specification(export.specification)


def test_svg_is_exactly_the_diagram_beside_the_baseline() -> None:
    exporter = EXPORTERS["svg"]
    assert exporter.media_type == "image/svg+xml"
    assert exporter.content(exported({})).decode() == block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0)


@pytest.mark.parametrize(
    ("exporter", "name"),
    [("spec", "{outside}"), ("spec", "a/b"), ("spec", "../c"), ("spec", "鳥"), ("svg", "a/b"), ("pdf", "a/b")],
)
def test_the_name_of_an_architecture_is_no_path(exporter: str, name: str, tmp_path: Path) -> None:
    architecture = replace(EFF_SPINENET_D0, name=name.format(outside=tmp_path / "outside"))
    (tmp_path / "inside").mkdir()
    EXPORTERS[exporter].write(Export(BlockSpecification(architecture, {})), tmp_path / "inside")
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    (file,) = (tmp_path / "inside").iterdir()
    assert file.suffix == EXPORTERS[exporter].suffix


def test_the_name_of_an_architecture_is_no_path_in_an_archive() -> None:
    architecture = replace(EFF_SPINENET_D0, name="../a/b")
    exporter = Exporter("spec", "An archive of the document.")
    with zipfile.ZipFile(io.BytesIO(exporter.content(Export(BlockSpecification(architecture, {}))))) as files:
        assert files.namelist() == ["a-b/a-b.json"]


def test_a_drawing_of_a_campaign_is_titled_with_campaign_trial_ap_and_budget() -> None:
    drawn = EXPORTERS["svg"].content(exported(provenance_of(CAMPAIGN, {**TRIAL, "madds": 2_252_000_000}))).decode()
    texts = [element.text for element in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:2] == [
        "digits: trial 4 beside the uniform baseline",
        "AP 0.500 in the search, baseline 0.250, not confirmed; budget 2,274.7 M multi-adds",
    ]
    confirmed = {**CAMPAIGN, "finals": {"winner": 4}}
    assert "confirmed by finals" in EXPORTERS["svg"].content(exported(provenance_of(confirmed, TRIAL))).decode()


def test_an_archive_has_one_folder_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    content = archive(tmp_path, "D0")
    (tmp_path / "b.txt").touch()
    assert archive(tmp_path, "D0") == content
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert {name: files.read(name) for name in files.namelist()} == {"D0/b.txt": b"b", "D0/inner/a.txt": b"a"}


def test_provenance_names_campaign_trial_and_versions() -> None:
    provenance = provenance_of(CAMPAIGN, TRIAL, {"effspine": "0.0.9", "numpy": "2.4.6"})
    assert provenance["campaign"] == {"id": "c_1", "name": "digits"}
    assert (provenance["trial"], provenance["reward"], provenance["baseline_reward"]) == (4, 0.5, 0.25)
    assert (provenance["seed"], provenance["dataset"]) == (7, "digits")
    assert provenance["data"] == {"sha256": "0" * 64}
    assert provenance["budget_madds"] == 1_000
    assert provenance["versions"] == {"effspine": "0.0.9", "numpy": "2.4.6"}
    assert provenance_of(CAMPAIGN, TRIAL)["versions"] == {}


def test_a_format_cannot_be_registered_twice() -> None:
    with pytest.raises(ValueError, match="spec"):
        register(Exporter("spec", "", ".json", "application/json"))
    assert EXPORTERS["spec"].purpose
