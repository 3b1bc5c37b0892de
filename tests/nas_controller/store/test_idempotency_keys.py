"""Idempotency keys: reserved once, their response repeated, and never a second campaign."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from nas_controller.store import Store
from nas_controller.store.errors import KeyBusyError, KeyReusedError
from nas_controller.store.idempotency_keys import RESERVATION_SECONDS, RETENTION_HOURS, Reservation, SavedResponse
from tests.support.synthetic_campaigns import Clock, synthetic_spec

ANSWER = SavedResponse(201, {"location": "/v1/campaigns/c"}, b'{"name":"\xc3\xa9"}')


def reserved(store: Store, caller: str = "open", key: str = "one", fingerprint: str = "f") -> Reservation:
    reservation = store.service.reserve_key(caller, key, fingerprint)
    assert isinstance(reservation, Reservation)
    return reservation


def test_the_first_saved_response_is_returned_again(store: Store) -> None:
    reservation = reserved(store)
    store.service.save_response(reservation, ANSWER)
    assert store.service.reserve_key("open", "one", "f") == ANSWER
    store.service.save_response(reservation, SavedResponse(200, {}, b"later"))
    assert store.service.reserve_key("open", "one", "f") == ANSWER


def test_a_key_belongs_to_its_caller_and_to_one_request(store: Store) -> None:
    store.service.save_response(reserved(store), ANSWER)
    assert reserved(store, caller="k1").campaign_id != reserved(store, caller="k2").campaign_id
    with pytest.raises(KeyReusedError, match="idempotency key 'one' was given to another request"):
        store.service.reserve_key("open", "one", "another")


def test_a_request_is_processed_once_until_it_is_released_or_its_reservation_expires(
    store: Store, clock: Clock
) -> None:
    first = reserved(store)
    with pytest.raises(KeyBusyError, match="idempotency key 'one' is still being processed; retry soon"):
        store.service.reserve_key("open", "one", "f")
    store.service.release_key(first)
    assert reserved(store) == first
    clock.advance(RESERVATION_SECONDS)
    assert reserved(store) == first


def test_a_campaign_with_a_reserved_id_is_created_once(store: Store, clock: Clock) -> None:
    reservation = reserved(store)
    campaign = store.service.create_campaign(synthetic_spec(), reservation.campaign_id)
    clock.advance(RESERVATION_SECONDS)  # the process that created it was killed before it saved the response
    again = store.service.create_campaign(synthetic_spec(), reserved(store).campaign_id)
    assert again == campaign
    assert [each.id for each in store.reads.list_campaigns().items] == [campaign.id]
    assert len(store.reads.events_after(campaign.id)) == 1


def test_one_of_several_concurrent_requests_is_processed_and_the_others_wait(store: Store) -> None:
    def attempt(_: int) -> str:
        try:
            return reserved(store).campaign_id
        except KeyBusyError:
            return "busy"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))
    assert outcomes.count("busy") == 7


def test_keys_are_deleted_after_a_day(store: Store, clock: Clock) -> None:
    first = reserved(store)
    store.service.save_response(first, ANSWER)
    clock.advance(RETENTION_HOURS * 3_600 - 1)
    assert store.service.reserve_key("open", "one", "f") == ANSWER
    clock.advance(1)
    assert reserved(store, fingerprint="another").campaign_id != first.campaign_id
