"""Requests for exports that a process of their own makes."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from exporters.registry import Exporter
from nas_controller.exports.exported_trial import ExportedTrial
from nas_controller.exports.weights import chosen, weights_of
from nas_controller.states import WeightsWanted
from nas_controller.store import ExportRequest, Store


def export_request(
    store: Store, data_dir: Path, exported: ExportedTrial, exporter: Exporter, wanted: WeightsWanted
) -> ExportRequest:
    """The request for an export of a trial.

    Its key is the digest of the format, the weights, the provenance and the version of effspine: two requests with the
    same key get the same file. Raises ConflictError, which says what there is, for weights that the trial does not
    have.
    """
    weights = chosen(weights_of(store, data_dir, exported), wanted, exported)
    depends_on = {
        "effspine": version("effspine"),
        "format": exporter.name,
        "name": exported.name,
        "weights": [weights.kind, weights.digest, weights.model],
        "provenance": exported.specification().provenance,
    }
    return ExportRequest(
        cache_key=hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest(),
        campaign_id=exported.campaign.id,
        trial=exported.trial.number,
        format=exporter.name,
        weights=weights.kind,
        model=weights.model,
        about=weights.about,
        file_name=f"{exported.name}-{exporter.name}-{weights.kind}{exporter.suffix}",
        media_type=exporter.media_type,
    )
