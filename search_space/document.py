"""An architecture as a versioned JSON document: the block specification that people take to where they train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from search_space.architecture import EXPANSION, KERNEL
from search_space.cost import cost_report
from search_space.topology import BLOCKS, DANGLING_INTO

if TYPE_CHECKING:
    from search_space.architecture import Architecture

FORMAT = "effspine.block-specification"
VERSION = 1


def block_specification(architecture: Architecture, provenance: dict[str, Any]) -> dict[str, Any]:
    """The document: topology, widths, repeats, subnets, input size, cost and where the architecture came from.

    `parents` are fused (one parent is a chain, 0 the stem); `adds` are blocks that feed nothing else and are added
    after the fusion, by a 1x1 convolution with batch normalisation where their width differs.
    """
    cost = cost_report(architecture)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": architecture.name,
        "input_px": architecture.input_px,
        "stem_width": architecture.stem_width,
        "expansion": EXPANSION,
        "kernel": KERNEL,
        "blocks": [
            {
                "block": block.number,
                "level": block.level,
                "parents": list(block.parents),
                "adds": list(DANGLING_INTO.get(block.number, ())),
                "endpoint": f"P{block.level}" if block.is_endpoint else None,
                "width": width,
                "repeats": repeats,
            }
            for block, width, repeats in zip(BLOCKS, architecture.widths, architecture.repeats, strict=True)
        ],
        "subnets": {"width": architecture.subnet_width, "layers": architecture.subnet_layers},
        "class_slots": architecture.class_slots,
        "cost": {"madds": cost.madds, "madds_profiler": cost.madds_profiler, "params": cost.params},
        "provenance": provenance,
    }
