"""A database that the version before wrote opens, its campaigns replay exactly, and a paused one resumes to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.store import Store, sqlite_url
from tests.support.arithmetic import arithmetic_sha256
from tests.support.earlier_databases import RECORDINGS, Recording, copy_into_schema
from tests.support.synthetic_campaigns import claimed_campaign, run_to_the_end
from tests.support.trials import trials_of


@pytest.fixture
def recording() -> Recording:
    """One that was made with this machine's arithmetic, if there is one."""
    return RECORDINGS.get(arithmetic_sha256()) or next(iter(RECORDINGS.values()))


@pytest.fixture
def upgraded(recording: Recording, empty_database_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store on a copy of it, in a database of each kind."""
    recording.load(tmp_path / "before.db")
    url = sqlite_url(tmp_path / "before.db")
    if not empty_database_url.startswith("sqlite"):
        with closing(Store.open(url)) as source:
            copy_into_schema("0007", source, empty_database_url)
        url = empty_database_url
    with closing(Store.open(url)) as store:
        yield store


def test_a_database_of_the_version_before_is_whole(upgraded: Store, recording: Recording) -> None:
    campaigns = {campaign.name: campaign for campaign in upgraded.reads.list_campaigns().items}
    completed, paused = campaigns["completed"], campaigns["paused"]
    assert (completed.state, completed.trials_finished, completed.last_event) == ("completed", 12, 29)
    assert (paused.state, paused.trials_begun, paused.trials_finished, paused.last_event) == ("paused", 9, 7, 23)
    repeats = {trial.number: trial.reused_from for trial in trials_of(upgraded, completed.id)}
    assert {number for number, first in repeats.items() if first is not None} == {1, 4, 6, 9, 11}
    assert [attempt.state for attempt in upgraded.reads.get_trial(completed.id, 2).attempts] == ["failed", "accepted"]
    unfinished = upgraded.reads.get_trial(paused.id, 8)
    assert (unfinished.trial.state, unfinished.trial.progress_step, unfinished.trial.progress_ap) == ("running", 7, 0.5)
    assert [point.step for point in unfinished.curve] == [1, 2, 3, 4, 5, 6, 7]
    assert upgraded.reads.get_trial_record(paused.id, 4).error_kind == "non-finite-loss"
    key = upgraded.service.identify_key(recording.key)
    assert key is not None
    assert (key.name, key.scope) == ("ops", "operate")


def test_a_paused_campaign_of_the_version_before_resumes_to_its_end(upgraded: Store) -> None:
    campaign_id = next(each.id for each in upgraded.reads.list_campaigns().items if each.name == "paused")
    assert upgraded.service.request_resume(campaign_id).state == "running"
    work = run_to_the_end(claimed_campaign(upgraded, campaign_id), parallelism=2)
    assert [(each.number, each.attempt) for each in work] == [(7, 2), (8, 2), (9, 1)]
    campaign = upgraded.reads.get_campaign(campaign_id)
    assert (campaign.state, campaign.trials_finished) == ("completed", 10)


def test_campaigns_of_the_version_before_replay_exactly(upgraded: Store) -> None:
    if arithmetic_sha256() not in RECORDINGS:
        pytest.skip("no recording was made with the arithmetic of this processor and this NumPy")
    campaigns = {campaign.name: campaign.id for campaign in upgraded.reads.list_campaigns().items}
    completed = verify(upgraded, campaigns["completed"])
    assert completed.trials_finished == 12
    assert "campaigns.spec" not in completed.checked
    assert {"campaigns.spec", "metrics of 7 outcomes"} <= {part.what for part in completed.not_checked}
    assert verify(upgraded, campaigns["paused"]).trials_finished == 7
    upgraded.service.request_resume(campaigns["paused"])
    run_to_the_end(claimed_campaign(upgraded, campaigns["paused"]))
    assert verify(upgraded, campaigns["paused"]).trials_finished == 10
