"""How TensorFlow runs in this process: kernels whose results are the same bits on every run."""

from __future__ import annotations

import tensorflow as tf

_SEED = 0


def make_deterministic() -> None:
    """Ask for deterministic kernels; idempotent.

    Two runs of one trial then give the same weights, and so a campaign the same sequence of architectures. Nothing
    in the engine draws from TensorFlow's global generator, but deterministic mode wants its seed set.
    """
    tf.random.set_seed(_SEED)
    tf.config.experimental.enable_op_determinism()
