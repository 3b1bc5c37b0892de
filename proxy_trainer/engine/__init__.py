"""The training engine: one TensorFlow graph for all architectures of a search space."""

from proxy_trainer.engine import runtime as runtime  # before any other import of TensorFlow: it leaves Keras out
