"""The formats: each gives what the search space defines, under a name of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporters import EXPORTERS, ExportedArchitecture, Exporter, provenance_of
from exporters.registry import register
from search_space.diagram.drawing import block_diagram
from search_space.document import block_specification
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
TRIAL: dict[str, Any] = {"number": 4, "reward": 0.5, "betas": [1.0] * 18, "finished_at": "2025-01-01T00:00:00Z"}


def exported(provenance: dict[str, Any]) -> ExportedArchitecture:
    """Eff-SpineNet-D0 from a search against SP-EfficientNet-B0."""
    return ExportedArchitecture(EFF_SPINENET_D0, SP_EFFICIENTNET_B0, provenance)


def test_json_is_exactly_the_block_specification() -> None:
    provenance = provenance_of(CAMPAIGN, TRIAL)
    content = EXPORTERS["json"].render(exported(provenance))
    assert content.endswith(b"}\n")
    assert json.loads(content) == block_specification(EFF_SPINENET_D0, provenance)


def test_svg_is_exactly_the_diagram_beside_the_baseline() -> None:
    exporter = EXPORTERS["svg"]
    assert exporter.media_type == "image/svg+xml"
    assert exporter.render(exported({})).decode() == block_diagram(EFF_SPINENET_D0, SP_EFFICIENTNET_B0)


@pytest.mark.parametrize("name", ["json", "svg"])
def test_the_file_is_named_after_the_architecture(name: str) -> None:
    assert EXPORTERS[name].file_name(EFF_SPINENET_D0) == f"Eff-SpineNet-D0.{name}"


def test_provenance_names_campaign_trial_and_versions() -> None:
    provenance = provenance_of(CAMPAIGN, TRIAL)
    assert provenance["campaign"] == {"id": "c_1", "name": "digits"}
    assert (provenance["trial"], provenance["reward"], provenance["baseline_reward"]) == (4, 0.5, 0.25)
    assert (provenance["seed"], provenance["dataset"]) == (7, "digits")
    assert provenance["data"] == {"sha256": "0" * 64}
    assert provenance["versions"]["effspine"]


def test_a_format_cannot_be_registered_twice() -> None:
    with pytest.raises(ValueError, match="json"):
        register(Exporter("json", "application/json", ".json", lambda exported: b""))
    assert EXPORTERS["json"].render(exported({}))
