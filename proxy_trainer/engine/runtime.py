"""Imports TensorFlow without Keras, and sets its threads and deterministic kernels for this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["default_graph_passes", "start", "tf"]
"""Modules that are imported before the others import TensorFlow take it from here."""

_LEGACY_KERAS = "TF_USE_LEGACY_KERAS"


@contextmanager
def _without_keras() -> Iterator[None]:
    """Makes `import tensorflow` skip Keras, which takes half of the import time and which the engine does not use.

    By default TensorFlow imports Keras 3, which imports plotting and table libraries where they are installed. With
    `TF_USE_LEGACY_KERAS` it looks for Keras 2 instead, which is not installed. `tf.keras` is still Keras 3, imported at
    its first use.
    """
    before = os.environ.get(_LEGACY_KERAS)
    os.environ[_LEGACY_KERAS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_LEGACY_KERAS]
        else:
            os.environ[_LEGACY_KERAS] = before


with _without_keras():
    import tensorflow as tf

_SEED = 0


def start(threads: int, *, intra_op_threads: int = 1) -> None:
    """Configures TensorFlow to run `threads` operations at once; a second call with the same numbers does nothing.

    By default each operation runs on one thread: the graph has many small independent operations, and sharing one
    between threads costs more than it saves (`make bench` measures both). Kernels are deterministic, so that two runs
    of a trial give the same weights, and a campaign the same sequence of architectures. Deterministic mode requires a
    global seed, although the engine does not use TensorFlow's global generator. Graph optimiser passes that do not
    change the engine's graphs are disabled. Raises RuntimeError where TensorFlow already runs with other numbers of
    threads.
    """
    threading = tf.config.threading
    current = (threading.get_inter_op_parallelism_threads(), threading.get_intra_op_parallelism_threads())
    if current == (threads, intra_op_threads):
        return
    threading.set_inter_op_parallelism_threads(threads)
    threading.set_intra_op_parallelism_threads(intra_op_threads)
    tf.random.set_seed(_SEED)
    tf.config.experimental.enable_op_determinism()
    _set_optional_passes(enabled=False)


@contextmanager
def default_graph_passes() -> Iterator[None]:
    """Optimises graphs that run in the block with TensorFlow's default passes, for comparisons with the engine."""
    _set_optional_passes(enabled=True)
    try:
        yield
    finally:
        _set_optional_passes(enabled=False)


def _set_optional_passes(*, enabled: bool) -> None:
    """Enables or disables graph optimiser passes that do not change the engine's graphs.

    They take a tenth of the optimiser's time. The layout optimiser changes the memory layout of convolutions on GPUs.
    """
    passes = ["arithmetic_optimization"]
    if not tf.config.list_physical_devices("GPU"):
        passes.append("layout_optimizer")
    tf.config.optimizer.set_experimental_options(dict.fromkeys(passes, enabled))
