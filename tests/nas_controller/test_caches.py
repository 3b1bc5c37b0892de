"""What is kept in memory is bounded, made once, and never stands in for something else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from nas_controller.caches import Kept
from nas_controller.campaigns.learned_policy import learned_policy
from nas_controller.search.proposals import Search
from nas_controller.store import NotFoundError, Store
from nas_controller.store.models import Campaign
from tests.support.synthetic_campaigns import synthetic_spec


class Maker:
    """Makes 1, 2, 3 and so on, and takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.made = 0
        self.begun = threading.Event()
        self._seconds = seconds

    def __call__(self) -> int:
        self.begun.set()
        time.sleep(self._seconds)
        self.made += 1
        return self.made


def test_a_value_is_made_once_for_each_version() -> None:
    kept: Kept[int] = Kept(2)
    make = Maker()
    assert [kept.latest("a", version, make) for version in ("1", "1", "2", "2", "1")] == [1, 1, 2, 2, 3]
    assert kept.latest("b", "1", make) == 4


def test_the_one_that_nobody_asked_for_longest_goes() -> None:
    kept: Kept[int] = Kept(2)
    make = Maker()
    assert [kept.latest(key, 1, make) for key in "abacabc"] == [1, 2, 1, 3, 1, 4, 5]


def test_sizes_count_where_values_have_some() -> None:
    kept: Kept[bytes] = Kept(10, len)
    made: list[str] = []

    def ask(key: str, size: int) -> None:
        kept.latest(key, size, lambda: made.append(key) or bytes(size))

    for key, size in (("a", 4), ("b", 6), ("a", 4), ("b", 6), ("b", 5), ("a", 4), ("too large", 11), ("a", 4)):
        ask(key, size)
    assert made == ["a", "b", "b", "too large", "a"]


def test_those_who_ask_meanwhile_wait_for_the_one_that_is_made() -> None:
    kept: Kept[int] = Kept(2)
    make = Maker(0.05)
    with ThreadPoolExecutor(8) as callers:
        assert set(callers.map(lambda _: kept.latest("key", "version", make), range(8))) == {1}


def test_what_could_not_be_made_is_made_by_the_next_and_the_latest_before_it_stays() -> None:
    kept: Kept[int] = Kept(2)

    def fail() -> int:
        raise OSError("the record is away")

    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            kept.latest("key", 1, fail)
    assert kept.latest("key", 1, lambda: 7) == 7
    with pytest.raises(OSError, match="away"):
        kept.latest("key", 2, fail)
    assert kept.latest("key", 1, fail) == 7


def test_one_that_is_begun_later_serves_all_who_had_asked_whatever_version_they_saw() -> None:
    kept: Kept[int] = Kept(2)
    make = Maker(0.5)
    with ThreadPoolExecutor(5) as callers:
        first = callers.submit(kept.latest, "key", 0, make)
        assert make.begun.wait(10)
        later = [callers.submit(kept.latest, "key", version, make) for version in range(1, 5)]
        assert first.result() == 1
        # What was begun before they asked may be too old for them.
        assert {asked.result() for asked in later} == {2}


def test_a_specification_is_checked_once_for_each_text(store: Store) -> None:
    first, second = (store.service.create_campaign(synthetic_spec(seed=7)).id for _ in range(2))
    assert store.reads.get_campaign(first).spec is store.reads.get_campaign(second).spec
    assert store.reads.get_campaign(first).spec == synthetic_spec(seed=7)
    with store._database.writing() as session:
        row = session.get(Campaign, second)
        assert row is not None
        row.spec = {**row.spec, "trials": 0}
    assert store.reads.get_campaign(first).spec.trials == 8
    with pytest.raises(ValidationError, match="trials"):
        store.reads.get_campaign(second)


def test_equal_states_of_other_blocks_are_told_apart(store: Store) -> None:
    found = []
    for blocks in ([5, 7, 9], [1, 2, 3]):
        campaign = store.service.create_campaign(synthetic_spec(search_space={"searched_blocks": blocks}))
        found.append(learned_policy(store, campaign.id))
        assert list(found[-1].blocks) == blocks
    assert found[0].probabilities == found[1].probabilities


def test_a_policy_follows_the_rewards(store: Store) -> None:
    campaign = store.service.create_campaign(synthetic_spec())
    lease = store.runner.claim(campaign.id, "runner", 1e6)
    search = Search(campaign.spec)
    first = learned_policy(store, campaign.id)
    for number in range(2):
        proposed = search.propose(number)
        _, attempt = store.runner.begin_trial(
            lease, number, proposed.candidate, proposed.choices, proposed.log_probability, None, proposed.draw
        )
        assert attempt is not None
        search.controller = search.learned(proposed.choices, proposed.log_probability, 0.5 + number / 10, False)
        store.runner.accept_reward(lease, number, attempt.number, 0.5 + number / 10, {}, search.controller.state())
    after = learned_policy(store, campaign.id)
    assert after.told == 1
    assert first.told == 0
    assert after.probabilities != first.probabilities
    assert [list(row) for row in after.probabilities] == search.controller.policy_marginals()
    with pytest.raises(NotFoundError):
        learned_policy(store, "c_0")
