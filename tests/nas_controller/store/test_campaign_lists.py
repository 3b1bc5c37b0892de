"""Lists of campaigns: found, ordered, counted, and paged by cursor and by offset, on every database."""

from __future__ import annotations

import pytest

from nas_controller.states import CAMPAIGN_ORDERS
from nas_controller.store import CampaignFilter, Store
from nas_controller.store.cursors import encode
from search_space.errors import InvalidValueError
from tests.support.recorded_finals import recorded_finals
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import Clock, synthetic_spec


def created(store: Store, clock: Clock, *names: str) -> list[str]:
    """The ids of new campaigns with these names, oldest first."""
    ids = []
    for name in names:
        ids.append(store.service.create_campaign(synthetic_spec(name=name)).id)
        clock.advance(1)
    return ids


def names_of(store: Store, **filtered: object) -> list[str]:
    return [each.name for each in store.reads.list_campaigns(CampaignFilter(**filtered)).items]  # type: ignore[arg-type]


def test_campaigns_are_found_by_name_id_and_tag_in_any_case(store: Store, clock: Clock) -> None:
    first, second, _ = created(store, clock, "Night Cars", "100%_sure", "birds")
    store.service.update_campaign(second, {"tags": ["cars", "x"]})
    assert names_of(store, text="CARS") == ["100%_sure", "Night Cars"]
    assert names_of(store, tag="Cars") == ["100%_sure"]
    assert names_of(store, tag="car") == []
    assert names_of(store, text=first.upper()) == ["Night Cars"]
    assert names_of(store, text="%_") == ["100%_sure"]
    assert names_of(store, text="%") == ["100%_sure"]
    assert names_of(store, text="_ars") == []
    with pytest.raises(InvalidValueError, match="must be printable"):
        CampaignFilter(text="a\0")


def test_archived_campaigns_are_left_out_unless_asked_for(store: Store, clock: Clock) -> None:
    old, *_ = created(store, clock, "old", "new", "newer")
    store.service.update_campaign(old, {"archived": True})
    assert names_of(store) == ["newer", "new"]
    assert names_of(store, archived="true") == ["old"]
    assert names_of(store, archived="any") == ["newer", "new", "old"]
    with pytest.raises(InvalidValueError, match="archived 'both' is not one of false, true, any"):
        CampaignFilter(archived="both")


def test_counts_are_those_of_all_pages_and_of_each_state(store: Store, clock: Clock) -> None:
    ids = created(store, clock, "a", "b", "c", "d")
    store.service.request_stop(ids[0])
    store.service.request_pause(ids[1])
    page = store.reads.list_campaigns(CampaignFilter(("pending", "paused")), limit=1)
    assert (page.total, len(page.items)) == (3, 1)
    assert {state: count for state, count in page.by_state.items() if count} == {
        "pending": 2, "paused": 1, "stopped": 1,
    }  # fmt: skip


@pytest.mark.parametrize("order", CAMPAIGN_ORDERS)
def test_pages_by_cursor_and_by_offset_have_every_campaign_once_in_each_order(
    store: Store, clock: Clock, order: str
) -> None:
    for index, name in enumerate(["b", "ä first", "a", "b"]):
        recorder = Recorder(store, trials=4, name=name)
        clock.advance(1)
        if index % 2:
            recorder.run(index)
    whole = [each.id for each in store.reads.list_campaigns(order_by=order).items]
    assert len(set(whole)) == 4
    paged, cursor = [], None
    while True:
        page = store.reads.list_campaigns(order_by=order, limit=1, cursor=cursor)
        paged += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert paged == whole
    assert [store.reads.list_campaigns(order_by=order, limit=1, offset=n).items[0].id for n in range(4)] == whole


def test_orders_put_campaigns_without_the_value_last_and_newest_first_among_equals(store: Store, clock: Clock) -> None:
    rewards = {}
    for name, trials in (("none", 0), ("one", 1), ("three", 3)):
        recorder = Recorder(store, trials=4, name=name)
        rewards[name] = recorder.run(trials).record.best_reward
        clock.advance(1)
    created(store, clock, "new")

    def listed(order: str) -> list[str]:
        return [each.name for each in store.reads.list_campaigns(order_by=order).items]

    assert listed("-best")[2:] == listed("best")[2:] == ["new", "none"]
    assert listed("progress") == ["new", "none", "one", "three"]
    assert listed("-progress") == ["three", "one", "new", "none"]
    assert listed("state") == ["new", "none", "three", "one"]
    assert listed("name") == ["new", "none", "one", "three"]
    assert listed("-started")[:2] == ["three", "one"]


def test_the_order_by_gain_takes_that_of_finals_where_there_were_some(store: Store, clock: Clock) -> None:
    *_, confirmed = recorded_finals(store, clock)
    with_finals = store.reads.get_campaign(confirmed)
    assert with_finals.best_reward is not None
    assert with_finals.baseline_reward is not None
    recorder = Recorder(store, trials=4, name="less by its rewards")
    recorder.finish(recorder.begin())
    recorder.finish(recorder.begin(), extra=0.45)
    gain = recorder.record.best_reward - recorder.record.baseline_reward  # type: ignore[operator]
    assert 0.01 < gain < with_finals.best_reward - with_finals.baseline_reward
    assert [each.id for each in store.reads.list_campaigns(order_by="-gain").items] == [recorder.id, confirmed]


def test_invalid_orders_offsets_and_foreign_cursors_are_refused(store: Store, clock: Clock) -> None:
    created(store, clock, "a", "b")
    cursor = store.reads.list_campaigns(order_by="name", limit=1).next_cursor
    with pytest.raises(InvalidValueError, match="sort 'luck' is not one of created"):
        store.reads.list_campaigns(order_by="luck")
    with pytest.raises(InvalidValueError, match="offset is -1"):
        store.reads.list_campaigns(offset=-1)
    early = encode(["0001-01-01T00:00:00+23:00", "c_1"])
    for order, given in (("started", cursor), ("best", cursor), ("state", cursor), ("started", early)):
        with pytest.raises(InvalidValueError, match=r"cursor .*'.+' is not from this list; omit it"):
            store.reads.list_campaigns(order_by=order, cursor=given)


def test_the_newest_event_of_each_is_read_at_once(store: Store, clock: Clock) -> None:
    first, second = created(store, clock, "a", "b")
    store.service.request_stop(first)
    events = store.reads.last_events(store.reads.list_campaigns().items)
    assert {campaign: event.kind for campaign, event in events.items()} == {
        first: "campaign.stopped", second: "campaign.created",
    }  # fmt: skip
    assert store.reads.last_events([]) == {}
