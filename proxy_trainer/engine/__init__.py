"""The training engine: one TensorFlow graph for all architectures of a search space."""
