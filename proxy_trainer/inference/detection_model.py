"""A detector of any format, as `effspine evaluate` and `effspine predict` run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy_trainer.data.task_layouts import check_layout
from proxy_trainer.inference.detector import LoadedDetector
from proxy_trainer.inference.prediction import drawn, predict
from proxy_trainer.inference.runnable import (
    Predicted,
    PredictOptions,
    Progress,
    Report,
    class_cells,
    figure_facts,
    images_text,
    model_facts,
)
from search_space.detector import SHOWN_SCORE
from search_space.task_model import TaskModel


@dataclass(frozen=True)
class DetectionModel:
    """A `Runnable`; `threads` is the number of processors to use."""

    detector: LoadedDetector
    threads: int

    def evaluate(self, data: Path, split: str, cache_dir: Path, progress: Progress) -> Report:
        """The twelve COCO metrics, and the AP of each class."""
        from proxy_trainer.inference.evaluation_report import evaluate_detector
        from proxy_trainer.inference.scored_split import scored_split

        check_layout(data, "detection")
        images = scored_split(data, split, recipe_fields(self.detector))
        found = evaluate_detector(self.detector, images, cache_dir, progress, threads=self.threads)
        facts = [
            *model_facts(self.detector.path, self.detector.format, self.detector.specification.architecture.name),
            ("images", images_text(found.identity.images, images.annotations_file, found.is_held_out)),
            ("boxes", f"{found.identity.boxes:,}"),
            *figure_facts(found.scores.metrics),
        ]
        columns = ("boxes", "ap")
        rows = class_cells(found.class_rows(), columns)
        return Report({"task": "detection", **found.to_dict()}, facts, ("class", *columns), rows)

    def predict(self, picture: Path, options: PredictOptions) -> Predicted:
        """The objects with at least a score, and the picture with their boxes."""
        options.refuse("detection", "top")
        found = predict(self.detector, picture, SHOWN_SCORE if options.score is None else options.score)
        document = found.to_dict()
        objects = document["detections"]
        return Predicted(
            document, f"{len(objects)} found", [object_line(each) for each in objects], lambda: {"drawn": drawn(found)}
        )


def recipe_fields(detector: LoadedDetector) -> dict[str, Any] | None:
    """The fields of the recipe that a detector was trained with; None where they are unknown."""
    specification = detector.specification
    if isinstance(specification, TaskModel):
        return specification.recipe.get("training")
    return specification.training


def object_line(found: dict[str, Any]) -> str:
    """A detection in a line: its class, score and box."""
    box = ", ".join(f"{side:.1f}" for side in found["box"])
    return f"{found['class'] if found['name'] is None else found['name']} {found['score']:.3f} at {box}"
