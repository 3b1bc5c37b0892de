"""Detection as a `Trainee`: one network in an engine, with its images and its COCO metrics."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.engine import Engine, EngineState
from proxy_trainer.engine.training_batch import TrainingBatch
from proxy_trainer.training.detection_data import DetectionImages, DetectionSplits
from proxy_trainer.training.detectors import detector_of, state_of
from proxy_trainer.training.evaluation import CocoEvaluator
from proxy_trainer.training.scoring import PaddedImages, detections_on, recalibration_images, scored_statistics
from proxy_trainer.training.start_weights import StartWeights
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.detector_model import save_detector
from search_space.proxy_task import ProxyTask
from search_space.source_commit import source_commit


class DetectionTrainee:
    """Trains `network` by `task`, which is for exactly this network, on the images of the splits.

    `seed` determines fresh weights and batches. `provenance` and `training` are sections of the block specification in
    the model directories; the steps done are added to `training`.
    """

    main_metric = "ap"

    def __init__(
        self,
        network: Architecture,
        task: ProxyTask,
        splits: DetectionSplits,
        images: DetectionImages,
        seed: int,
        start: StartWeights,
        *,
        provenance: Mapping[str, Any],
        training: Mapping[str, Any],
    ) -> None:
        self._network, self._task, self._seed = network, task, seed
        self._splits, self._images = splits, images
        self._provenance, self._training = provenance, training
        self._batches = TrainingBatches(images.train, task, seed)
        self._stream: Generator[TrainingBatch, None, None] | None = None
        self._evaluator = CocoEvaluator(splits.held_out)
        self._engine = Engine(task, network.class_slots, like=network)
        initial = None if start.tensors is None else state_of(start.tensors, parameters(network), task)
        self._engine.load(network, seed, initial)
        self._steps_done = 0

    @property
    def steps_done(self) -> int:
        """The training steps done so far, those before an interruption included."""
        return self._steps_done

    def train_step(self, step: int, learning_rate: float) -> dict[str, float]:
        """Trains step `step`, which must be the next one; returns the loss before it and its terms."""
        assert step == self._steps_done, f"step {step} is not the next one, {self._steps_done}"
        if self._stream is None:
            self._stream = self._batches.stream(step, self._task.steps)
        loss = self._engine.train_step(next(self._stream), learning_rate, (self._seed, step))
        self._steps_done = step + 1
        return {"loss": float(loss.total), "classes": float(loss.classes), "boxes": float(loss.boxes)}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """The fields of `EngineState`."""
        return {name: np.asarray(values) for name, values in self._engine.state()._asdict().items()}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Continues from a state. Raises ValueError, and changes nothing, for one of another network."""
        vectors = [state[name] for name in EngineState._fields[:-1]]
        self._engine.restore(EngineState._make([*vectors, int(state["steps_done"])]))
        self._steps_done, self._stream = int(state["steps_done"]), None

    def evaluate(self) -> dict[str, float | None]:
        """The twelve COCO metrics of the averaged weights on the held-out images."""
        with scored_statistics(self._engine, self._recalibration):
            detections = detections_on(self._images.held_out, self._engine)
        return self._evaluator.metrics(detections)

    def save(self, directory: Path, figures: Mapping[str, float | None] | None) -> None:
        """Writes the averaged weights, with the statistics that they are scored with."""
        train = self._splits.train
        categories = list(zip(train.category_ids, train.category_names, strict=True))
        with scored_statistics(self._engine, self._recalibration):
            state = self._engine.state()
        model = detector_of(
            state, self._network, self._task, categories, origin="trained", seed=self._seed, figures=figures
        )
        training = {**self._training, "steps_done": self._steps_done}
        specification = replace(model.specification, training=training, provenance=dict(self._provenance))
        save_detector(replace(model, specification=specification), directory)

    @cached_property
    def _recalibration(self) -> PaddedImages:
        return recalibration_images(self._images.train, self._task)


def versions() -> dict[str, str]:
    """The versions that the result of a training depends on."""
    return {name: version(name) for name in ("effspine", "numpy")} | {"tensorflow": str(tf.__version__)}


def software() -> dict[str, str]:
    """These versions, and the commit of the source where it is known."""
    commit = source_commit()
    return versions() | ({} if commit is None else {"commit": commit})
