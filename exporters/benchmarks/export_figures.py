"""The size and the latency of the models in the folder of an export, each in its own runtime on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters.model_card import README_FILE, table, with_section
from exporters.script_files import LATENCY_SCRIPT
from search_space.errors import InvalidValueError

TIMEOUT_S = 120.0
"""After which the measurement of one folder is given up."""

MODELS = ("*.onnx", "*.safetensors", "*.tflite", "*.keras", "1/saved_model.pb")
"""The files of a folder that hold its weights."""


@dataclass(frozen=True)
class ModelFigures:
    """A model's size and latency.

    `scope` is what was run: `network`, or `detections` with suppression. Where nothing was, `reason` says why; both are
    None where the format has no runtime of its own or the latency was not wanted.
    """

    file: str
    bytes: int
    scope: str | None = None
    runs: int = 0
    median_ms: float | None = None
    quartiles_ms: tuple[float, float] | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ExportFigures:
    """The figures of all models of a folder, and the machine that they were measured on; None where none were."""

    models: tuple[ModelFigures, ...]
    machine: dict[str, Any] | None = None


def sizes(directory: Path) -> ExportFigures:
    """The sizes of the models in the folder of an export."""
    paths = sorted({path for pattern in MODELS for path in directory.glob(pattern)})
    return ExportFigures(
        tuple(ModelFigures(path.relative_to(directory).as_posix(), path.stat().st_size) for path in paths)
    )


def check_python(python: Path) -> None:
    """Raises InvalidValueError where `python` cannot be run, before anything is made for it."""
    try:
        subprocess.run([python, "-c", ""], capture_output=True, timeout=TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = f"{python} cannot be run as Python: {reason}; give one that has the runtimes, or --no-latency"
        raise InvalidValueError(message, field="python") from error


def measured(
    directory: Path, *, python: Path | None = None, threads: int = 1, timeout_s: float = TIMEOUT_S
) -> ExportFigures:
    """Sizes and latencies by the script in the folder, in a process of its own, which runs `python` or this one.

    A folder without that script has sizes alone. Raises InvalidValueError where `python` cannot be run.
    """
    found, script = sizes(directory), directory / LATENCY_SCRIPT
    if not script.is_file():
        return found
    try:
        completed = subprocess.run(
            [python or sys.executable, script, "--threads", str(threads)],
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except OSError as error:
        raise InvalidValueError(f"{python} cannot be run: {error.strerror}", field="python") from error
    except subprocess.TimeoutExpired:
        return _unmeasured(found, f"took longer than {timeout_s:g} s")
    if completed.returncode != 0:
        last = (completed.stderr.strip().splitlines() or ["no message"])[-1]
        return _unmeasured(found, f"failed: {last}")
    document = json.loads(completed.stdout)
    rows = {row["file"]: row for row in document["models"]}
    models = tuple(_joined(each, rows.get(each.file)) for each in found.models)
    is_measured = any(each.median_ms is not None for each in models)
    return ExportFigures(models, document["machine"] if is_measured else None)


def add_to_card(directory: Path, figures: ExportFigures) -> None:
    """Adds the figures to the README of a folder, if any latency was measured."""
    if figures.machine is None:
        return
    card = directory / README_FILE
    text = with_section(card.read_text(encoding="utf-8"), "Size and latency", _section(figures, figures.machine))
    card.write_text(text, encoding="utf-8")


def latency_text(model: ModelFigures) -> str:
    """Median and quartiles in milliseconds, or why there are none."""
    if model.median_ms is None or model.quartiles_ms is None:
        return model.reason or "-"
    low, high = model.quartiles_ms
    return f"{model.median_ms:.2f} ({low:.2f} to {high:.2f})"


def machine_text(machine: dict[str, Any]) -> str:
    """The machine and the versions in one line."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    threads = machine["threads"]
    return (
        f"{machine['processor']}, {machine['processors']} processors, {threads} thread{'s' if threads > 1 else ''}; "
        f"{versions}"
    )


def _joined(model: ModelFigures, row: dict[str, Any] | None) -> ModelFigures:
    if row is None:
        return model
    if "missing" in row:
        return ModelFigures(model.file, model.bytes, row["scope"], reason=f"not installed: {row['missing']}")
    low, high = row["quartiles_ms"]
    return ModelFigures(model.file, model.bytes, row["scope"], row["runs"], row["median_ms"], (low, high))


def _unmeasured(found: ExportFigures, reason: str) -> ExportFigures:
    return ExportFigures(tuple(ModelFigures(each.file, each.bytes, reason=reason) for each in found.models))


def _section(figures: ExportFigures, machine: dict[str, Any]) -> str:
    rows = [
        (f"`{each.file}`", f"{each.bytes / 1e3:,.0f}", each.scope or "-", latency_text(each), each.runs or "-")
        for each in figures.models
    ]
    titles = ("file", "kB", "what was run", "ms for one image: median (quartiles)", "runs")
    return (
        "Measured when this export was made, on one image of noise:\n\n"
        + "\n".join(table(titles, rows))
        + f"\n\nMachine: {machine_text(machine)}. `python {LATENCY_SCRIPT}` measures on yours."
    )
