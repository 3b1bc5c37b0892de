"""Loads the detector of an export, or cuts it out of the shared weights, which needs the trainer."""

from __future__ import annotations

import os
from pathlib import Path

from nas_controller.execution.kept_models import model_directory
from nas_controller.execution.worker import Job, detector_of_slice
from nas_controller.exports.exported_trial import ExportedTrial
from nas_controller.exports.weights import INITIAL_SEED
from nas_controller.search.outcomes import SharedWeights
from nas_controller.states import WeightsKind
from search_space.datasets import dataset_path
from search_space.detector_model import DetectorModel, initial_model, load_detector


def load_weights(
    data_dir: Path, exported: ExportedTrial, weights: WeightsKind, model: str | None, threads: int | None = None
) -> DetectorModel:
    """The detector of a trial, with its name and provenance; `model` names the directory of weights of the finals.

    The trainer, where it is needed, uses `threads` processors, by default as many as a trial of the campaign.

    Raises InvalidValueError where a file is gone or damaged, and for shared weights what `detector_of_slice` raises.
    """
    if weights == "initial":
        return initial_model(exported.specification(), INITIAL_SEED)
    if weights == "shared":
        return exported.named(_slice(data_dir, exported, threads))
    return exported.named(load_detector(model_directory(data_dir, exported.campaign.id, model or "")))


def _slice(data_dir: Path, exported: ExportedTrial, threads: int | None) -> DetectorModel:
    """The slice of the shared weights, as the trial was scored: without further steps, its metrics are those of it."""
    spec, training, trial = exported.campaign.spec, exported.campaign.shared_training, exported.trial
    assert spec.dataset is not None
    assert training is not None
    assert training.identity is not None
    assert training.weights_sha256 is not None
    task, data = spec.proxy_task.resolve(), exported.campaign.data
    job = Job(
        task=task,
        base=spec.search_space.build().base,
        dataset_dir=dataset_path(data_dir, spec.dataset),
        cache_dir=data_dir / "cache",
        seed=spec.seed,
        threads=threads or spec.resources.cpus or len(os.sched_getaffinity(0)),
        space=spec.search_space.build(),
        shared_weights=SharedWeights(training.identity, training.weights_sha256),
        data_sha256=None if data is None else data["sha256"],
    )
    return detector_of_slice(job, trial.widths, trial.metrics if task.steps == 0 else None)
