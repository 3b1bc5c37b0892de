"""Format `svg`: the block diagram of `search_space.diagram.drawing`, beside the baseline's if there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from exporters.export import Export
from search_space.diagram.drawing import Caption, block_diagram, shortened
from search_space.diagram.style import Style

LONGEST_NAME = 60


def write(export: Export, directory: Path) -> None:
    """Writes the drawing."""
    (directory / f"{export.file_stem}.svg").write_text(drawing(export), encoding="utf-8")


def drawing(export: Export, style: Style = "paper") -> str:
    """The drawing as an SVG document; in the style `paper` the trial that it shows stands above it."""
    caption = _caption(export) if style == "paper" else None
    return block_diagram(export.architecture, export.baseline, caption=caption, style=style)


def _caption(export: Export) -> Caption | None:
    """Campaign, trial, AP and budget, by the provenance; None where no campaign made the architecture."""
    found: dict[str, Any] = export.specification.provenance
    campaign, trial = found.get("campaign"), found.get("trial")
    if campaign is None or trial is None:
        return None
    is_compared = export.baseline not in (None, export.architecture)
    beside = " beside the uniform baseline" if is_compared else ", the uniform baseline" if trial == 0 else ""
    facts = [_ap(found, is_compared)]
    if found.get("budget_madds") is not None:
        facts.append(f"budget {found['budget_madds'] / 1e6:,.1f} M multi-adds")
    return Caption(f"{shortened(campaign['name'], LONGEST_NAME)}: trial {trial}{beside}", "; ".join(facts))


def _ap(found: dict[str, Any], is_compared: bool) -> str:
    """The AP of the search, beside the baseline's, and whether finals have confirmed it."""
    reward, baseline = found.get("reward"), found.get("baseline_reward")
    if reward is None:
        return "no AP yet"
    if not is_compared or baseline is None:
        return f"AP {reward:.3f} in the search"
    word = "confirmed by finals" if found.get("is_confirmed") else "not confirmed"
    return f"AP {reward:.3f} in the search, baseline {baseline:.3f}, {word}"
