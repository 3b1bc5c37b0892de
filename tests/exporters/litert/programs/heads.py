"""Runs LiteRT files on images with the LiteRT interpreter alone.

heads.py FOLDER OUTPUTS INPUTS      INPUTS has `pixels`, float32; OUTPUTS gets NAME.npz for each NAME.tflite of FOLDER
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

assert importlib.util.find_spec("search_space") is None, "effspine can be imported"
assert importlib.util.find_spec("tensorflow") is None, "TensorFlow can be imported"
images = np.load(sys.argv[3])["pixels"]
for path in sorted(Path(sys.argv[1]).glob("*.tflite")):
    model = schema.Model.GetRootAs(path.read_bytes(), 0)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    operators = [names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())] for code in codes]
    graph = model.Subgraphs(0)
    types = [graph.Tensors(index).Type() for index in range(graph.TensorsLength())]
    run = Interpreter(str(path), num_threads=1).get_signature_runner()
    details = run.get_input_details()["pixels"]
    pixels = images if details["dtype"] == np.float32 else np.round(images).astype(details["dtype"])
    rows = [run(pixels=image[None]) for image in pixels]
    np.savez(
        Path(sys.argv[2]) / f"{path.stem}.npz",
        operators=operators,
        float_tensors=types.count(schema.TensorType.FLOAT32),
        dtype=details["dtype"].__name__,
        quantization=details["quantization"],
        **{name: np.concatenate([row[name] for row in rows]) for name in rows[0]},
    )
