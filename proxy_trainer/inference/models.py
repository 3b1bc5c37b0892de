"""The model at a path, of any task and format, ready for `effspine evaluate` and `effspine predict`."""

from __future__ import annotations

from pathlib import Path

from proxy_trainer.inference.runnable import MODEL_DIRECTORY, Runnable
from proxy_trainer.native_output import suppress_native_output
from search_space.errors import InvalidValueError
from search_space.run_files import run_model
from search_space.task_model import TaskModel, is_task_model, load_task_model


def load_runnable(path: Path, threads: int) -> Runnable:
    """The model in a directory: a model directory, an export, or the run of a training, whose best or last one it is.

    Raises InvalidValueError where there is none, where it is damaged, or where its runtime is not installed.
    """
    path = path.expanduser()
    if not path.exists():
        raise InvalidValueError(f"there is no {path}; name a model directory, an export or a run", field="model")
    path = run_model(path) or path
    if not is_task_model(path):
        from proxy_trainer.inference.detection_model import DetectionModel
        from proxy_trainer.inference.detector import load_any_detector

        return DetectionModel(load_any_detector(path, threads), threads)
    model = load_task_model(path)
    with suppress_native_output():
        return _of_task(path, model, threads)


def _of_task(path: Path, model: TaskModel, threads: int) -> Runnable:
    from proxy_trainer.engine import runtime

    runtime.start(threads)
    if model.network.task == "classification":
        from proxy_trainer.inference.classification_model import ClassificationModel

        return ClassificationModel(path, model, threads)
    if model.network.task == "semantic-segmentation":
        from proxy_trainer.inference.segmentation_model import SegmentationModel

        return SegmentationModel(path, model, threads)
    if model.anchor_size is None:
        raise InvalidValueError(f"{path}: preprocessing has no anchor_size, which {model.network.task} needs")
    if model.network.task == "instance-segmentation":
        from proxy_trainer.inference.mask_model import MaskModel

        return MaskModel(path, model, model.anchor_size, threads)
    from proxy_trainer.inference.detection_model import DetectionModel
    from proxy_trainer.inference.detector import LoadedDetector
    from proxy_trainer.tasks.fixed_detector import FixedDetector
    from proxy_trainer.tasks.inference_ops import loaded_ops

    detects = FixedDetector(model.network, model.anchor_size, loaded_ops(model.tensors))
    return DetectionModel(LoadedDetector(path, MODEL_DIRECTORY, model, detects), threads)
