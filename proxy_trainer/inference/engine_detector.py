"""A model directory in the engine that trained it."""

from __future__ import annotations

from pathlib import Path

from proxy_trainer.detection_batch import Detects
from proxy_trainer.engine import runtime
from proxy_trainer.training.detectors import load_engine
from search_space.detector_model import load_detector
from search_space.proxy_task import PROFILES


def load(directory: Path, threads: int) -> Detects:
    """The detector in an engine, in float32. Raises InvalidValueError for a damaged directory."""
    model = load_detector(directory)
    runtime.start(threads)
    return load_engine(model, PROFILES["paper"])
