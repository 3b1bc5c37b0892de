"""`effspine bench latency`: how long one run of an exported detector takes on this machine.

effspine bench latency Eff-SpineNet-D0                     the network of a published model
effspine bench latency best/trial.json                     that of a block specification
effspine bench latency model/ --graph detections           a trained detector, from pixels to boxes
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from search_space.errors import InvalidValueError
from search_space.terminal import print_json, print_text

app = typer.Typer(add_completion=False)

FORMATS = ("onnx",)


@app.command()
def latency(
    spec: Annotated[
        str,
        typer.Argument(
            help="A published model, 18 widths, a block specification, or a directory of a detector or an ONNX export."
        ),
    ],
    format_: Annotated[str, typer.Option("--format", help="The export that is measured: onnx.")] = "onnx",
    graph: Annotated[
        str, typer.Option(help="raw: the network; detections: from pixels to boxes, which depends on the weights.")
    ] = "raw",
    batch: Annotated[int, typer.Option(min=1, help="Images in a run.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0 is all of them.")] = 1,
    runs: Annotated[int, typer.Option(min=3, help="Runs after the warm-up.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the latency of a detector as it is exported."""
    if format_ not in FORMATS:
        raise InvalidValueError(f"format is {format_!r}; it must be {' or '.join(FORMATS)}", field="format")
    from exporters.benchmarks.latency import GRAPHS, onnx_latency, read_graph

    if graph not in GRAPHS:
        raise InvalidValueError(f"graph is {graph!r}; it must be {' or '.join(GRAPHS)}", field="graph")
    found = onnx_latency(read_graph(spec, graph), batch=batch, threads=threads, runs=runs)
    if as_json:
        print_json({"format": format_, "graph": graph, **asdict(found)})
        return
    low, high = found.quartiles_ms
    versions = ", ".join(f"{name} {number}" for name, number in found.versions.items())
    facts = {
        "median": f"{found.median_ms:.2f} ms for {batch} image{'s' if batch > 1 else ''}",
        "quartiles": f"{low:.2f} and {high:.2f} ms over {found.runs} runs",
        "graph": f"{graph}, {found.graph_bytes / 1e6:.1f} MB, {found.weights} weights",
        "network": f"{found.architecture} at {found.input_px} px",
        "machine": f"{found.processor}, {found.threads} thread{'s' if found.threads > 1 else ''}",
        "versions": versions,
    }
    for name, value in facts.items():
        print_text(f"{name:<11}{value}")
