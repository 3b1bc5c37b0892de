"""A detector from a directory: a model directory, or an export in its own runtime.

An adapter is chosen by a file in the directory, and gives a `Detects`. Each directory has `config.json`, the block
specification.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from proxy_trainer.detection_batch import Detects
from proxy_trainer.inference.runnable import MODEL_DIRECTORY
from proxy_trainer.native_output import suppress_native_output
from search_space.detector_model import CONFIG_FILE, WEIGHTS_FILE
from search_space.document import BlockSpecification, load_block_specification
from search_space.errors import InvalidValueError
from search_space.task_model import TaskModel


@dataclass(frozen=True, eq=False)
class LoadedDetector:
    """A detector that is ready to run.

    `path` is a directory or a file; `format` is the name of its adapter; `specification` has its input size, classes
    and provenance.
    """

    path: Path
    format: str
    specification: BlockSpecification | TaskModel
    detects: Detects

    @property
    def image_px(self) -> int:
        """The side of the padded input image."""
        return self.specification.architecture.input_px

    def class_name(self, slot: int) -> str | None:
        """The name of a class slot; None where the specification does not name its classes."""
        classes = self.specification.classes
        return None if classes is None else str(classes[slot]["name"])


class Adapter(NamedTuple):
    """How directories with the file `marker` are run: `load(directory, threads)`."""

    format: str
    marker: str
    load: Callable[[Path, int], Detects]


def _model_directory(directory: Path, threads: int) -> Detects:
    with suppress_native_output():
        from proxy_trainer.inference.engine_detector import load

        return load(directory, threads)


def _onnx(directory: Path, threads: int) -> Detects:
    from proxy_trainer.inference.onnx_detector import load

    return load(directory, threads)


def _pytorch(directory: Path, threads: int) -> Detects:
    from proxy_trainer.inference.pytorch_detector import load

    return load(directory, threads)


def _savedmodel(directory: Path, threads: int) -> Detects:
    with suppress_native_output():
        from proxy_trainer.inference.savedmodel_detector import load

        return load(directory, threads)


def _by_script(file: str, directory: Path, threads: int) -> Detects:
    with suppress_native_output():
        from proxy_trainer.inference.script_detector import load

        return load(directory / file, threads)


_LITERT, _KERAS = "model_float32.tflite", "model.keras"

ADAPTERS = (
    Adapter("onnx", "model.onnx", _onnx),
    Adapter("pytorch", "retinanet.py", _pytorch),
    Adapter("savedmodel", "1/saved_model.pb", _savedmodel),
    Adapter("litert", _LITERT, partial(_by_script, _LITERT)),
    Adapter("keras", _KERAS, partial(_by_script, _KERAS)),
    Adapter(MODEL_DIRECTORY, WEIGHTS_FILE, _model_directory),
)
"""In the order in which they are tried."""


def load_any_detector(path: Path, threads: int) -> LoadedDetector:
    """The detector in a directory, or in a `.tflite` file of an export; `threads` is the number of processors to use.

    Raises InvalidValueError where there is none, where it is damaged, or where its runtime is not installed.
    """
    path = path.expanduser()
    if path.is_file() and path.suffix == ".tflite":
        specification = load_block_specification(path.parent / CONFIG_FILE)
        return LoadedDetector(path, "litert", specification, _by_script(path.name, path.parent, threads))
    if path.is_file() and path.suffix == ".zip":
        raise InvalidValueError(
            f"{path} is an archive; unpack it first, and name the folder in it: python -m zipfile -e "
            f"{shlex.quote(str(path))} {shlex.quote(str(path.parent))}",
            field="model",
        )
    directory = path
    adapter = next((each for each in ADAPTERS if (directory / each.marker).is_file()), None)
    if adapter is None or not (directory / CONFIG_FILE).is_file():
        hint = f"; did you mean {directory / 'best'}" if (directory / "best" / CONFIG_FILE).is_file() else ""
        files = ", ".join(each.marker for each in ADAPTERS)
        raise InvalidValueError(
            f"{directory} is not a model directory or an export, which have {CONFIG_FILE} and one of {files}{hint}",
            field="model",
        )
    specification = load_block_specification(directory / CONFIG_FILE)
    return LoadedDetector(directory, adapter.format, specification, adapter.load(directory, threads))
