"""Detections of a trial and of the baseline in a few reserved images: requests, and the files that were made.

They are made, kept and removed as exports are. The file is an archive with `proxy_trainer.inference.sample_detections`
as its content, with the names TRIAL and BASELINE.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from nas_controller.exports.exported_trial import ExportedTrial, find_exported
from nas_controller.exports.weights import Weights, weights_of
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import ConflictError, ExportRequest, Store

DETECTIONS = "detections"
"""The format of these exports, which no exporter has."""

TRIAL, BASELINE = "trial", "baseline"
DOCUMENT_FILE = "detections.json"


class Compared(NamedTuple):
    """A trial and the uniform baseline, with weights of the same kind. For trial 0, both are the same."""

    trial: ExportedTrial
    weights: Weights
    baseline: ExportedTrial
    baseline_weights: Weights


def compared(store: Store, data_dir: Path, campaign_id: str, number: int) -> Compared:
    """A trial beside the baseline, with the best kind of trained weights that both have.

    Raises NotFoundError, and ConflictError, which says why, where there is no such kind.
    """
    trial = find_exported(store, campaign_id, number)
    baseline = find_exported(store, campaign_id, BASELINE_TRIAL)
    found, of_baseline = weights_of(store, data_dir, trial), weights_of(store, data_dir, baseline)
    for weights in found:
        for other in of_baseline:
            if weights.kind == other.kind != "initial":
                return Compared(trial, weights, baseline, other)
    raise ConflictError(_why_none(trial), field="number")


def _why_none(trial: ExportedTrial) -> str:
    task, number = trial.campaign.spec.proxy_task.resolve(), trial.trial.number
    if task.kind == "synthetic":
        return f"trial {number} was not trained: the profile '{task.profile}' computes rewards, and finds no objects"
    if task.kind == "shared":
        return f"the shared weights that trial {number} is a slice of are not there: not trained yet, or removed"
    return (
        f"trial {number} was trained alone, and the weights of such a trial are not kept; finals keep those of their "
        "finalists and of the baseline"
    )


def detections_request(pair: Compared, lowest_score: float) -> ExportRequest:
    """The request for the detections with at least this score; two with the same key get the same file."""
    trial, weights = pair.trial, pair.weights
    depends_on = {
        "effspine": version("effspine"),
        "format": DETECTIONS,
        "campaign": trial.campaign.id,
        "trial": trial.trial.number,
        "weights": [weights.kind, weights.digest, weights.model],
        "baseline": [pair.baseline_weights.digest, pair.baseline_weights.model],
        "lowest_score": lowest_score,
        "data": trial.campaign.data,
    }
    return ExportRequest(
        cache_key=hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest(),
        campaign_id=trial.campaign.id,
        trial=trial.trial.number,
        format=DETECTIONS,
        weights=weights.kind,
        model=weights.model,
        about=weights.about,
        file_name=f"{trial.name}-{DETECTIONS}-{weights.kind}.zip",
        media_type="application/zip",
        lowest_score=lowest_score,
    )


def read_detections(file: Path) -> dict[str, Any]:
    """The document in the file. Raises OSError."""
    document: dict[str, Any] = json.loads(read_member(file, DOCUMENT_FILE))
    return document


def read_member(file: Path, name: str) -> bytes:
    """A file of the archive, by its name. Raises OSError, and KeyError where there is none."""
    with zipfile.ZipFile(file) as files:
        found = next((each for each in files.namelist() if each.rpartition("/")[2] == name), None)
        if found is None:
            raise KeyError(name)
        return files.read(found)
