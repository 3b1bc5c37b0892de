"""The README of a fine-tuned detector: that of the detector that it started from, with what has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

KEPT = ("Detect", "Train", "Use the network elsewhere", "Files", "Preprocessing", "What was dropped or approximated")
"""The sections that hold for every training of the detector."""


def fine_tuned_card(earlier: str, config: dict[str, Any]) -> str:
    """The README for a configuration that `train.py` has written; `earlier` is the README of the start, or empty."""
    head, *parts = earlier.split("\n## ")
    sections = {title: text.strip("\n") for title, _, text in (part.partition("\n") for part in parts)}
    ours = {
        "Figures": "\n".join(figures(config)),
        "Network": "\n".join(f"- {name}: {value:,}" for name, value in config["cost"].items()),
        "Classes": table(("slot", "id", "name"), [(n, c["id"], c["name"]) for n, c in enumerate(config["classes"])]),
        "Provenance": "\n".join(provenance(config)),
    }
    kept = {title: sections[title] for title in KEPT if title in sections}
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in {**kept, **ours}.items())
    return f"{metadata(head)}# {line(config['name'])}\n\n{summary(config)}\n\n{body}\n"


def metadata(head: str) -> str:
    """The metadata of the model card at the start, without the figures of other weights."""
    if not head.startswith("---\n"):
        return ""
    kept, _, _ = head.removeprefix("---\n").partition("---\n")[0].partition("model-index:")
    return f"---\n{kept}---\n\n"


def summary(config: dict[str, Any]) -> str:
    """What the weights are, in one sentence."""
    training, px = config["training"], config["input_px"]
    images = f"{training['data']['train']['images']:,} images"
    return (
        f"Fine-tuned by `{training['made_by']}` on {line(config['provenance']['dataset'])} ({images}, "
        f"{config['class_slots']} classes) for {training['steps']:,} steps, at {px} x {px} pixels."
    )


def figures(config: dict[str, Any]) -> Iterator[str]:
    if config["figures"] is None:
        yield "Nothing was measured with these weights."
        return
    yield "COCO metrics on the validation images, 0 to 1:"
    yield ""
    yield table(("metric", "value"), [(n, "none" if v is None else f"{v:.4f}") for n, v in config["figures"].items()])


def provenance(config: dict[str, Any]) -> Iterator[str]:
    """The fine-tuning first, then where the architecture comes from."""
    training, found = config["training"], config["provenance"]
    yield f"- data set: {line(found['dataset'])}: `{json.dumps(training['data'])}`"
    yield f"- options: `{json.dumps(training['options'])}`"
    yield f"- started from weights with SHA-256 `{training['started_from']}`"
    yield "- made with " + ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    others = {name: value for name, value in found.items() if name not in ("dataset", "data", "versions")}
    for name, value in others.items():
        if value is not None:
            text = f"`{json.dumps(value)}`" if isinstance(value, (dict, list)) else line(str(value))
            yield f"- of the architecture: {name.replace('_', ' ')}: {text}"


def table(titles: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line(str(cell)) for cell in row)} |" for row in lines)


def line(text: str) -> str:
    """Text as one line of Markdown that no table or heading ends in."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
