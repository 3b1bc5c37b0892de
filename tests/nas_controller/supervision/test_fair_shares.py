"""How concurrent campaigns share the workers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nas_controller.supervision.fair_shares import Allotment, Demand, allot

SIZES = st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0.5, 1.0, 2.0, 3.0])), max_size=6)
DEMANDS = SIZES.map(lambda sizes: [Demand(f"c{age}", *size) for age, size in enumerate(sizes)])


def test_workers_are_allotted_by_share_and_unwanted_ones_go_to_others() -> None:
    equal = [Demand("a", 8, 1.0), Demand("b", 8, 1.0)]
    assert allot(equal, 8) == {"a": 4, "b": 4}
    assert allot(equal, 7) == {"a": 4, "b": 3}
    assert allot([Demand("a", 8, 1.0), Demand("b", 8, 3.0)], 8) == {"a": 2, "b": 6}
    assert allot([Demand("a", 8, 1.0), Demand("b", 2, 1.0)], 8) == {"a": 6, "b": 2}
    assert allot([Demand("a", 2, 100.0), Demand("b", 9, 0.01)], 8) == {"a": 2, "b": 6}
    assert allot([Demand("a", 1, 1.0), Demand("b", 1, 1.0), Demand("c", 1, 9.0)], 2) == {"a": 1, "b": 1, "c": 0}


@given(DEMANDS, st.integers(0, 30))
def test_no_campaign_has_more_than_it_wants_and_no_wanted_worker_is_left(demands: list[Demand], slots: int) -> None:
    allotted = allot(demands, slots)
    assert all(0 <= allotted[demand.campaign_id] <= demand.parallelism for demand in demands)
    assert sum(allotted.values()) == min(slots, sum(demand.parallelism for demand in demands))


@given(DEMANDS, st.integers(0, 30))
def test_a_campaign_that_wants_more_has_its_share_up_to_one_worker(demands: list[Demand], slots: int) -> None:
    allotted = allot(demands, slots)
    for demand in demands:
        if allotted[demand.campaign_id] == demand.parallelism:
            continue
        for other in demands:
            one_less = (allotted[other.campaign_id] - 1) / other.share
            assert one_less <= allotted[demand.campaign_id] / demand.share + 1e-9


def test_an_allotment_round_trips_through_a_line() -> None:
    allotment = Allotment(parallelism=3, threads=2)
    line = allotment.to_line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert Allotment.from_line(line) == allotment
