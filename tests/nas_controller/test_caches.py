"""Caches are bounded, compute a value once, and never return one for another key."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from nas_controller.caches import SingleFlightCache
from nas_controller.campaigns.learned_policy import learned_policy
from nas_controller.search.proposals import Search
from nas_controller.store import NotFoundError, Store
from nas_controller.store.models import Campaign
from tests.support.synthetic_campaigns import synthetic_spec


class Counter:
    """Computes 1, 2, 3 and so on, in `seconds` each."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.count = 0
        self.begun = threading.Event()
        self._seconds = seconds

    def __call__(self) -> int:
        self.begun.set()
        time.sleep(self._seconds)
        self.count += 1
        return self.count


def test_a_value_is_computed_once_per_version() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(2)
    compute = Counter()
    assert [cache.get("a", version, compute) for version in ("1", "1", "2", "2", "1")] == [1, 1, 2, 2, 3]
    assert cache.get("b", "1", compute) == 4


def test_the_least_recently_used_is_evicted() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(2)
    compute = Counter()
    assert [cache.get(key, 1, compute) for key in "abacabc"] == [1, 2, 1, 3, 1, 4, 5]


def test_a_cache_may_be_bounded_by_the_sizes_of_its_values() -> None:
    cache: SingleFlightCache[bytes] = SingleFlightCache(10, len)
    computed: list[str] = []

    def get(key: str, size: int) -> None:
        cache.get(key, size, lambda: computed.append(key) or bytes(size))

    for key, size in (
        ("a", 4),
        ("b", 6),
        ("a", 4),
        ("b", 6),
        ("b", 5),
        ("a", 4),
        ("too large", 11),
        ("a", 4),
        ("too large", 11),
    ):
        get(key, size)
    assert computed == ["a", "b", "b", "too large", "too large"]  # which evicts no other


def test_concurrent_callers_share_one_computation() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(2)
    compute = Counter(0.05)
    with ThreadPoolExecutor(8) as callers:
        assert set(callers.map(lambda _: cache.get("key", "version", compute), range(8))) == {1}


def test_after_an_error_the_next_caller_computes_again_and_earlier_values_are_kept() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(2)

    def fail() -> int:
        raise OSError("the database is unavailable")

    for _ in range(2):
        with pytest.raises(OSError, match="unavailable"):
            cache.get("key", 1, fail)
    assert cache.get("key", 1, lambda: 7) == 7
    with pytest.raises(OSError, match="unavailable"):
        cache.get("key", 2, fail)
    assert cache.get("key", 1, fail) == 7


def test_a_computation_serves_all_callers_that_waited_for_it() -> None:
    cache: SingleFlightCache[int] = SingleFlightCache(2)
    compute = Counter(0.5)
    with ThreadPoolExecutor(5) as callers:
        first = callers.submit(cache.get, "key", 0, compute)
        assert compute.begun.wait(120)
        later = [callers.submit(cache.get, "key", version, compute) for version in range(1, 5)]
        assert first.result() == 1
        # A computation that began before a call may be outdated for it.
        assert {call.result() for call in later} == {2}


def test_a_specification_is_parsed_once_per_text(store: Store) -> None:
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


def test_equal_states_of_different_blocks_are_different_policies(store: Store) -> None:
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
        proposed = search.propose(number, lambda widths: False)
        _, attempt = store.runner.begin_trial(
            lease, number, proposed.candidate, proposed.choices, proposed.log_probability, None, proposed.draw
        )
        assert attempt is not None
        search.controller = search.updated_controller(
            proposed.choices, proposed.log_probability, 0.5 + number / 10, False, None, proposed.candidate.params
        )
        store.runner.accept_reward(lease, number, attempt.number, 0.5 + number / 10, {}, search.controller.state())
    after = learned_policy(store, campaign.id)
    assert after.told == 1
    assert first.told == 0
    assert after.probabilities != first.probabilities
    assert [list(row) for row in after.probabilities] == search.controller.policy_marginals()
    with pytest.raises(NotFoundError):
        learned_policy(store, "c_0")
