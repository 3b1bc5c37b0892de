"""The training engine: one TensorFlow graph for all architectures of one structure."""

from proxy_trainer.engine import runtime as runtime  # before any other import of TensorFlow: skips Keras
