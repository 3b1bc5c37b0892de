"""A campaign in a list: with what tells it from others at a glance."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from nas_controller.entities.document import Document


class GainDocument(Document):
    """What the best trial gains over the baseline, in AP, and how sure that is."""

    trial: int = Field(description="The trial that the finals rank first, or that of the highest reward.")
    reward: float = Field(description="Its mean AP over the seeds of the finals; without finals its reward.")
    baseline_reward: float = Field(description="The AP of the baseline, measured in the same way.")
    seeds: int | None = Field(description="Seeds of the finals that both were trained with; null for single rewards.")
    value: float = Field(description="Mean difference in the finals; without finals that of the two rewards.")
    low: float | None = Field(description="Lower end of the 95 % interval of the finals; null without.")
    high: float | None
    is_confirmed: bool = Field(description="Whether finals have confirmed that it is better than the baseline.")


class SearchFlagsDocument(Document):
    """Whether a search still finds anything; the figure `search` of the campaign says more."""

    is_on_plateau: bool = Field(description="Whether nothing better has come for at least 100 trials and half of all.")
    has_collapsed: bool = Field(description="Whether nine of ten of the latest proposals are of known architectures.")
    gain_error: float | None = Field(
        description="Half width of the 95 % interval of a difference of two rewards, from how those of similar "
        "architectures differ; null for fewer architectures than `noise_needs`, or where it cannot be told from 0."
    )
    noise_needs: int = Field(description="Architectures with a reward that it takes at least to know `gain_error`.")
    outcomes_lately: int = Field(description="The latest outcomes, at most 20, among which failed trials are counted.")
    failed_lately: int
    is_failing: bool = Field(description="Whether a quarter of them or more are failures.")


class CampaignSummaryDocument(Document):
    """What a list shows of a campaign besides its document."""

    last_event_at: datetime
    last_event_kind: str
    gain: GainDocument | None = Field(description="Null before the baseline has a reward.")
    search: SearchFlagsDocument | None = Field(description="With `include=search`, once a trial has begun.")
    best_so_far: tuple[float, ...] | None = Field(
        description="With `include=spark`: the best reward after evenly spaced trials, at most 40 of them."
    )
