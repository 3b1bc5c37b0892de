"""Imports Keras 3 as models are built here, whatever the user's Keras configuration says."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras as _keras

keras: Any = _keras
keras.config.set_image_data_format("channels_last")
keras.config.set_floatx("float32")
