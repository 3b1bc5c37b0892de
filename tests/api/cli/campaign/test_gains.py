"""The best of a campaign in the terminal: with its margin of error before finals, with their verdict after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.cli.campaign.gains import Found, best_text, gain_cell
from api.documents import CampaignDocument, GainDocument
from nas_controller.execution.worker import OnProgress
from nas_controller.search.outcomes import Outcome, Rewarded
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.final_trainings import Trainer, starter, widths_of
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import create

OF_REWARDS: dict[str, Any] = {
    "trial": 7,
    "reward": 0.32862,
    "baseline_reward": 0.32537,
    "seeds": None,
    "value": 0.00325,
    "low": None,
    "high": None,
    "is_confirmed": False,
}


@pytest.mark.parametrize(
    ("fields", "error", "text", "cell"),
    [
        (
            {},
            0.0086,
            "best AP 0.329 (trial 7), +0.004 over the baseline's 0.325, 95 % margin of error ±0.009, not confirmed",
            "+0.004 ±0.009",
        ),
        (
            {},
            None,
            "best AP 0.329 (trial 7), +0.004 over the baseline's 0.325, 95 % margin of error not known "
            "(noise not resolved; it takes 50 architectures or more), not confirmed",
            "+0.004 ±?",
        ),
        (
            {},
            0.0004,
            "best AP 0.329 (trial 7), +0.004 over the baseline's 0.325, 95 % margin of error less than ±0.001, "
            "not confirmed",
            "+0.004 ±<0.001",
        ),
        (
            {"seeds": 4, "low": -0.00175, "high": 0.00825},
            None,
            "first in the finals: trial 7, AP 0.329 as the mean of 4 seeds, +0.004 over the baseline's 0.325, 95 % "
            "-0.002 to +0.008, not confirmed",
            "+0.004 ±0.005",
        ),
        ({"trial": 0, "reward": 0.32537}, 0.0086, "best AP 0.325 (the baseline)", "-"),
    ],
)
def test_the_best_is_told_with_how_sure_it_is(
    store: Store, fields: dict[str, Any], error: float | None, text: str, cell: str
) -> None:
    campaign = CampaignDocument.model_validate(Recorder(store).run(1).record.to_dict())
    gain = GainDocument.model_validate({**OF_REWARDS, **fields})
    assert best_text(campaign, Found(gain, {"gain_error": error, "noise_needs": 50})) == text
    assert gain_cell(gain, error) == cell


def test_watch_list_and_show_have_the_verdict_of_finals_on_their_scale(
    effspine: CommandLine, served: Store, tmp_path: Path
) -> None:
    campaign_id = create(served, trials=6, finals={"top": 2, "seeds": 4})

    def final(seed: int, widths: tuple[int, ...], _on_progress: OnProgress) -> Outcome:
        reward = 0.3 + (0.0 if widths == widths_of(served, campaign_id, 0) else 0.1 + 0.001 * (seed % 2))
        return Rewarded(reward, {"ap": reward})

    starter(served, tmp_path)(campaign_id, Trainer(final))
    finals = served.reads.get_campaign(campaign_id).finals
    assert finals is not None
    told = f"confirmed winner: trial {finals.winner}, AP 0.401 as the mean of 4 seeds, +0.101 over the baseline's 0.300"
    watched = effspine("campaign", "watch", campaign_id).out
    status = " ".join(watched.splitlines()[-2:])
    assert told in status
    assert "best AP" not in status
    table = [line.split() for line in watched.splitlines()]
    assert any(row[:1] == ["0"] and "0.300" in row and "baseline" in row for row in table)
    assert told in effspine("campaign", "show", campaign_id).out
    listed = effspine("campaign", "list").out
    assert "0.401" in listed
    assert "+0.101 ±0.00" in listed
