"""How many trials of a campaign are in each state."""

from __future__ import annotations

from pydantic import Field

from nas_controller.entities.document import Document


class TrialCountsDocument(Document):
    """How many trials of a campaign are in each state; together they are those that have begun."""

    running: int = Field(description="Trials that a worker trains.")
    queued: int = Field(description="Trials that wait for a worker, or for the trial that they repeat.")
    completed: int
    failed: int
    stopped: int
