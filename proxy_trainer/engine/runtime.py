"""How TensorFlow runs in this process: its threads, and kernels whose results are the same bits on every run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_LEGACY_KERAS = "TF_USE_LEGACY_KERAS"


@contextmanager
def _without_keras() -> Iterator[None]:
    """Lets `import tensorflow` leave Keras out, which is half of its time and which the engine does not use.

    TensorFlow loads Keras 3, and with it whatever plots and tables there are to import, unless it is told to look for
    the Keras before, which is not installed. `tf.keras` still is Keras 3, and loaded where it is first used.
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


def start(threads: int, *, threads_an_operation: int = 1) -> None:
    """Set up TensorFlow for training with so many threads; calling it again with the same numbers does nothing.

    Every thread runs operations of its own: the graph has many small ones that do not depend on each other, and to
    share one between threads costs more than it saves (`make bench` measures both). Kernels are deterministic, so
    that two runs of one trial give the same weights, and a campaign the same sequence of architectures. Nothing here
    draws from TensorFlow's global generator, but deterministic mode wants its seed set. Passes over a graph that bring
    the engine's nothing are left out. Raises RuntimeError where TensorFlow already runs with other numbers of threads.
    """
    threading = tf.config.threading
    now = (threading.get_inter_op_parallelism_threads(), threading.get_intra_op_parallelism_threads())
    if now == (threads, threads_an_operation):
        return
    threading.set_inter_op_parallelism_threads(threads)
    threading.set_intra_op_parallelism_threads(threads_an_operation)
    tf.random.set_seed(_SEED)
    tf.config.experimental.enable_op_determinism()
    _look_for_everything(False)


@contextmanager
def all_passes() -> Iterator[None]:
    """Graphs that run meanwhile are optimised as TensorFlow comes, for what is compared with the engine."""
    _look_for_everything(True)
    try:
        yield
    finally:
        _look_for_everything(False)


def _look_for_everything(everything: bool) -> None:
    """Switch passes of the graph optimiser that find nothing in the engine's graphs, and take a tenth of its time.

    The order of memory that one of them chooses for convolutions is for GPUs.
    """
    passes = ["arithmetic_optimization"]
    if not tf.config.list_physical_devices("GPU"):
        passes.append("layout_optimizer")
    tf.config.optimizer.set_experimental_options(dict.fromkeys(passes, everything))
