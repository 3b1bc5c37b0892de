"""How TensorFlow runs in this process: its threads, and kernels whose results are the same bits on every run."""

from __future__ import annotations

import tensorflow as tf

_SEED = 0


def start(threads: int, *, threads_an_operation: int = 1) -> None:
    """Set up TensorFlow for training with so many threads; calling it again with the same numbers does nothing.

    Every thread runs operations of its own: the graph has many small ones that do not depend on each other, and to
    share one between threads costs more than it saves (`make bench` measures both). Kernels are deterministic, so
    that two runs of one trial give the same weights, and a campaign the same sequence of architectures. Nothing here
    draws from TensorFlow's global generator, but deterministic mode wants its seed set. Raises RuntimeError where
    TensorFlow already runs with other numbers of threads.
    """
    threading = tf.config.threading
    now = (threading.get_inter_op_parallelism_threads(), threading.get_intra_op_parallelism_threads())
    if now == (threads, threads_an_operation):
        return
    threading.set_inter_op_parallelism_threads(threads)
    threading.set_intra_op_parallelism_threads(threads_an_operation)
    tf.random.set_seed(_SEED)
    tf.config.experimental.enable_op_determinism()
