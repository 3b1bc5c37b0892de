"""The folder of the format `keras`, and what it has in common with those of the formats made from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from exporters.export import Export
from exporters.keras.backend import keras
from exporters.keras.model import keras_detector
from exporters.model_card import README_FILE, model_card
from exporters.script_files import SCRIPTS, write_shared_scripts
from search_space.anchors import anchor_boxes
from search_space.detector_model import CONFIG_FILE, weights_section
from search_space.document import block_specification

MODEL_FILE = "model.keras"
ANCHORS_FILE = "anchors.npy"
SCRIPT_FILE = "predict.py"

DROPPED = (
    "Stochastic depth is part of a training, not of this model: add it for a long one.",
    "In further training, the running variance is that of Keras, which is not corrected for the size of the batch.",
    "Losses are not in the file; their constants are in `config.json`.",
)


def write(export: Export, directory: Path) -> None:
    """Writes the model, its anchors, the configuration, a script that runs it, and a README."""
    keras_detector(export.model).save(directory / MODEL_FILE)
    write_anchors(export, directory)
    write_surroundings(
        export, directory, MODEL_FILE, library="keras", usage=_usage(export), dropped=DROPPED, tags=["keras"]
    )


def write_anchors(export: Export, directory: Path) -> None:
    """Writes the anchors `[anchors, 4]`, in the order of the predictions."""
    anchors = anchor_boxes(export.architecture.input_px, export.model.specification.anchor_size)
    np.save(directory / ANCHORS_FILE, anchors)


def write_surroundings(
    export: Export,
    directory: Path,
    weights_file: str,
    *,
    library: str,
    usage: dict[str, str],
    dropped: Sequence[str],
    tags: Sequence[str],
) -> None:
    """Writes the configuration, which names the file that has the weights, the scripts and the README."""
    content = (directory / weights_file).read_bytes()
    weights = weights_section(content, export.model.origin, export.model.seed, weights_file)
    document = block_specification(replace(export.model.specification, weights=weights))
    configuration = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    card = model_card(export, library=library, title_commands=usage, dropped=dropped, tags=tags)
    (directory / CONFIG_FILE).write_text(configuration, encoding="utf-8")
    (directory / SCRIPT_FILE).write_bytes((SCRIPTS / SCRIPT_FILE).read_bytes())
    write_shared_scripts(directory)
    (directory / README_FILE).write_text(card, encoding="utf-8")


def _usage(export: Export) -> dict[str, str]:
    px, network = export.architecture.input_px, export.architecture
    return {
        "Use": f"""    pip install keras tensorflow numpy pillow
    python {SCRIPT_FILE} IMAGE... --out drawn --score 0.3

prints the boxes as JSON and draws them. In Python, the file loads without any other code:

    import keras
    model = keras.saving.load_model("{MODEL_FILE}")
    predictions = model(pixels)

It needs Keras {keras.__version__} or later. `pixels` `[batch, {px}, {px}, 3]` are RGB values from 0 to 255; the model
normalises them. An image is resized so that its long side is {px} and padded at the bottom and on the right with the
mean colour (see Preprocessing), which becomes zero. The predictions are

- `predictions["class_logits"]` `[batch, anchors, {network.class_slots}]`,
- `predictions["box_codes"]` `[batch, anchors, 4]`.

`{ANCHORS_FILE}` has the anchors (y1, x1, y2, x2) in the same order: level 3 to 7, row, column, scale, aspect
ratio. `{SCRIPT_FILE}` decodes the codes and suppresses duplicates.""",
        "Train further": f"""All layers are Keras's own and trainable:

    names = [f"endpoint{{level}}_bn_{network.operations.activation}" for level in range(3, 8)]
    features = [model.get_layer(name).output for name in names]     # P3 to P7
    backbone = keras.Model(model.input, features)

The weights of a fusion (Equation 1 of the paper) are the kernel of a Dense layer on a constant one, named
`block4_fusion` and so on. Match anchors with boxes, encode the boxes, and take the focal and the Huber loss with the
constants in `config.json`, section `detector`.""",
    }
