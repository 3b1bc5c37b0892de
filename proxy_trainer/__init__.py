"""Trains and scores one architecture: data sets, the training engine, and COCO evaluation."""

import os

# TensorFlow reads this once, when it is imported, so it is set before any module of this package imports it. By default
# TensorFlow uses oneDNN on processors with AVX-512 only, but oneDNN is faster on those with AVX2 too, since the other
# kernels of TensorFlow's packages are compiled for AVX.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
