"""The weights that a trial has: those of its finals, the slice of the shared weights, or initial ones.

Only files are looked up here, and nothing is loaded.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from nas_controller.execution.kept_models import has_model, model_directory, model_name
from nas_controller.exports.exported_trial import ExportedTrial
from nas_controller.states import WeightsKind, WeightsWanted
from nas_controller.store import ConflictError, Store
from search_space.architecture import Architecture
from search_space.detector_model import CONFIG_FILE
from search_space.weights_files import shared_weights_dir, weights_file_name

INITIAL_SEED = 0
"""The seed of initial weights."""


class Weights(NamedTuple):
    """Weights of a trial: their kind, a digest of all that they depend on, and what they are in one sentence.

    `model` names the model directory of those of finals, below that of the campaign.
    """

    kind: WeightsKind
    digest: str
    about: str
    model: str | None = None


def weights_of(store: Store, data_dir: Path, exported: ExportedTrial) -> tuple[Weights, ...]:
    """The weights that the trial has, best first; initial ones are always there. Raises StoreUnavailableError."""
    found = (_of_finals(store, data_dir, exported), _of_shared(data_dir, exported), _initial(exported))
    return tuple(weights for weights in found if weights is not None)


def chosen(found: tuple[Weights, ...], wanted: WeightsWanted, exported: ExportedTrial) -> Weights:
    """The wanted weights. Raises ConflictError, which says what there is, where the trial has none of that kind."""
    for weights in found:
        if wanted in ("best", weights.kind):
            return weights
    there = " and ".join(weights.kind for weights in found)
    raise ConflictError(
        f"trial {exported.trial.number} of campaign '{exported.campaign.id}' has no weights '{wanted}'; it has {there}",
        field="weights",
    )


def _of_finals(store: Store, data_dir: Path, exported: ExportedTrial) -> Weights | None:
    """Of the trainings of the trial's architecture with a detector, the one with the highest AP; of equals, the one
    with the lowest seed.
    """
    campaign = exported.campaign
    if campaign.finals is None:
        return None
    same = {exported.trial.number, exported.trial.reused_from}
    runs = [run for run in store.reads.final_runs(campaign.id) if run.trial in same and run.reward is not None]
    for run in sorted(runs, key=lambda run: (-(run.reward or 0.0), run.seed)):
        directory = model_directory(data_dir, campaign.id, model_name(run.trial, run.seed))
        if has_model(directory):
            digest = hashlib.sha256((directory / CONFIG_FILE).read_bytes()).hexdigest()
            about = (
                f"Trained alone in the finals with seed {run.seed} {_size_of_finals(exported)}: "
                f"AP {run.reward:.3f} on the images of the finals."
            )
            return Weights("finals", digest, about, directory.name)
    return None


def _of_shared(data_dir: Path, exported: ExportedTrial) -> Weights | None:
    training, task = exported.campaign.shared_training, exported.campaign.spec.proxy_task.resolve()
    if task.kind != "shared" or training is None or training.identity is None or training.weights_sha256 is None:
        return None
    if not (shared_weights_dir(data_dir / "cache") / weights_file_name(training.identity)).is_file():
        return None
    size = _size(task.architecture(exported.architecture, 1))
    statistics = ", with recalibrated batch-norm statistics" if task.recalibration_images else ""
    about = f"The slice of the campaign's shared weights {size}{statistics}."
    return Weights("shared", training.weights_sha256, about)


def _initial(exported: ExportedTrial) -> Weights:
    size = _size(exported.architecture)
    return Weights(
        "initial", f"seed {INITIAL_SEED}", f"Initial weights of seed {INITIAL_SEED} {size}; nothing was trained."
    )


def _size_of_finals(exported: ExportedTrial) -> str:
    task = exported.campaign.spec.finals_task
    assert task is not None
    return _size(task.architecture(exported.architecture, 1))


def _size(network: Architecture) -> str:
    """What distinguishes the network of a proxy task from the architecture at full size."""
    return f"at {network.input_px} px with {min(network.widths)} to {max(network.widths)} channels"
