"""Eff-SpineNet for the TensorFlow Model Garden: importing this package registers the backbone and its experiments."""

from eff_spinenet import backbone, experiments

__all__ = ["backbone", "experiments"]
