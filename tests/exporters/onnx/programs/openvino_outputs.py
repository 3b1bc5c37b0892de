"""Runs a graph in OpenVINO: `openvino_outputs.py MODEL INPUTS.npz OUTPUTS.npz`. Needs openvino and numpy."""

import sys

import numpy as np
import openvino


def main() -> None:
    model, inputs, outputs = sys.argv[1:]
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled(dict(np.load(inputs)))
    np.savez(
        outputs, **{name: found[each] for each in compiled.outputs for name in each.get_names() if "/" not in name}
    )


main()
