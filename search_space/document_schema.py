"""The JSON Schema of the block specification, built from the constants that the documents are built from.

`make schema` writes it to `docs/block-specification.schema.json`; the service returns it at
`/v1/schemas/block-specification`.
"""

from __future__ import annotations

from typing import Any

from search_space.architecture import (
    BLOCK_ACTIVATIONS,
    EXPANSION,
    KERNEL,
    MAX_CLASS_SLOTS,
    MAX_INPUT_PX,
    MAX_REPEATS,
    MAX_SUBNET_LAYERS,
    MAX_WIDTH,
)
from search_space.topology import BLOCKS, DANGLING_INTO, Block

FORMAT = "effspine.block-specification"
VERSION = 2
"""Version 2 adds what a detector needs beside its network; documents of version 1, which lack it, are read too."""
SCHEMA_ID = f"urn:effspine:schema:block-specification:{VERSION}"

Schema = dict[str, Any]


def topology_of(block: Block) -> dict[str, Any]:
    """The fixed topology of a block: its fields in a document beside width and repeats."""
    return {
        "block": block.number,
        "level": block.level,
        "parents": list(block.parents),
        "adds": list(DANGLING_INTO.get(block.number, ())),
        "endpoint": f"P{block.level}" if block.is_endpoint else None,
    }


def block_specification_schema() -> Schema:
    """The schema (JSON Schema 2020-12) of a block specification. Unknown fields are refused at every level."""
    later: dict[str, Schema] = {
        "detector": {"type": "object", "description": "Preprocessing, anchors, box codes, losses and suppression."},
        "classes": _classes(),
        "weights": _weights(),
        "training": _training(),
        "figures": _figures(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "effspine block specification",
        "description": "One architecture over the scale-permuted backbone of Eff-SpineNet, and where it comes from.",
        **_object(
            {
                "format": {"const": FORMAT},
                "version": {"enum": list(range(1, VERSION + 1))},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "input_px": _whole(1, MAX_INPUT_PX, "Side of the square input image."),
                "stem_width": _whole(1, MAX_WIDTH, "Channels of the 3x3 convolution of stride 2 before block 1."),
                "expansion": {"const": EXPANSION, "description": "Inside every MBConv."},
                "kernel": {"const": KERNEL, "description": "Of every depthwise convolution inside an MBConv."},
                "operations": _operations(),
                "blocks": {
                    "type": "array",
                    "description": "In the order in which they are computed.",
                    "prefixItems": [_block(block) for block in BLOCKS],
                    "items": False,
                    "minItems": len(BLOCKS),
                },
                "subnets": _object(
                    {"width": _whole(1, MAX_WIDTH, "Channels."), "layers": _whole(1, MAX_SUBNET_LAYERS, "Each.")},
                    description="The class and the box subnet of RetinaNet.",
                ),
                "class_slots": _whole(1, MAX_CLASS_SLOTS, "Class logits of an anchor."),
                "cost": _object(
                    {
                        "madds": _whole(0, None, "Multiply-adds of convolutions."),
                        "madds_profiler": _whole(0, None, "The same as a profiler counts."),
                        "params": _whole(0, None, "Trainable parameters."),
                    },
                    description="Of RetinaNet with this architecture; the values must equal the counted ones.",
                ),
                **later,
                "provenance": _provenance(),
            },
            optional=("operations", *later),
        ),
        "if": {"properties": {"version": {"const": 1}}},
        "then": {"properties": {name: {"not": {}} for name in later}},
        "else": {"required": list(later)},
    }


def _object(properties: dict[str, Schema], *, optional: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object with these properties and no others."""
    schema: Schema = {"type": "object"}
    if description:
        schema["description"] = description
    return schema | {
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _whole(low: int, high: int | None, description: str) -> Schema:
    schema: Schema = {"type": "integer", "minimum": low}
    if high is not None:
        schema["maximum"] = high
    return schema | {"description": description}


def _operations() -> Schema:
    switch: Schema = {"type": "boolean", "default": True}
    properties: dict[str, Schema] = {
        "weighted_fusion": switch | {"description": "Equation 1; else a plain sum."},
        "space_to_depth": switch | {"description": "Space-to-depth as the first downsampling step; else depthwise."},
        "squeeze_excitation": switch,
        "activation": {"enum": list(BLOCK_ACTIVATIONS), "default": BLOCK_ACTIVATIONS[0]},
        "stochastic_depth": switch,
    }
    return _object(properties, optional=tuple(properties), description="The operations of all blocks.")


def _block(block: Block) -> Schema:
    fixed = {name: {"const": value} for name, value in topology_of(block).items()}
    return _object(
        {
            **fixed,
            "width": _whole(1, MAX_WIDTH, "Output channels."),
            "repeats": _whole(1, MAX_REPEATS, "MBConv blocks in a row."),
        }
    )


def _classes() -> Schema:
    label = _object({"id": {"type": ["integer", "string"]}, "name": {"type": "string"}})
    return {
        "type": ["array", "null"],
        "items": label,
        "maxItems": MAX_CLASS_SLOTS,
        "description": "The category of each class slot, in order, as in the annotation file; null if unknown.",
    }


def _weights() -> Schema:
    weights = _object(
        {
            "file": {"type": "string", "description": "The file beside this document that holds them."},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "origin": {
                "enum": ["trained", "shared", "initial"],
                "description": "Trained alone; a slice of shared weights; or the initial values of `seed`.",
            },
            "seed": {"type": ["integer", "null"]},
        }
    )
    return weights | {"type": ["object", "null"], "description": "null for a document without weights."}


def _training() -> Schema:
    about = "How the weights were trained; in a document without weights, how the trial was in its campaign; null if "
    return {"type": ["object", "null"], "description": f"{about}nothing was."}


def _figures() -> Schema:
    about = (
        "COCO metrics of the weights, in a document without weights of the trial's proxy in its campaign; 0 to 1, on "
    )
    return {
        "type": ["object", "null"],
        "additionalProperties": {"type": ["number", "null"]},
        "description": f"{about}the images of `provenance.data.reserved`.",
    }


def _provenance() -> Schema:
    number = {"type": ["number", "null"]}
    text = {"type": ["string", "null"]}
    anything = {"type": "object", "description": "As in the campaign document, with all defaults filled in."}
    properties: dict[str, Schema] = {
        "campaign": _object({"id": {"type": "string"}, "name": {"type": "string"}}),
        "trial": {"type": ["integer", "null"], "minimum": 0, "description": "0 is the uniform baseline."},
        "reward": number | {"description": "AP of the trial's proxy, 0 to 1."},
        "baseline_reward": number,
        "is_confirmed": {
            "type": "boolean",
            "description": "Whether finals have confirmed that it is better than the baseline.",
        },
        "betas": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "maxItems": len(BLOCKS)},
        "budget_madds": {
            "type": ["integer", "null"],
            "description": "Plain multi-adds that the search allowed, counted as `cost_in_search`.",
        },
        "cost_in_search": _object(
            {
                "class_slots": _whole(1, MAX_CLASS_SLOTS, "Those of the base of the search."),
                "madds": _whole(0, None, "Multiply-adds of convolutions."),
                "params": _whole(0, None, "Trainable parameters."),
            },
            description="Cost as the search counted it: with the class slots of its base, not those of the data.",
        ),
        "seed": {"type": ["integer", "null"]},
        "dataset": text,
        "data": _data_identity(),
        "search_space": anything,
        "proxy_task": anything,
        "finished_at": text | {"description": "UTC, ISO 8601."},
        "versions": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    return _object(properties, optional=tuple(properties), description="Where the architecture comes from.")


def _data_identity() -> Schema:
    digest: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    half = _object(
        {
            "images": _whole(0, None, "Number of images."),
            "boxes": _whole(0, None, "Number of boxes."),
            "annotations_sha256": digest,
            "images_sha256": digest,
        }
    )
    identity = _object({"sha256": digest | {"description": "Over both halves."}, "train": half, "reserved": half})
    return identity | {
        "type": ["object", "null"],
        "description": "Content of the data that the rewards were measured on; null for a synthetic reward.",
    }
