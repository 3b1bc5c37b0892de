"""Classification of errors of training libraries; the errors of TensorFlow and NumPy are real ones."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.errors import DataAwayError, DiskFullError, OutOfMemoryError
from proxy_trainer.training.error_classification import classify_error
from search_space.proxy_task import resolve

TASK = resolve("laptop", image_px=128, width_multiplier=0.3, batch_size=48, micro_batch_size=12)


def failing(call: Callable[[], object]) -> Exception:
    """The exception of a call."""
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError("no exception")


def in_a_graph() -> object:
    """Allocates more memory than any machine has; not a constant, because constant folding would take long."""
    return tf.function(lambda rows: tf.fill([rows, 2**28], 1.0))(tf.constant(2**30))


@pytest.mark.parametrize(
    ("call", "size"),
    [
        (in_a_graph, "an array of shape [1073741824, 268435456] of float, 1,099,511,627,776.0 MiB"),
        (lambda: np.zeros((2**30, 2**28)), "an array of shape [1073741824, 268435456] of float64, 2.00 EiB"),
        (lambda: bytearray(2**62), None),
    ],
    ids=["graph", "numpy", "python"],
)
def test_an_out_of_memory_error_has_the_size_and_what_to_lower(call: Callable[[], object], size: str | None) -> None:
    error = classify_error(failing(call), TASK)
    assert isinstance(error, OutOfMemoryError)
    assert error.size == size
    assert str(error).endswith(
        "lower proxy_task.micro_batch_size (now 12), proxy_task.batch_size (48), proxy_task.image_px (128), "
        "proxy_task.width_multiplier (0.3) or parallelism"
    )


@pytest.mark.parametrize(
    ("message", "size"),
    [
        ("Out of memory while trying to allocate 1073741824 bytes.", "1073741824 bytes"),
        ("OOM when allocating tensor with shape[8,64,32,32] and type half on GPU:0", "an array of shape "
         "[8, 64, 32, 32] of half, 1.0 MiB"),
        ("OOM when allocating tensor with shape[8] and type complex", "an array of shape [8] of complex"),
        ("SyncOnDone : RESOURCE_EXHAUSTED", None),
    ],
)  # fmt: skip
def test_the_size_in_messages_of_gpus_is_parsed(message: str, size: str | None) -> None:
    error = classify_error(tf.errors.ResourceExhaustedError(None, None, message), TASK)
    assert isinstance(error, OutOfMemoryError)
    assert error.size == size


def test_other_error_codes_are_classified_by_their_message() -> None:
    error = tf.errors.InternalError(None, None, "failed call: CUDA_ERROR_OUT_OF_MEMORY: out of memory")
    assert isinstance(classify_error(error, TASK), OutOfMemoryError)
    assert classify_error(tf.errors.InternalError(None, None, "cuDNN is not there"), TASK) is None
    assert classify_error(ValueError("out of memory, says a person"), TASK) is None


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/cache/file"),
            "cannot write /cache/file: no space left on the disk",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "cannot write a file: the disk quota is used up"),
        (
            tf.errors.ResourceExhaustedError(None, None, "/tmp/x; No space left on device"),
            "cannot write a file: no space left on device",
        ),
        (tf.errors.UnknownError(None, None, "Disk quota exceeded"), "cannot write a file: disk quota exceeded"),
    ],
)
def test_a_full_disk_is_no_lack_of_memory_and_is_waited_for(error: Exception, message: str) -> None:
    found = classify_error(error, TASK)
    assert isinstance(found, DiskFullError)
    assert found.reaction == "wait"
    assert str(found) == message


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EIO, errno.ESTALE])
def test_files_of_the_data_set_that_cannot_be_reached_are_waited_for_and_others_not(number: int) -> None:
    error = OSError(number, os.strerror(number), "/data/cars/train/1.jpg")
    found = classify_error(error, TASK, Path("/data/cars"))
    assert isinstance(found, DataAwayError)
    assert found.reaction == "wait"
    assert str(found) == f"the data set is away: cannot read /data/cars/train/1.jpg: {os.strerror(number)}"
    assert classify_error(error, TASK, Path("/data/car")) is None
    assert classify_error(error, TASK) is None
    assert classify_error(PermissionError(errno.EACCES, "", "/data/cars/1.jpg"), TASK, Path("/data/cars")) is None
