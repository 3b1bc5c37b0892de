"""The best model of a training as it is exported."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from exporters.export import Export
from exporters.registry import Exporter
from nas_controller.exports.exported_trial import file_stem
from nas_controller.states import FINISHED_TRAINING_STATES, WeightsKind
from nas_controller.store import ConflictError, ExportRequest, TrainingRecord
from nas_controller.trainings.files import run_directory
from search_space.datasets import dataset_location
from search_space.detector_model import CONFIG_FILE, load_detector
from search_space.document import BlockSpecification, load_block_specification
from search_space.document_schema import FORMAT
from search_space.errors import InvalidValueError
from search_space.published import SP_EFFICIENTNET_B0
from search_space.run_files import BEST

WEIGHTS: WeightsKind = "training"


class TrainedModel(NamedTuple):
    """The model directory of the best evaluation so far. The digest of its configuration stands for its weights too."""

    training: TrainingRecord
    directory: Path
    digest: str

    @property
    def about(self) -> str:
        """What the weights are, in one sentence."""
        training = self.training
        progress = training.progress
        at = "" if progress is None or progress.best is None else f": {progress.metric} {progress.best:.3f}"
        return f"The best evaluation of the training with {training.recipe} on {training.dataset}{at}."

    def specification(self) -> BlockSpecification:
        """Its specification, without the file of the weights. Raises InvalidValueError where it is gone."""
        return replace(load_block_specification(self.directory / CONFIG_FILE), weights=None)

    def drawn(self) -> Export:
        """What formats without weights are made of, beside the uniform baseline of the paper."""
        specification = self.specification()
        baseline = replace(SP_EFFICIENTNET_B0, input_px=specification.architecture.input_px)
        return Export(specification, baseline=baseline)

    def export(self, data_dir: Path, digest: str) -> Export:
        """What formats with weights are made of: the model of this digest.

        Raises InvalidValueError where a better one has taken its place.
        """
        detector = load_detector(self.directory)
        if self.digest != digest:
            raise InvalidValueError(
                f"training '{self.training.id}' has a better model since the export was requested; request it again"
            )
        dataset = dataset_location(data_dir, self.training.dataset)
        return replace(self.drawn(), specification=detector.specification, trained=detector, dataset=dataset)


def trained_model(data_dir: Path, training: TrainingRecord) -> TrainedModel:
    """The best model of a training.

    Raises ConflictError before the first evaluation, and InvalidValueError for a model that is no detector of this
    search space, which no format is for.
    """
    directory = run_directory(data_dir, training.id) / BEST
    try:
        content = (directory / CONFIG_FILE).read_bytes()
    except FileNotFoundError:  # there is none, or it is being replaced
        raise no_model_error(training) from None
    if json.loads(content).get("format") != FORMAT:
        raise InvalidValueError(
            f"training '{training.id}' is of {training.model or training.task} ({training.task}), and exports are made "
            f"of scale-permuted detectors; its model directory is at /v1/trainings/{training.id}/model",
            field="training_id",
        )
    return TrainedModel(training, directory, hashlib.sha256(content).hexdigest())


def no_model_error(training: TrainingRecord) -> ConflictError:
    """The error for a training that has not been evaluated yet, or that has ended before."""
    later = "" if training.state in FINISHED_TRAINING_STATES else "; ask again after its first evaluation"
    return ConflictError(f"training '{training.id}' is {training.state} and has no evaluated model{later}")


def training_export_request(trained: TrainedModel, exporter: Exporter) -> ExportRequest:
    """The request for an export of the best model; two with the same key get the same file."""
    stem = file_stem(trained.training.name)
    depends_on = ["effspine", version("effspine"), exporter.name, stem, trained.training.id, trained.digest]
    return ExportRequest(
        cache_key=hashlib.sha256(json.dumps(depends_on).encode()).hexdigest(),
        training_id=trained.training.id,
        format=exporter.name,
        weights=WEIGHTS,
        model=trained.digest,
        about=trained.about,
        file_name=f"{stem}-{exporter.name}{exporter.suffix}",
        media_type=exporter.media_type,
    )
