"""How campaigns that run at once share the workers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nas_controller.supervision.fair_shares import Allotment, Demand, allot

WANTED = st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0.5, 1.0, 2.0, 3.0])), max_size=6)
DEMANDS = WANTED.map(lambda wanted: [Demand(f"c{age}", *each) for age, each in enumerate(wanted)])


def test_workers_go_by_share_and_what_one_does_not_want_the_others_have() -> None:
    equal = [Demand("a", 8, 1.0), Demand("b", 8, 1.0)]
    assert allot(equal, 8) == {"a": 4, "b": 4}
    assert allot(equal, 7) == {"a": 4, "b": 3}
    assert allot([Demand("a", 8, 1.0), Demand("b", 8, 3.0)], 8) == {"a": 2, "b": 6}
    assert allot([Demand("a", 8, 1.0), Demand("b", 2, 1.0)], 8) == {"a": 6, "b": 2}
    assert allot([Demand("a", 2, 100.0), Demand("b", 9, 0.01)], 8) == {"a": 2, "b": 6}
    assert allot([Demand("a", 1, 1.0), Demand("b", 1, 1.0), Demand("c", 1, 9.0)], 2) == {"a": 1, "b": 1, "c": 0}


@given(DEMANDS, st.integers(0, 30))
def test_nobody_has_more_than_it_wants_and_nothing_is_left_that_somebody_wants(
    wanted: list[Demand], slots: int
) -> None:
    given_out = allot(wanted, slots)
    assert all(0 <= given_out[each.campaign_id] <= each.parallelism for each in wanted)
    assert sum(given_out.values()) == min(slots, sum(each.parallelism for each in wanted))


@given(DEMANDS, st.integers(0, 30))
def test_whoever_wants_more_has_no_less_for_its_share_than_another_but_for_one_worker(
    wanted: list[Demand], slots: int
) -> None:
    given_out = allot(wanted, slots)
    for poor in wanted:
        if given_out[poor.campaign_id] == poor.parallelism:
            continue
        for rich in wanted:
            one_less = (given_out[rich.campaign_id] - 1) / rich.share
            assert one_less <= given_out[poor.campaign_id] / poor.share + 1e-9


def test_an_allotment_goes_through_a_line() -> None:
    allotment = Allotment(parallelism=3, threads=2)
    line = allotment.to_line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert Allotment.from_line(line) == allotment
