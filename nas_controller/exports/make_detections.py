"""Makes detections of a trial and of the baseline in a few reserved images, which needs the trainer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from exporters.registry import archive
from nas_controller.execution.sample_detections import ReservedImages, write_sample_detections
from nas_controller.exports.detections import BASELINE, TRIAL, compared
from nas_controller.exports.exported_trial import ExportedTrial
from nas_controller.exports.load_weights import load_weights
from nas_controller.exports.weights import Weights
from nas_controller.states import BASELINE_TRIAL, WeightsKind
from nas_controller.store import ExportRecord, Store
from search_space.datasets import dataset_path
from search_space.detector_model import DetectorModel
from search_space.errors import InvalidValueError


def detections_content(store: Store, data_dir: Path, record: ExportRecord, report: Callable[[str], None]) -> bytes:
    """The content of the file of a request; it needs the trainer. `report` is told what is being done.

    Raises EffspineError where the data or the weights are not those of the campaign any more, or are gone.
    """
    assert record.campaign_id is not None
    assert record.trial is not None
    assert record.lowest_score is not None
    pair = compared(store, data_dir, record.campaign_id, record.trial)
    if (pair.weights.kind, pair.weights.model) != (record.weights, record.model):
        raise InvalidValueError(
            f"trial {record.trial} of campaign '{record.campaign_id}' now has "
            f"{_named(pair.weights.kind, pair.weights.model)}; the detections were requested with "
            f"{_named(record.weights, record.model)}. Request them again"
        )
    spec = pair.trial.campaign.spec
    threads = spec.resources.cpus or len(os.sched_getaffinity(0))

    def loaded(name: str, exported: ExportedTrial, weights: Weights) -> DetectorModel:
        report(f"preparing the weights of the {name}")
        return load_weights(data_dir, exported, weights.kind, weights.model, threads)

    detectors = {TRIAL: loaded(TRIAL, pair.trial, pair.weights)}
    if pair.trial.trial.number != BASELINE_TRIAL:
        detectors[BASELINE] = loaded(BASELINE, pair.baseline, pair.baseline_weights)
    images = _reserved_images(data_dir, pair.trial, record.weights)
    with TemporaryDirectory() as temporary:
        write_sample_detections(Path(temporary), images, detectors, record.lowest_score, threads, report)
        return archive(Path(temporary), Path(record.file_name).stem)


def _named(kind: WeightsKind, model: str | None) -> str:
    return f"{kind} weights" + ("" if model is None else f" '{model}'")


def _reserved_images(data_dir: Path, exported: ExportedTrial, kind: WeightsKind) -> ReservedImages:
    """The images that such weights were scored on, and that they have not learned from."""
    campaign = exported.campaign
    spec, task, data = campaign.spec, campaign.spec.proxy_task.resolve(), campaign.data
    assert spec.dataset is not None
    search_task = None
    if kind == "finals":
        assert spec.finals_task is not None
        assert campaign.finals is not None
        task, search_task, data = spec.finals_task, task, campaign.finals.data
    digest = None if data is None else data["reserved"]["annotations_sha256"]
    return ReservedImages(dataset_path(data_dir, spec.dataset), task, spec.seed, search_task, digest)
