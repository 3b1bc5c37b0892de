"""Measures how long the models of this folder take for one image on this machine.

    python latency.py [--threads 1] [--seconds 2] [--only FILE]

Prints a JSON document: `machine` has the processor, the number of processors that this process may use, and the
versions; `models` has for each model its `file`, what is run (`scope`: `network`, from pixels to raw predictions, or
`detections`, to boxes without duplicates), `runs`, and the `median_ms` and `quartiles_ms` of a run on one image of
noise, after a warm-up. Where the runtime is missing, `missing` names what to install instead. How long suppression
takes depends on the weights: on how many boxes have a score.

Needs numpy, and the runtime of the folder: onnxruntime, torch and safetensors, ai-edge-litert or tensorflow, keras.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent
WARM_UP_RUNS, FEWEST_RUNS, MOST_RUNS = 2, 5, 200
PACKAGES = ("onnxruntime", "torch", "ai-edge-litert", "keras", "tensorflow", "numpy")

Run = Callable[[], Any]


def onnx(path: Path, threads: int) -> Run:
    """One run of a graph."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    shape = [side if isinstance(side, int) else 1 for side in session.get_inputs()[0].shape]
    if session.get_inputs()[0].name == "images":
        inputs = {"images": np.random.default_rng(0).standard_normal(shape, np.float32)}
    else:
        inputs = {"pixels": noise(shape), "sizes": np.array([shape[1:3]], np.int32)}
    return lambda: session.run(None, inputs)


def pytorch(path: Path, threads: int) -> Run:
    """One run of the network in eager mode on the processors."""
    import safetensors.torch  # noqa: F401, so that it is named where it is missing
    import torch

    torch.set_num_threads(threads)
    sys.path.insert(0, str(path.parent))
    from retinanet import load

    model = load(path.parent)
    images = torch.randn(1, 3, model.input_px, model.input_px, generator=torch.Generator().manual_seed(0))

    def run() -> None:
        with torch.inference_mode():
            model.network(images)

    return run


def litert(path: Path, threads: int) -> Run:
    """One run of the interpreter."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tensorflow import lite

        Interpreter = lite.Interpreter  # noqa: N806, as LiteRT calls it
    interpreter = Interpreter(str(path), num_threads=threads)
    runner = interpreter.get_signature_runner()
    wanted = runner.get_input_details()["pixels"]
    pixels = noise(wanted["shape"]).astype(wanted["dtype"])
    return lambda: runner(pixels=pixels)


def keras(path: Path, threads: int) -> Run:
    """One run of the model, compiled by its backend."""
    set_tensorflow_threads(threads)
    import keras

    model = keras.saving.load_model(path, compile=False)
    pixels = noise((1, *model.input_shape[1:])).astype(np.float32)
    return lambda: model.predict_on_batch(pixels)


def savedmodel(path: Path, threads: int) -> Run:
    """One run of the signature `raw`."""
    set_tensorflow_threads(threads)
    import tensorflow as tf

    model = tf.saved_model.load(str(path.parent))  # `run` refers to it: its variables live as long as it does
    raw = model.signatures["raw"]
    side = raw.structured_input_signature[1]["pixels"].shape[1]
    inputs = {"pixels": tf.constant(noise((1, side, side, 3))), "sizes": tf.constant([[side, side]], tf.int32)}

    def run() -> None:
        for value in model.signatures["raw"](**inputs).values():
            value.numpy()

    return run


def set_tensorflow_threads(threads: int) -> None:
    """Limits the threads of TensorFlow, where it is installed; it must not have run before."""
    try:
        import tensorflow as tf
    except ImportError:
        return
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def noise(shape: Any) -> Any:
    """Pixels from 0 to 255."""
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


MODELS: dict[str, tuple[str, Callable[[Path, int], Run]]] = {
    "model.raw.onnx": ("network", onnx),
    "model.onnx": ("detections", onnx),
    "model.safetensors": ("network", pytorch),
    "model_float32.tflite": ("network", litert),
    "model_float16.tflite": ("network", litert),
    "model_int8.tflite": ("network", litert),
    "model.keras": ("network", keras),
    "1/saved_model.pb": ("network", savedmodel),
}
"""What is run of each file, and how it is loaded."""

INSTALLED: dict[Callable[[Path, int], Run], str] = {
    onnx: "onnxruntime",
    pytorch: "torch safetensors",
    litert: "ai-edge-litert",
    keras: "keras tensorflow",
}
"""What to install for a loader; TensorFlow for the other one."""


def measured(file: str, threads: int, seconds: float) -> dict[str, Any]:
    """The latency of one model, or what is missing for it."""
    scope, loader = MODELS[file]
    try:
        run = loader(FOLDER / file, threads)
    except ModuleNotFoundError:
        return {"file": file, "scope": scope, "missing": f"pip install {INSTALLED.get(loader, 'tensorflow')}"}
    for _ in range(WARM_UP_RUNS):
        run()
    times_ms: list[float] = []
    until = time.perf_counter() + seconds
    while len(times_ms) < FEWEST_RUNS or (time.perf_counter() < until and len(times_ms) < MOST_RUNS):
        started = time.perf_counter()
        run()
        times_ms.append((time.perf_counter() - started) * 1e3)
    low, _, high = statistics.quantiles(times_ms, n=4, method="inclusive")
    return {
        "file": file,
        "scope": scope,
        "runs": len(times_ms),
        "median_ms": round(statistics.median(times_ms), 3),
        "quartiles_ms": [round(low, 3), round(high, 3)],
    }


def machine(threads: int) -> dict[str, Any]:
    """What the figures depend on besides the model."""
    return {
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": threads,
        "versions": {"python": platform.python_version(), **installed_versions()},
    }


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def installed_versions() -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Reads the command line and prints the document."""
    parser = argparse.ArgumentParser(description="Measures the latency of the models of this folder.")
    parser.add_argument("--threads", type=int, default=1, help="processors to use (default: 1)")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for the runs of each model (default: 2)")
    parser.add_argument("--only", choices=sorted(MODELS), metavar="FILE", help="measure this model alone")
    options = parser.parse_args()
    files = [file for file in MODELS if (FOLDER / file).is_file() and options.only in (None, file)]
    if not files:
        sys.exit(f"there is no model to measure in {FOLDER}")
    models = [measured(file, options.threads, options.seconds) for file in files]
    print(json.dumps({"machine": machine(options.threads), "models": models}, indent=2))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # all on the processors, so that the formats compare
    main()
