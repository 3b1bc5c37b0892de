"""The formats and the one that there is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporters import EXPORTERS, Exporter, provenance_of
from exporters.registry import register
from search_space.published import EFF_SPINENET_D0
from search_space.document import block_specification

CAMPAIGN: dict[str, Any] = {
    "id": "c_1",
    "name": "digits",
    "baseline_reward": 0.25,
    "spec": {
        "seed": 7,
        "dataset": "digits",
        "search_space": {"base": "sp-efficientnet-b0"},
        "proxy_task": {"profile": "laptop"},
    },
}
TRIAL: dict[str, Any] = {"number": 4, "reward": 0.5, "betas": [1.0] * 18, "finished_at": "2025-01-01T00:00:00Z"}


def test_json_is_the_block_specification_to_the_letter() -> None:
    provenance = provenance_of(CAMPAIGN, TRIAL)
    content = EXPORTERS["json"].render(EFF_SPINENET_D0, provenance)
    assert content.endswith(b"}\n")
    assert json.loads(content) == block_specification(EFF_SPINENET_D0, provenance)


def test_the_file_is_named_after_the_architecture() -> None:
    assert EXPORTERS["json"].file_name(EFF_SPINENET_D0) == "Eff-SpineNet-D0.json"


def test_provenance_says_where_the_architecture_comes_from() -> None:
    provenance = provenance_of(CAMPAIGN, TRIAL)
    assert provenance["campaign"] == {"id": "c_1", "name": "digits"}
    assert (provenance["trial"], provenance["reward"], provenance["baseline_reward"]) == (4, 0.5, 0.25)
    assert (provenance["seed"], provenance["dataset"]) == (7, "digits")
    assert provenance["versions"]["effspine"]


def test_a_format_cannot_be_registered_twice() -> None:
    with pytest.raises(ValueError, match="json"):
        register(Exporter("json", "application/json", ".json", lambda architecture, provenance: b""))
    assert EXPORTERS["json"].render(EFF_SPINENET_D0, {})
