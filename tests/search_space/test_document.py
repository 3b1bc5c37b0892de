"""The block specification that people take away."""

from __future__ import annotations

import json

from search_space.cost import cost_report
from search_space.document import block_specification
from search_space.published import EFF_SPINENET_D0
from search_space.topology import NUM_BLOCKS


def test_the_document_holds_all_that_is_needed_to_build_the_network() -> None:
    document = json.loads(json.dumps(block_specification(EFF_SPINENET_D0, {"campaign": "c_1"})))
    assert (document["format"], document["version"]) == ("effspine.block-specification", 1)
    blocks = document["blocks"]
    assert [block["block"] for block in blocks] == list(range(1, NUM_BLOCKS + 1))
    assert tuple(block["width"] for block in blocks) == EFF_SPINENET_D0.widths
    assert blocks[15] == {
        "block": 16, "level": 5, "parents": [9, 14], "adds": [13], "endpoint": "P5", "width": 136, "repeats": 1,
    }  # fmt: skip
    assert {block["endpoint"] for block in blocks} == {None, "P3", "P4", "P5", "P6", "P7"}
    assert document["subnets"] == {"width": 64, "layers": 3}
    assert document["cost"]["madds"] == cost_report(EFF_SPINENET_D0).madds
    assert document["provenance"] == {"campaign": "c_1"}


def test_every_block_but_the_endpoints_feeds_another() -> None:
    blocks = block_specification(EFF_SPINENET_D0, {})["blocks"]
    used = {number for block in blocks for number in (*block["parents"], *block["adds"])}
    assert {block["block"] for block in blocks if block["endpoint"] is None} == used - {0} - {14, 16}
