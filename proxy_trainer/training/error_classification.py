"""Classifies exceptions of the training libraries as trial errors, which name the reaction that they need."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

from proxy_trainer.data.file_errors import is_away
from proxy_trainer.errors import (
    DataAwayError,
    DiskFullError,
    OutOfMemoryError,
    TrialError,
    is_disk_full,
    why_not_written,
)
from search_space.proxy_task import ProxyTask

_SHAPE = re.compile(r"shape ?[\[(]([\d, ]+)[\])](?: and (?:data )?type (\w+))?")
_AMOUNT = re.compile(r"allocate (\d[\d.,]* ?(?:bytes|[KMGTPE]i?B))")
_NO_SPACE = re.compile("no space left on device|disk quota exceeded", re.IGNORECASE)
_BYTES_PER_VALUE = {"bool": 1, "uint8": 1, "half": 2, "bfloat16": 2, "int32": 4, "float": 4, "int64": 8, "double": 8}


def classify_error(error: Exception, task: ProxyTask, dataset_dir: Path | None = None) -> TrialError | None:
    """The trial error for an exception during the training of `task`, or None for an unknown kind.

    `dataset_dir` is the data set's directory, by whose path its files are told from others.
    """
    if isinstance(error, OSError) and is_disk_full(error):
        return DiskFullError(f"cannot write {error.filename or 'a file'}: {why_not_written(error)}")
    if _is_of_tensorflow(error) and (found := _NO_SPACE.search(str(error))):
        return DiskFullError(f"cannot write a file: {found[0].lower()}")
    if isinstance(error, OSError) and _is_data_away(error, dataset_dir):
        return DataAwayError(f"the data set is away: cannot read {error.filename}: {error.strerror}")
    if _is_out_of_memory(error):
        return OutOfMemoryError(_size(str(error)), memory_settings(task))
    return None


def memory_settings(task: ProxyTask) -> str:
    """The settings that reduce the memory of a training, with their current values, for a message."""
    micro_batch_size = task.micro_batch_size or task.batch_size
    return (
        f"proxy_task.micro_batch_size (now {micro_batch_size}), proxy_task.batch_size ({task.batch_size}), "
        f"proxy_task.image_px ({task.image_px}), proxy_task.width_multiplier ({task.width_multiplier:g}) or parallelism"
    )


def _is_data_away(error: OSError, dataset_dir: Path | None) -> bool:
    if dataset_dir is None or not isinstance(error.filename, str):
        return False
    return Path(error.filename).is_relative_to(dataset_dir) and is_away(error)


def _is_of_tensorflow(error: Exception) -> bool:
    tensorflow = sys.modules.get("tensorflow")  # if it is not loaded, the error is not one of its own
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    if not _is_of_tensorflow(error):
        return False
    # Errors of CUDA and its libraries do not always have TensorFlow's code for exhausted memory.
    return isinstance(error, sys.modules["tensorflow"].errors.ResourceExhaustedError) or bool(
        re.search(r"out[ _]of[ _]memory", str(error), re.IGNORECASE)
    )


def _size(message: str) -> str | None:
    """What could not be allocated, from a message of TensorFlow, XLA or NumPy; None where it does not say."""
    amount, shape = _AMOUNT.search(message), _SHAPE.search(message)
    if shape is None:
        return None if amount is None else amount[1]
    sides = [int(side) for side in re.findall(r"\d+", shape[1])]
    size = f"an array of shape {sides}" if shape[2] is None else f"an array of shape {sides} of {shape[2]}"
    if amount is not None:
        return f"{size}, {amount[1]}"
    if shape[2] in _BYTES_PER_VALUE:
        return f"{size}, {math.prod(sides) * _BYTES_PER_VALUE[shape[2]] / 2**20:,.1f} MiB"
    return size
