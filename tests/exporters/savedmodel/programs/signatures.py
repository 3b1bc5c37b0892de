"""Runs both signatures of a SavedModel with TensorFlow alone.

signatures.py MODEL INPUTS OUTPUTS      INPUTS has `pixels` and `sizes`; OUTPUTS gets what the signatures return
"""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf

assert sys.modules["search_space"] is None
inputs = dict(np.load(sys.argv[2]))
model = tf.saved_model.load(sys.argv[1])
found = {
    f"{name}/{output}": values.numpy()
    for name in ("serving_default", "raw")
    for output, values in model.signatures[name](**inputs).items()
}
np.savez(sys.argv[3], **found)
