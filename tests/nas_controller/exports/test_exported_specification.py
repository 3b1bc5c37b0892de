"""The block specification of a trial: for the classes of its data, with the training and figures that the trial had."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from exporters import EXPORTERS, Export
from exporters.svg import drawing
from nas_controller.exports.exported_trial import ExportedTrial, find_exported
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store
from search_space.coco_metrics import METRICS
from search_space.cost import cost_report
from search_space.document import read_block_specification
from tests.support.recorder import Recorder

HALF = {"images": 40, "boxes": 90, "annotations_sha256": "1" * 64, "images_sha256": "2" * 64}
DATA = {"sha256": "0" * 64, "train": HALF, "reserved": HALF}
CLASSES = [{"id": 3, "name": "car"}, {"id": 7, "name": "truck\0"}]
STORED = [{"id": 3, "name": "car"}, {"id": 7, "name": "truck\N{REPLACEMENT CHARACTER}"}]


def recorded(store: Store, data: dict[str, Any] | None = None, profile: str = "smoke") -> Recorder:
    """A campaign with two rewards of a training with this profile."""
    return Recorder(store, dataset="cars", proxy_task={"profile": profile}, data=data, seed=5).run(2)


def exported(recorder: Recorder, trial: int = 1) -> ExportedTrial:
    return find_exported(recorder.store, recorder.id, trial)


def document_of(trial: ExportedTrial) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(EXPORTERS["spec"].content(Export(trial.specification())))
    return document


def test_it_is_for_the_classes_of_the_data(store: Store) -> None:
    trial = exported(recorded(store, {**DATA, "classes": CLASSES}))
    document = document_of(trial)
    assert (document["class_slots"], document["classes"]) == (2, STORED)
    assert document["provenance"]["data"] == DATA
    network = replace(trial.architecture, class_slots=2)
    assert document["cost"]["madds"] == cost_report(network).madds < trial.trial.madds
    assert document["cost"]["params"] == cost_report(network).params < trial.trial.params
    in_search = {"class_slots": 91, "madds": trial.trial.madds, "params": trial.trial.params}
    assert document["provenance"]["cost_in_search"] == in_search
    assert cost_report(trial.architecture).madds == in_search["madds"]
    assert read_block_specification(document).architecture == network


def test_training_and_figures_are_those_of_the_trial(store: Store) -> None:
    trial = exported(recorded(store, DATA))
    document = document_of(trial)
    assert document["training"]["seed"] == 5
    assert document["training"]["proxy_task"] == trial.campaign.spec.proxy_task.resolve().to_dict()
    assert document["training"]["proxy_task"]["profile"] == "smoke"
    assert trial.trial.metrics is not None
    known = {name: trial.trial.metrics[name] for name in ("ap", "ap50")}
    assert document["figures"] == dict.fromkeys(METRICS) | known


def test_what_is_unknown_is_null(store: Store) -> None:
    before = document_of(exported(recorded(store, DATA)))  # as an earlier version has recorded it
    assert (before["class_slots"], before["classes"]) == (91, None)
    synthetic = document_of(exported(recorded(store, None, "synthetic")))
    names = ("classes", "weights", "training", "figures")
    assert [synthetic[name] for name in names] == [None] * 4
    assert (synthetic["class_slots"], synthetic["provenance"]["data"]) == (91, None)


def test_it_is_the_base_of_a_search_on_the_same_classes(store: Store) -> None:
    document = document_of(exported(recorded(store, {**DATA, "classes": CLASSES})))
    space = {"base": document}
    spec = CampaignSpec.model_validate({"name": "next", "search_space": space, "proxy_task": {"profile": "synthetic"}})
    assert spec.search_space.build().base.class_slots == 2


def test_initial_weights_have_neither_training_nor_figures(store: Store) -> None:
    specification = exported(recorded(store, {**DATA, "classes": CLASSES})).specification()
    assert specification.figures is not None
    export = Export(specification)
    assert (export.model.specification.training, export.model.specification.figures) == (None, None)
    assert export.model.specification.classes == STORED


@pytest.mark.parametrize("data", [None, {**DATA, "classes": CLASSES}])
def test_a_drawing_has_the_multi_adds_that_the_search_counts(store: Store, data: dict[str, Any] | None) -> None:
    trial = exported(recorded(store, data))
    assert f"{trial.trial.madds / 1e6:,.0f} M multi-adds" in drawing(trial.drawn())
