"""What is kept in memory is bounded, made once, and never stands in for something else."""

from __future__ import annotations

import threading
import time

import pytest
from pydantic import ValidationError

from nas_controller.kept import Kept
from nas_controller.learned_policy import learned_policy
from nas_controller.search import Search
from nas_controller.store import NotFoundError, Store
from nas_controller.store.models import Campaign
from tests.nas_controller.synthetic_campaigns import synthetic_spec


def test_the_one_that_nobody_asked_for_longest_goes() -> None:
    kept: Kept[int] = Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_those_who_ask_meanwhile_wait_for_the_one_that_is_made() -> None:
    kept: Kept[int] = Kept(2)
    made: list[int] = []

    def ask() -> None:
        with kept.making("key"):
            if kept.get("key") is None:
                made.append(1)
                time.sleep(0.05)
                kept.put("key", 1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_specification_is_checked_once_for_each_text(store: Store) -> None:
    first, second = (store.create_campaign(synthetic_spec(seed=7)).id for _ in range(2))
    assert store.get_campaign(first).spec is store.get_campaign(second).spec
    assert store.get_campaign(first).spec == synthetic_spec(seed=7)
    with store._database.writing() as session:
        row = session.get(Campaign, second)
        assert row is not None
        row.spec = {**row.spec, "trials": 0}
    assert store.get_campaign(first).spec.trials == 8
    with pytest.raises(ValidationError, match="trials"):
        store.get_campaign(second)


def test_equal_states_of_other_blocks_are_told_apart(store: Store) -> None:
    found = []
    for blocks in ([5, 7, 9], [1, 2, 3]):
        campaign = store.create_campaign(synthetic_spec(search_space={"searched_blocks": blocks}))
        found.append(learned_policy(store, campaign.id))
        assert list(found[-1].blocks) == blocks
    assert found[0].probabilities == found[1].probabilities


def test_a_policy_follows_the_rewards(store: Store) -> None:
    campaign = store.create_campaign(synthetic_spec())
    lease = store.claim(campaign.id, "runner", 1e6)
    search = Search(campaign.spec)
    first = learned_policy(store, campaign.id)
    for number in range(2):
        proposed = search.propose(number)
        _, attempt = store.begin_trial(
            lease, number, proposed.candidate, proposed.choices, proposed.log_probability, None, proposed.draw
        )
        assert attempt is not None
        search.controller = search.learned(proposed.choices, proposed.log_probability, 0.5 + number / 10, False)
        store.accept_reward(lease, number, attempt.number, 0.5 + number / 10, {}, search.controller.state())
    after = learned_policy(store, campaign.id)
    assert after.told == 1
    assert first.told == 0
    assert after.probabilities != first.probabilities
    assert [list(row) for row in after.probabilities] == search.controller.policy_marginals()
    with pytest.raises(NotFoundError):
        learned_policy(store, "c_0")
