"""Small campaigns without training, and a clock, for the tests of this package."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nas_controller.spec import CampaignSpec


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def synthetic_spec(**changes: object) -> CampaignSpec:
    """A small synthetic campaign with the fast policy."""
    document: dict[str, object] = {
        "name": "test",
        "trials": 8,
        "controller": {"policy": "factorised"},
        "proxy_task": {"profile": "synthetic"},
    }
    return CampaignSpec.model_validate({**document, **changes})
