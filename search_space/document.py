"""The block specification: an architecture as a versioned JSON document, written and read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_space.architecture import EXPANSION, KERNEL, Architecture, Operations
from search_space.cost import cost_report
from search_space.detector import PAPER_ANCHOR_SIZE, detector_document
from search_space.document_schema import FORMAT, VERSION, block_specification_schema, topology_of
from search_space.errors import InvalidValueError
from search_space.topology import BLOCKS

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


@dataclass(frozen=True)
class BlockSpecification:
    """The content of a block specification.

    `anchor_size` is in strides; `classes` has the `{id, name}` of each class slot; `weights` names their file, digest
    and origin; `training` says how they were trained; `figures` are their COCO metrics, 0 to 1. Each of the last four
    is None where it is unknown.
    """

    architecture: Architecture
    provenance: dict[str, Any]
    anchor_size: float = PAPER_ANCHOR_SIZE
    classes: list[dict[str, Any]] | None = None
    weights: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    figures: dict[str, float | None] | None = None


def block_specification(specification: BlockSpecification) -> dict[str, Any]:
    """The document: the network, what a detector needs beside it, its weights if there are any, and provenance.

    `parents` are fused (0 is the stem; a single parent is not fused); `adds` are blocks without children that are
    added after the fusion, through a 1x1 convolution with batch normalisation where their width differs.
    """
    architecture = specification.architecture
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": architecture.name,
        "input_px": architecture.input_px,
        "stem_width": architecture.stem_width,
        "expansion": EXPANSION,
        "kernel": KERNEL,
        "operations": asdict(architecture.operations),
        "blocks": [
            {**topology_of(block), "width": width, "repeats": repeats}
            for block, width, repeats in zip(BLOCKS, architecture.widths, architecture.repeats, strict=True)
        ],
        "subnets": {"width": architecture.subnet_width, "layers": architecture.subnet_layers},
        "class_slots": architecture.class_slots,
        "cost": _cost(architecture),
        "detector": detector_document(specification.anchor_size),
        "classes": specification.classes,
        "weights": specification.weights,
        "training": specification.training,
        "figures": specification.figures,
        "provenance": specification.provenance,
    }


def load_block_specification(path: Path) -> BlockSpecification:
    """The block specification in a file.

    Raises InvalidValueError for a file that cannot be read, is not JSON, or is refused by `read_block_specification`.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidValueError(f"{path} cannot be read: {reason}", field="architecture") from error
    except ValueError as error:
        raise InvalidValueError(f"{path} is not valid JSON: {error}", field="architecture") from error
    try:
        return read_block_specification(document)
    except InvalidValueError as error:
        raise InvalidValueError(f"{path}: {error}", field=error.field) from error


def read_block_specification(document: Any) -> BlockSpecification:
    """The content of a document of any version; the inverse of `block_specification`.

    Raises InvalidValueError, with the path of the field, for a document that violates the schema (also by an unknown
    field), whose cost is not that of its architecture, that does not have one beta per searched block or one class per
    slot, or whose detector has other constants than this version of effspine builds.
    """
    _check_schema(document)
    blocks = document["blocks"]
    architecture = Architecture(
        name=document["name"],
        widths=tuple(int(block["width"]) for block in blocks),
        repeats=tuple(int(block["repeats"]) for block in blocks),
        input_px=int(document["input_px"]),
        stem_width=int(document["stem_width"]),
        subnet_width=int(document["subnets"]["width"]),
        subnet_layers=int(document["subnets"]["layers"]),
        class_slots=int(document["class_slots"]),
        operations=replace(Operations(), **document.get("operations", {})),
    )
    for name, counted in _cost(architecture).items():
        if document["cost"][name] != counted:
            raise _error_at(("cost", name), f"is {document['cost'][name]:,}; this architecture has {counted:,}")
    _check_betas(document["provenance"])
    specification = BlockSpecification(
        architecture,
        document["provenance"],
        anchor_size=_anchor_size(document),
        **{name: document.get(name) for name in ("classes", "weights", "training", "figures")},
    )
    classes = specification.classes
    if classes is not None and len(classes) != architecture.class_slots:
        raise _error_at(("classes",), f"has {len(classes)} entries; class_slots is {architecture.class_slots}")
    return specification


def _anchor_size(document: dict[str, Any]) -> float:
    """The anchor size of a document, whose other detector constants must be ours; the default for version 1."""
    if document["version"] == 1:
        return PAPER_ANCHOR_SIZE
    found = document["detector"]
    size = found["anchors"]["size"] if isinstance(found.get("anchors"), dict) and "size" in found["anchors"] else None
    if not isinstance(size, (int, float)) or isinstance(size, bool) or not 0 < size <= sys.float_info.max:
        raise _error_at(("detector", "anchors", "size"), f"is {_shortened_json(size)}; it must be a positive number")
    for section, wanted in detector_document(size).items():
        if found.get(section) != wanted:
            raise _error_at(
                ("detector", section), f"is {_shortened_json(found.get(section))}; it must be {_shortened_json(wanted)}"
            )
    return float(size)


def _cost(architecture: Architecture) -> dict[str, int]:
    cost = cost_report(architecture)
    return {"madds": cost.madds, "madds_profiler": cost.madds_profiler, "params": cost.params}


def _check_betas(provenance: dict[str, Any]) -> None:
    space = provenance.get("search_space") or {}
    if not isinstance(space, dict):
        raise _error_at(("provenance", "search_space"), f"is {_shortened_json(space)}; it must be an object")
    searched = space.get("searched_blocks") or BLOCKS
    if not isinstance(searched, (list, tuple)):
        path = ("provenance", "search_space", "searched_blocks")
        raise _error_at(path, f"is {_shortened_json(searched)}; it must be a list of block numbers")
    if "betas" in provenance and len(provenance["betas"]) != len(searched):
        found = len(provenance["betas"])
        raise _error_at(("provenance", "betas"), f"has {found} values; {len(searched)} blocks were searched")


def _check_schema(document: Any) -> None:
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(block_specification_schema()).iter_errors(document), key=_importance)
    if errors:
        raise _error_at(*_explanation(errors[0]))


def _importance(error: ValidationError) -> tuple[bool, list[str]]:
    """A sort key: errors of format and version first, then the others by path."""
    path = list(error.absolute_path)
    return path[:1] not in (["format"], ["version"]), [f"{step:>4}" for step in path]


def _explanation(error: ValidationError) -> tuple[tuple[str | int, ...], str]:
    """The path of the wrong field, and the end of a sentence about it."""
    path, found, wanted = tuple(error.absolute_path), error.instance, error.validator_value
    if error.validator == "not":
        return path, "is not a field of version 1"
    if error.validator == "additionalProperties":
        unknown = next(name for name in found if name not in error.schema["properties"])
        return (*path, unknown), "is not a field of a block specification"
    if error.validator == "required":
        return (*path, next(name for name in wanted if name not in found)), "is missing"
    if error.validator == "const":
        return path, f"is {_shortened_json(found)}; it must be {_shortened_json(wanted)}"
    if error.validator in ("minItems", "items"):
        return path, f"has {len(found)} entries; there must be {len(BLOCKS)}"
    limits = error.schema
    if error.validator in ("minimum", "maximum") and {"minimum", "maximum"} <= set(limits):
        return path, f"is {_shortened_json(found)}; it must be from {limits['minimum']:,} to {limits['maximum']:,}"
    if error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        return path, f"is {_shortened_json(found)}; it must be of type {' or '.join(kinds)}"
    if error.validator == "enum":
        return path, f"is {_shortened_json(found)}; it must be {' or '.join(map(_shortened_json, wanted))}"
    return path, error.message


def _shortened_json(value: Any) -> str:
    """A value as JSON, shortened to 80 characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _error_at(path: Iterable[str | int], message: str) -> InvalidValueError:
    """The error for a field, whose path is given in a form such as `blocks[3].width`."""
    field = ""
    for step in path:
        field += f"[{step}]" if isinstance(step, int) else f".{step}" if field else step
    return InvalidValueError(f"{field or 'the document'} {message}", field=field or None)
