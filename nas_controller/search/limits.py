"""Limits of fields that several parts of the campaign document have."""

from __future__ import annotations

MAX_TRIALS = 100_000
MAX_PARALLELISM = 1_024
MAX_PROCESSORS = 1_024
"""Of one trial or training."""
MAX_SECONDS = 10 * 366 * 86_400
MAX_SEED = 2**31 - 1
"""The seeds of TensorFlow's stateless random numbers are 32-bit integers."""
