"""`latency` of the campaign document: how the latency of each trial is measured."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from nas_controller.search.field_descriptions import setting
from nas_controller.search.limits import MAX_PROCESSORS
from nas_controller.search.strict_types import Whole


class LatencySpec(BaseModel):
    """Measures the architecture of each trial as it is exported: at its own input size, one image at a time.

    The network, without decoding and suppression, runs in onnxruntime on processors, with initial weights, and so does
    the baseline, by turns (`nas_controller.execution.latency`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["onnx"] = setting("Format", "The format of the export that is measured.", default="onnx")
    threads: Whole = setting("Threads", "Processors that a run uses.", default=1, ge=1, le=MAX_PROCESSORS)
    runs: Whole = setting("Runs", "Runs of each of the two after a warm-up.", default=20, ge=3, le=1_000)
