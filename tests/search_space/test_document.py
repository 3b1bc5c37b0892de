"""The block specification: its content, the round trip, and invalid documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from search_space.architecture import Operations
from search_space.cost import cost_report
from search_space.detector import PAPER_ANCHOR_SIZE
from search_space.document import (
    BlockSpecification,
    block_specification,
    load_block_specification,
    read_block_specification,
)
from search_space.document_schema import block_specification_schema
from search_space.errors import InvalidValueError
from search_space.published import BASES, EFF_SPINENET_D0
from search_space.topology import NUM_BLOCKS
from tests.support.paths import ROOT

SCHEMA_FILE = ROOT / "docs" / "block-specification.schema.json"
PROVENANCE = {
    "campaign": {"id": "c_1", "name": "first"},
    "trial": 3,
    "reward": 0.2,
    "baseline_reward": None,
    "betas": [1.0] * 18,
    "seed": 1,
    "dataset": "digits",
    "data": {
        "sha256": "0" * 64,
        "train": {"images": 48, "boxes": 96, "annotations_sha256": "a" * 64, "images_sha256": "b" * 64},
        "reserved": {"images": 12, "boxes": 24, "annotations_sha256": "c" * 64, "images_sha256": "d" * 64},
    },
    "search_space": {"base": "eff-spinenet-d0", "searched_blocks": None},
    "proxy_task": {"profile": "laptop"},
    "finished_at": "2026-11-22T15:00:44.892213Z",
    "versions": {"effspine": "0.1.0"},
}


def _document() -> dict[str, Any]:
    """A complete document after a JSON round trip."""
    document: dict[str, Any] = json.loads(
        json.dumps(block_specification(BlockSpecification(EFF_SPINENET_D0, PROVENANCE)))
    )
    return document


def test_the_document_has_everything_needed_to_build_the_network() -> None:
    document = _document()
    assert (document["format"], document["version"]) == ("effspine.block-specification", 2)
    blocks = document["blocks"]
    assert [block["block"] for block in blocks] == list(range(1, NUM_BLOCKS + 1))
    assert tuple(block["width"] for block in blocks) == EFF_SPINENET_D0.widths
    assert blocks[15] == {
        "block": 16, "level": 5, "parents": [9, 14], "adds": [13], "endpoint": "P5", "width": 136, "repeats": 1,
    }  # fmt: skip
    assert {block["endpoint"] for block in blocks} == {None, "P3", "P4", "P5", "P6", "P7"}
    assert document["subnets"] == {"width": 64, "layers": 3}
    assert document["cost"]["madds"] == cost_report(EFF_SPINENET_D0).madds
    assert document["provenance"] == PROVENANCE


def test_every_block_but_the_endpoints_feeds_another() -> None:
    blocks = block_specification(BlockSpecification(EFF_SPINENET_D0, {}))["blocks"]
    used = {number for block in blocks for number in (*block["parents"], *block["adds"])}
    assert {block["block"] for block in blocks if block["endpoint"] is None} == used - {0} - {14, 16}


@pytest.mark.parametrize("base", BASES)
def test_a_round_trip_is_exact(base: str) -> None:
    operations = Operations(space_to_depth=False, activation="relu")
    for architecture in (BASES[base], replace(BASES[base], operations=operations, class_slots=7, input_px=321)):
        document = json.loads(json.dumps(block_specification(BlockSpecification(architecture, PROVENANCE))))
        specified = read_block_specification(document)
        assert (specified.architecture, specified.architecture.name) == (architecture, architecture.name)
        assert specified.provenance == PROVENANCE
        assert block_specification(specified) == document


def test_a_document_without_operations_has_the_default_ones() -> None:
    document = _document()
    del document["operations"]
    assert read_block_specification(document).architecture == EFF_SPINENET_D0


def test_a_document_of_version_1_is_read() -> None:
    document = _document() | {"version": 1}
    for name in ("detector", "classes", "weights", "training", "figures"):
        del document[name]
    specification = read_block_specification(document)
    assert (specification.architecture, specification.provenance) == (EFF_SPINENET_D0, PROVENANCE)
    assert specification.anchor_size == PAPER_ANCHOR_SIZE


def test_the_provenance_may_be_empty() -> None:
    document = _document() | {"provenance": {}}
    assert read_block_specification(document).provenance == {}


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (lambda d: d.update(colour=1), "colour", "colour is not a field of a block specification"),
        (lambda d: d["blocks"][11].update(x=1), "blocks[11].x", "is not a field"),
        (lambda d: d["provenance"].update(who="me"), "provenance.who", "is not a field"),
        (lambda d: d.pop("subnets"), "subnets", "subnets is missing"),
        (lambda d: d["blocks"][4].pop("repeats"), "blocks[4].repeats", "is missing"),
        (lambda d: d.update(version=3), "version", "version is 3; it must be 1 or 2"),
        (lambda d: d.update(version=1), "classes", "classes is not a field of version 1"),
        (lambda d: d.pop("figures"), "figures", "figures is missing"),
        (lambda d: d.update(classes=[{"id": 1, "name": "cat"}]), "classes", "has 1 entries; class_slots is 91"),
        (lambda d: d["detector"]["anchors"].pop("size"), "detector.anchors.size", "is null; it must be a positive"),
        (lambda d: d["detector"]["anchors"].update(size=10**400), "detector.anchors.size", "it must be a positive"),
        (lambda d: d["detector"]["anchors"].update(size=float("inf")), "detector.anchors.size", "is Infinity; it"),
        (
            lambda d: d["provenance"]["search_space"].update(searched_blocks=5),
            "provenance.search_space.searched_blocks",
            "is 5; it must be a list of block numbers",
        ),
        (lambda d: d["detector"]["losses"].update(focal_alpha=1), "detector.losses", "must be {"),
        (lambda d: d.update(format="x", colour=1), "format", 'format is "x"; it must be "effspine.block'),
        (lambda d: d.update(expansion=4), "expansion", "expansion is 4; it must be 6"),
        (lambda d: d["blocks"][3].update(width=0), "blocks[3].width", "is 0; it must be from 1 to 4,096"),
        (lambda d: d["blocks"][3].update(width=True), "blocks[3].width", "is true; it must be of type integer"),
        (lambda d: d["blocks"][3].update(level=9), "blocks[3].level", "is 9; it must be 2"),
        (lambda d: d["blocks"][3].update(parents=[1, 2]), "blocks[3].parents", "must be [2, 3]"),
        (lambda d: d["blocks"].pop(), "blocks", "blocks has 17 entries; there must be 18"),
        (lambda d: d["blocks"].append({}), "blocks", "blocks has 19 entries"),
        (lambda d: d["operations"].update(activation="gelu"), "operations.activation", 'must be "swish" or "relu"'),
        (lambda d: d["cost"].update(madds=5), "cost.madds", "is 5; this architecture has 2,397,701,216"),
        (lambda d: d["provenance"].update(data={"sha256": "0" * 64}), "provenance.data.train", "is missing"),
        (lambda d: d["provenance"].update(betas=[1]), "provenance.betas", "has 1 values; 18 blocks were searched"),
        (lambda d: d["provenance"].update(betas=[0] * 18), "provenance.betas[0]", "0"),
    ],
)
def test_an_invalid_document_is_refused_with_the_path_of_the_error(change: Change, field: str, message: str) -> None:
    document = _document()
    change(document)
    with pytest.raises(InvalidValueError) as error:
        read_block_specification(document)
    assert error.value.field == field
    assert message in str(error.value)


def test_a_value_that_is_not_an_object_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"the document is \[1\]; it must be of type object"):
        read_block_specification([1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe", "cannot be read: it is not UTF-8 text"),
        (b"{", "is not valid JSON: .* line 1"),
        (b"{}", "version is missing|format is missing"),
    ],
)
def test_a_file_without_a_valid_specification_is_refused_with_its_path(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "best.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidValueError, match=f"{path}.*({message})"):
        load_block_specification(path)


def test_a_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    path.write_text(json.dumps(_document()))
    assert load_block_specification(path).architecture == EFF_SPINENET_D0


def test_the_schema_is_valid_and_equals_the_file_in_the_repository() -> None:
    schema = block_specification_schema()
    Draft202012Validator.check_schema(schema)
    assert json.loads(SCHEMA_FILE.read_text()) == schema, "run 'make schema'"


def test_there_is_one_beta_per_searched_block() -> None:
    document = _document()
    document["provenance"]["search_space"]["searched_blocks"] = [5, 7]
    document["provenance"]["betas"] = [1, 20]
    assert read_block_specification(document).provenance["betas"] == [1, 20]
