"""The samples in docs/api.md that are whole documents have all fields, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.testclient import TestClient

from nas_controller.entities import CampaignDocument, SharedTrainingDocument
from nas_controller.entities.document import Document
from nas_controller.store import Store
from tests.support.recorder import Recorder

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()


def fields_of(begin: str) -> list[set[str]]:
    """The names of the outer fields of every sample in the document that begins so."""
    found = []
    for match in re.finditer(re.escape(begin), TEXT):
        sample = TEXT[match.end() :].split("\n\n")[0]
        depth, outer = 1, ""
        for character in sample:
            depth += {"{": 1, "}": -1}.get(character, 0)
            if depth == 0:
                break
            outer += character if depth == 1 else ""
        found.append(set(re.findall(r'"(\w+)":', outer)))
    return found


def names(document: type[Document]) -> set[str]:
    return set(document.model_fields)


def test_the_samples_of_a_campaign_have_all_its_fields() -> None:
    created, read = fields_of('    {"id": "c_1m81wbxdc99wfqbs", "name": "first look", "state": ')
    expected = names(CampaignDocument) - {"id", "name", "state"}
    assert created == expected
    assert read == expected


def test_the_sample_of_a_shared_training_has_all_its_fields() -> None:
    (sample,) = fields_of('"shared_training": {')
    assert sample == names(SharedTrainingDocument)


def test_the_best_of_a_campaign_in_which_nothing_is_better_is_said_to_be_the_baseline(
    service: TestClient, store: Store
) -> None:
    recorder = Recorder(store, trials=4)
    recorder.finish(recorder.begin(), extra=0.5)
    recorder.run(2)
    first = service.get(f"/v1/campaigns/{recorder.id}/best").json()
    assert first["items"][0]["number"] == 0
    assert first["sentence"] == "No trial has a higher reward than the uniform baseline, trial 0."
    assert f'"sentence": "{first["sentence"]}"' in TEXT
    assert f'"learned": "{first["learned"]}"' in TEXT
    (sample,) = fields_of('    {"items": [{"number": 0, "reward": 0.4120738209397255, ...}],\n')
    assert {"items"} | sample == set(first)
    recorder.finish(recorder.begin(), extra=0.9)
    better = service.get(f"/v1/campaigns/{recorder.id}/best").json()
    assert better["items"][0]["number"] == 2
    assert better["sentence"].startswith("Trial 2 has the highest reward, but is not confirmed: ")
