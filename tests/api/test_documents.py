"""The documents agree with the records that they show."""

from __future__ import annotations

from typing import get_args

from api.documents import CampaignState, TrialState
from nas_controller.store.records import CAMPAIGN_STATES, TRIAL_STATES


def test_states_are_those_of_the_store() -> None:
    assert get_args(CampaignState) == CAMPAIGN_STATES
    assert get_args(TrialState) == TRIAL_STATES
