"""What detectors of a campaign find in a few of its reserved images, in the process of a worker.

Like `nas_controller.execution.worker`, it imports `proxy_trainer` only when it is called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search_space.detector_model import DetectorModel
from search_space.proxy_task import PROFILES, ProxyTask

if TYPE_CHECKING:
    from proxy_trainer.inference.detector import LoadedDetector


@dataclass(frozen=True)
class ReservedImages:
    """The images of a data set that `task` reserves with `seed`; with `search_task`, those of finals after that search.

    `annotations_sha256` is that of the identity of the images which the detectors were scored on, if it is known.
    """

    dataset_dir: Path
    task: ProxyTask
    seed: int
    search_task: ProxyTask | None
    annotations_sha256: str | None


def write_sample_detections(
    directory: Path,
    images: ReservedImages,
    detectors: Mapping[str, DetectorModel],
    lowest_score: float,
    threads: int,
    progress: Callable[[str], None],
) -> None:
    """Writes what `proxy_trainer.inference.sample_detections` does; the detectors differ in their widths alone.

    Raises DataChangedError where the images are not those of the identity, and other errors of a data set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.data.data_identity import annotations_digest
    from proxy_trainer.data.fresh_images import load_splits
    from proxy_trainer.engine import runtime
    from proxy_trainer.errors import DataChangedError
    from proxy_trainer.inference.sample_detections import write_samples

    reserved = load_splits(images.dataset_dir, images.task, images.seed, images.search_task).reserved
    if images.annotations_sha256 not in (None, annotations_digest(reserved)):
        raise DataChangedError(
            f"the reserved images of {images.dataset_dir} are not those that the rewards were measured on: their "
            "annotations have changed"
        )
    runtime.start(threads)
    write_samples(
        directory,
        reserved,
        _loaded(detectors, directory),
        lowest_score,
        lambda name, done, total: progress(f"{name}: {done} of {total} images"),
    )


def _loaded(detectors: Mapping[str, DetectorModel], directory: Path) -> Iterator[tuple[str, LoadedDetector]]:
    """The detectors, one after another in the same engine."""
    from proxy_trainer.inference.detector import LoadedDetector
    from proxy_trainer.inference.runnable import MODEL_DIRECTORY
    from proxy_trainer.training.detectors import load_engine

    engine = None
    for name, model in detectors.items():
        engine = load_engine(model, PROFILES["paper"], engine)
        yield name, LoadedDetector(directory, MODEL_DIRECTORY, model.specification, engine)
