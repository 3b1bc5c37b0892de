"""`latency` of the campaign document: how the latency of each trial is measured."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.search.strict_types import Whole


class LatencySpec(BaseModel):
    """Measures the architecture of each trial as it is exported: at its own input size, one image at a time.

    The network, without decoding and suppression, runs in onnxruntime on processors, with initial weights, and so does
    the baseline, by turns (`nas_controller.execution.latency`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["onnx"] = Field(default="onnx", description="The format of the export that is measured.")
    threads: Whole = Field(default=1, ge=1, le=1_024, description="Processors that a run uses.")
    runs: Whole = Field(default=20, ge=3, le=1_000, description="Runs of each of the two after a warm-up.")
