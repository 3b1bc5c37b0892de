"""Classifies exceptions of the training libraries as trial errors, which name the reaction that they need."""

from __future__ import annotations

import math
import re
import sys

from proxy_trainer.errors import OutOfMemoryError, TrialError
from search_space.proxy_task import ProxyTask

_SHAPE = re.compile(r"shape ?[\[(]([\d, ]+)[\])](?: and (?:data )?type (\w+))?")
_AMOUNT = re.compile(r"allocate (\d[\d.,]* ?(?:bytes|[KMGTPE]i?B))")
_BYTES_PER_VALUE = {"bool": 1, "uint8": 1, "half": 2, "bfloat16": 2, "int32": 4, "float": 4, "int64": 8, "double": 8}


def classify_error(error: Exception, task: ProxyTask) -> TrialError | None:
    """The trial error for an exception during the training of `task`, or None for an unknown kind."""
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


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    tensorflow = sys.modules.get("tensorflow")  # if it is not loaded, the error is not one of its own
    if tensorflow is None or not isinstance(error, tensorflow.errors.OpError):
        return False
    # Errors of CUDA and its libraries do not always have TensorFlow's code for exhausted memory.
    return isinstance(error, tensorflow.errors.ResourceExhaustedError) or bool(
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
