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
from search_space.document import BlockSpecification
from search_space.named_architecture import named_architecture

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


class TimedGraph:
    """A graph of format `onnx` in onnxruntime, which runs on noise; its `metadata` as JSON values.

    onnxruntime shares each operator between `threads` threads, where 0 means one for each processor that this process
    may use. Where other processes use the processors too, more than one thread is slower: they wait for each other.
    """

    def __init__(self, content: bytes, *, batch: int = 1, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads = threads or len(os.sched_getaffinity(0))
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.metadata: dict[str, Any] = {key: json.loads(text) for key, text in metadata.items()}
        self._inputs = _inputs(self._session, batch, self.metadata["config"]["input_px"])

    def run_ms(self) -> float:
        """The milliseconds of one run."""
        started = time.perf_counter()
        self._session.run(None, self._inputs)
        return (time.perf_counter() - started) * 1e3


def network_graph(architecture: Architecture, *, batch: int = 1, threads: int = 1) -> TimedGraph:
    """The network of an architecture, at its input size and with initial weights, which do not change its latency."""
    return TimedGraph(_content(Export(BlockSpecification(architecture, {})), "raw"), batch=batch, threads=threads)


def onnx_latency(content: bytes, *, batch: int = 1, threads: int = 1, runs: int = DEFAULT_RUNS) -> Latency:
    """The latency of a graph of format `onnx`, after a warm-up; `threads` as in `TimedGraph`."""
    graph = TimedGraph(content, batch=batch, threads=threads)
    times_ms = [graph.run_ms() for _ in range(WARM_UP_RUNS + runs)][WARM_UP_RUNS:]
    low, median, high = (float(each) for each in np.percentile(times_ms, (25, 50, 75)))
    config = graph.metadata["config"]
    return Latency(
        architecture=config["name"],
        weights=graph.metadata["weights"]["origin"],
        input_px=config["input_px"],
        batch=batch,
        threads=graph.threads,
        runs=runs,
        median_ms=median,
        quartiles_ms=(low, high),
        graph_bytes=len(content),
        processor=_processor(),
        versions={name: version(name) for name in ("effspine", "onnx", "onnxruntime")},
    )


def read_graph(text: str, graph: Graph) -> bytes:
    """The content of a graph: that of an export, or one that is made of an architecture or a detector.

    `text` is a directory with an export of this format, a directory with a detector, or names an architecture
    (`search_space.named_architecture`). Raises InvalidValueError where it is none of them.
    """
    path = Path(text).expanduser()
    exported = path / GRAPHS[graph]
    if exported.is_file():
        return exported.read_bytes()
    model = load_detector(path) if path.is_dir() else initial_model(named_architecture(text))
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
