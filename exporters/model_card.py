"""The README of an export: what it is, how to use it, what was measured, and where it comes from.

It begins with the metadata of a model card, so that the folder can be uploaded to a model hub as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import yaml

from exporters.export import Export
from search_space.cost import cost_report
from search_space.detector_model import Origin
from search_space.display import displayed_line
from search_space.document import block_specification
from search_space.source_commit import source_commit
from search_space.topology import BLOCKS

README_FILE = "README.md"

EXACT = "Nothing was dropped or approximated."

_AFTER_FIGURES = "Network"

_ORIGINS: dict[Origin, str] = {
    "trained": "Its weights were trained for it alone.",
    "shared": "Its weights are a slice of those that were trained for a whole search space: a start for a training.",
    "initial": "Its weights are initial values: it finds nothing before it is trained.",
}


def model_card(
    export: Export, *, library: str, title_commands: Mapping[str, str], dropped: Sequence[str], tags: Sequence[str] = ()
) -> str:
    """The README as Markdown.

    `library` is the runtime by its name on model hubs, such as `pytorch`. `title_commands` are the sections on use:
    their text as Markdown, by title. `dropped` are sentences about what the format lacks or approximates; none means
    nothing. `tags` are those of the format.
    """
    metadata = yaml.safe_dump(_metadata(export, library, tags), sort_keys=False, allow_unicode=True)
    sections = {
        **title_commands,
        "Figures": "\n".join(_figures(export)),
        _AFTER_FIGURES: "\n".join(_network(export)),
        "Classes": "\n".join(_classes(export)),
        "Preprocessing": "\n".join(_preprocessing(export)),
        "Provenance": "\n".join(_provenance(export)),
        "What was dropped or approximated": "\n".join(f"- {each}" for each in dropped) or EXACT,
    }
    body = "\n\n".join(f"## {title}\n\n{text.strip(chr(10))}" for title, text in sections.items())
    return f"---\n{metadata}---\n\n# {_line(export.architecture.name)}\n\n{_summary(export)}\n\n{body}\n"


def with_section(card: str, title: str, text: str) -> str:
    """A model card with another section, after that of the figures."""
    before, heading, after = card.partition(f"\n## {_AFTER_FIGURES}\n")
    return f"{before}\n## {title}\n\n{text}\n{heading}{after}"


def _metadata(export: Export, library: str, tags: Sequence[str]) -> dict[str, Any]:
    specification = export.model.specification
    dataset, figures = specification.provenance.get("dataset"), specification.figures
    metadata: dict[str, Any] = {
        "library_name": library,
        "pipeline_tag": "object-detection",
        "tags": ["object-detection", "retinanet", "eff-spinenet", "effspine", *tags],
    }
    if figures and dataset and figures.get("ap") is not None:
        metrics = [{"type": "mAP", "name": "COCO AP", "value": figures["ap"]}]
        result = {
            "task": {"type": "object-detection"},
            "dataset": {"type": dataset, "name": dataset},
            "metrics": metrics,
        }
        metadata["model-index"] = [{"name": export.architecture.name, "results": [result]}]
    return metadata


def _summary(export: Export) -> str:
    network = export.architecture
    return (
        "An object detector: RetinaNet on the scale-permuted backbone of Eff-SpineNet, for images of "
        f"{network.input_px} x {network.input_px} pixels and {network.class_slots} classes. "
        f"{_ORIGINS[export.model.origin]}"
    )


def _figures(export: Export) -> Iterator[str]:
    figures = export.model.specification.figures
    if not figures:
        yield "Nothing was measured with these weights."
        return
    yield "COCO metrics on the reserved images, 0 to 1:"
    yield ""
    yield from table(("metric", "value"), [(n, "none" if v is None else f"{v:.4f}") for n, v in figures.items()])


def _network(export: Export) -> Iterator[str]:
    network = export.architecture
    cost = cost_report(network)
    yield f"- trainable parameters: {cost.params:,}"
    yield f"- multiply-adds of convolutions for one image: {cost.madds:,}"
    yield f"- stem: {network.stem_width} channels"
    yield f"- class and box subnet: {network.subnet_layers} layers of {network.subnet_width} channels each"
    yield f"- operations: {_value(vars(network.operations))}"
    yield ""
    rows = [
        (block.number, block.level, width, repeats)
        for block, width, repeats in zip(BLOCKS, network.widths, network.repeats, strict=True)
    ]
    yield from table(("block", "level", "channels", "repeats"), rows)


def _classes(export: Export) -> Iterator[str]:
    classes = export.model.specification.classes
    if classes is None:
        yield f"The names of the {export.architecture.class_slots} class slots are unknown."
        return
    yield "A label is the number of its slot, from 0."
    yield ""
    yield from table(("slot", "id", "name"), [(n, each["id"], each["name"]) for n, each in enumerate(classes)])


def _preprocessing(export: Export) -> Iterator[str]:
    detector = block_specification(export.model.specification)["detector"]
    for name, value in detector["preprocessing"].items():
        yield f"- {name}: {value}"
    yield "- pixel values: red, green, blue, 0 to 255, less the mean, over the deviation"
    anchors = detector["anchors"]
    sizes = ", ".join(f"{scale:.4g}" for scale in anchors["octave_scales"])
    yield f"- anchors: {anchors['size']:g} strides times {sizes}; ratios (height over width) {anchors['aspect_ratios']}"


def _provenance(export: Export) -> Iterator[str]:
    specification, model = export.model.specification, export.model
    found = dict(specification.provenance)
    campaign, versions = found.pop("campaign", None), dict(found.pop("versions", {}))
    if campaign:
        yield f"- campaign: {_line(campaign['name'])} (`{_line(campaign['id'])}`)"
    for name, value in found.items():
        if value is not None:
            yield f"- {name.replace('_', ' ')}: {_value(value)}"
    yield f"- weights: {model.origin}" + ("" if model.seed is None else f", seed {model.seed}")
    if specification.training is not None:
        yield f"- training: {_value(specification.training)}"
    if versions:
        yield f"- the record was made by {_software(versions)}"
    commit = source_commit()
    own = {"effspine": version("effspine")} | ({} if commit is None else {"commit": commit})
    yield f"- this export was made by {_software(own)}"


def _software(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{_line(name)} {_line(number)}" for name, number in versions.items())


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    yield f"| {' | '.join(titles)} |"
    yield f"| {' | '.join('---' for _ in titles)} |"
    for row in rows:
        yield f"| {' | '.join(_line(str(cell)) for cell in row)} |"


def _value(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=True)}`" if isinstance(value, (dict, list)) else _line(str(value))


def _line(text: str) -> str:
    """Text of a user as one line of Markdown that no table or heading ends in."""
    return displayed_line(text).replace("|", "\\|").replace("<", "&lt;")
