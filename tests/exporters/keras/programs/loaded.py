"""Loads a Keras file with Keras alone, runs it, and trains it.

loaded.py MODEL INPUTS OUTPUTS      INPUTS has `pixels`; OUTPUTS gets what the model computes
"""

from __future__ import annotations

import sys

import keras
import numpy as np
import tensorflow as tf

assert sys.modules["search_space"] is None
model = keras.saving.load_model(sys.argv[1])
pixels = np.load(sys.argv[2])["pixels"]
found = {"params": np.array(sum(int(np.prod(each.shape)) for each in model.trainable_variables))}
for mode in ("inference", "training"):
    predictions = model(pixels, training=mode == "training")
    found |= {f"{mode}/{name}": values.numpy() for name, values in predictions.items()}
for layer in model.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        found[f"mean/{layer.name}"] = layer.moving_mean.numpy()
        found[f"variance/{layer.name}"] = layer.moving_variance.numpy()

backbone = keras.Model(model.input, [model.get_layer(f"endpoint{level}_bn_swish").output for level in range(3, 8)])
found["features"] = np.array([each.shape[1:] for each in backbone.outputs])

targets = {name: np.zeros(values.shape, np.float32) for name, values in predictions.items()}
optimizer, losses = keras.optimizers.SGD(1e-3), []
for _ in range(2):
    with tf.GradientTape() as tape:
        predictions = model(pixels, training=True)
        loss = sum(tf.reduce_mean((predictions[name] - targets[name]) ** 2) for name in targets)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    losses.append(float(loss))
found["losses"] = np.array(losses)
fusions = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
slopes = {id(each): gradient for each, gradient in zip(model.trainable_variables, gradients, strict=True)}
found["fusion_slopes"] = np.array([float(tf.reduce_max(tf.abs(slopes[id(each.kernel)]))) for each in fusions])
if "--fit" in sys.argv:
    model.compile(keras.optimizers.SGD(1e-3), loss=dict.fromkeys(targets, "mse"))
    history = model.fit(pixels, targets, batch_size=len(pixels), epochs=4, verbose=0)
    found["fit_losses"] = np.array(history.history["loss"])
np.savez(sys.argv[3], **found)
