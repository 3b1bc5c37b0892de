"""A campaign whose runner dies at any write, or loses its lease, has the same result as one without faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.search.proposals import Search, TrialProposal
from nas_controller.store import LeaseLostError, Store
from search_space.space import Widths
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, final_state, reward, run_to_the_end


class Crash(BaseException):
    """The death of the process."""


class CrashingStore(Store):
    """A store whose process dies before or after its write number `at`."""

    WRITES = (
        "begin_trial", "start_attempt", "accept_reward", "accept_repeat", "fail_attempt", "fail_trial",
        "finish_campaign",
    )  # fmt: skip

    def __init__(self, store: Store, at: int, after: bool) -> None:
        super().__init__(store._database, store._clock)
        self._left, self._after = at, after
        for name in self.WRITES:
            setattr(self.runner, name, self._crashing(getattr(self.runner, name)))

    def _crashing(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Crash
            result = write(*arguments)
            if self._left == 0:
                raise Crash
            return result

        return call


def run_with_outcomes(campaign: Campaign) -> None:
    """Runs trials one at a time; trial 2 is given up, and the first attempt at trial 4 fails."""
    for _ in range(200):
        if campaign.over:
            return
        work = campaign.next_trial()
        if work is None:
            continue
        if work.number == 2:
            campaign.complete(work, Failed("give_up", "the loss is not finite"))
        elif (work.number, work.attempt) == (4, 1):
            campaign.complete(work, Failed("retry", "the worker died"))
        else:
            campaign.complete(work, reward(campaign, work))
    raise AssertionError("the campaign does not end")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_write_does_not_change_the_result(
    store: Store, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Search.propose
    repeats = {5: 1, 6: 2, 7: 1}  # trials that repeat another one, with a policy that hardly learns

    def propose(search: Search, number: int, is_known: Callable[[Widths], bool]) -> TrialProposal:
        return original(search, repeats.get(number, number), is_known)

    monkeypatch.setattr(Search, "propose", propose)
    controller = {"policy": "factorised", "learning_rate": 1e-9, "repeats": "count"}
    spec: dict[str, Any] = {"trials": 10, "controller": controller}
    expected_id = create(store, **spec)
    run_with_outcomes(claimed_campaign(store, expected_id))
    expected = final_state(store, expected_id)
    assert expected[0]["reused_from"] == [None] * 5 + [1, 2, 1] + [None] * 2
    assert [state == "failed" for state in expected[0]["state"]] == [n in (2, 6) for n in range(10)]

    crashes = 0
    for at in range(1, 100):
        campaign_id = create(store, **spec)
        crashing = CrashingStore(store, at, after)
        try:
            run_with_outcomes(claimed_campaign(crashing, campaign_id))
        except Crash:
            crashes += 1
            store.runner.release(campaign_id, "runner")
            if store.reads.get_campaign(campaign_id).state == "running":
                run_with_outcomes(claimed_campaign(store, campaign_id, "another"))
        assert final_state(store, campaign_id) == expected
        verify(store, campaign_id)
        if crashes < at:
            break  # the campaign has fewer writes
    assert crashes > 2 * 10


def test_a_runner_without_its_lease_changes_nothing(store: Store, clock: Clock) -> None:
    campaign_id = create(store, trials=4)
    frozen = Campaign(store, store.runner.claim(campaign_id, "frozen", 20))
    work = frozen.next_trial()
    assert work is not None
    clock.advance(30)
    current = claimed_campaign(store, campaign_id, "current")
    with pytest.raises(LeaseLostError):
        frozen.complete(work, Rewarded(0.9, {}))
    with pytest.raises(LeaseLostError):
        frozen.next_trial()
    run_to_the_end(current)
    assert store.reads.get_trial(campaign_id, 0).trial.reward != 0.9
    verify(store, campaign_id)
