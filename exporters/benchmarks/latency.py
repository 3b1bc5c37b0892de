"""The latency of an exported ONNX graph in onnxruntime on the processors of this machine."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime

from exporters.export import Export
from exporters.onnx.files import content_of, graph_of
from exporters.onnx.readme import DETECTOR_FILE, RAW_FILE
from search_space.architecture import Architecture
from search_space.detector_model import initial_model, load_detector
from search_space.document import BlockSpecification, load_block_specification

Graph = Literal["raw", "detections"]
"""What is measured: the network, or everything from pixels to detections. How long suppression takes depends on the
weights: on how many boxes have a score. With initial weights, all have one."""

GRAPHS: dict[Graph, str] = {"raw": RAW_FILE, "detections": DETECTOR_FILE}
"""The file of each graph in an export."""

DEFAULT_RUNS = 50
WARM_UP_RUNS = 5
_SEED = 0


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one run over a batch of `batch` images: the median and the quartiles over `runs` runs."""

    architecture: str
    weights: str
    input_px: int
    batch: int
    threads: int
    runs: int
    median_ms: float
    quartiles_ms: tuple[float, float]
    graph_bytes: int
    processor: str
    versions: dict[str, str]


def onnx_latency_ms(architecture: Architecture, *, batch: int = 1, threads: int = 1, runs: int = DEFAULT_RUNS) -> float:
    """The median latency of the network of an architecture, which its weights do not change, in milliseconds.

    `threads` as in `onnx_latency`.
    """
    content = _content(Export(BlockSpecification(architecture, {})), "raw")
    return onnx_latency(content, batch=batch, threads=threads, runs=runs).median_ms


def onnx_latency(content: bytes, *, batch: int = 1, threads: int = 1, runs: int = DEFAULT_RUNS) -> Latency:
    """The latency of a graph of format `onnx` on noise, after a warm-up.

    onnxruntime shares each operator between `threads` threads, where 0 means one for each processor that this process
    may use. Where other processes use the processors too, more than one thread is slower: they wait for each other.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads = threads or len(os.sched_getaffinity(0))
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    metadata = {key: json.loads(text) for key, text in session.get_modelmeta().custom_metadata_map.items()}
    inputs = _inputs(session, batch, metadata["config"]["input_px"])
    seconds = []
    for _ in range(WARM_UP_RUNS + runs):
        started = time.perf_counter()
        session.run(None, inputs)
        seconds.append(time.perf_counter() - started)
    low, median, high = (float(each) for each in np.percentile(seconds[WARM_UP_RUNS:], (25, 50, 75)) * 1e3)
    return Latency(
        architecture=metadata["config"]["name"],
        weights=metadata["weights"]["origin"],
        input_px=metadata["config"]["input_px"],
        batch=batch,
        threads=threads,
        runs=runs,
        median_ms=median,
        quartiles_ms=(low, high),
        graph_bytes=len(content),
        processor=_processor(),
        versions={name: version(name) for name in ("effspine", "onnx", "onnxruntime")},
    )


def read_graph(path: Path, graph: Graph) -> bytes:
    """The content of a graph: that of an export, or one that is made of a block specification or a detector.

    `path` is a directory with an export of this format, a directory with a detector, or the file of a block
    specification. Raises InvalidValueError where it is none of them.
    """
    exported = path / GRAPHS[graph]
    if exported.is_file():
        return exported.read_bytes()
    model = load_detector(path) if path.is_dir() else initial_model(load_block_specification(path))
    return _content(Export(model.specification, trained=model), graph)


def _content(export: Export, graph: Graph) -> bytes:
    return content_of(graph_of(export, GRAPHS[graph]))


def _inputs(session: onnxruntime.InferenceSession, batch: int, px: int) -> dict[str, npt.NDArray[Any]]:
    """Noise for the inputs of either graph."""
    noise = np.random.default_rng(_SEED)
    if session.get_inputs()[0].name == "images":
        return {"images": noise.standard_normal((batch, 3, px, px), dtype=np.float32)}
    pixels = noise.integers(0, 256, (batch, px, px, 3), dtype=np.uint8)
    return {"pixels": pixels, "sizes": np.full((batch, 2), px, np.int32)}


def _processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
