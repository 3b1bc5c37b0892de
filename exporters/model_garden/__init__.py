"""Format `model-garden`: a package that trains the backbone in the TensorFlow Model Garden, without patching it."""

from exporters.model_garden.folder import write

__all__ = ["write"]
