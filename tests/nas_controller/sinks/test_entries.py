"""What sinks show of a campaign, from its events alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nas_controller.entities import EventDocument
from nas_controller.sinks.descriptions import hyperparameters
from nas_controller.sinks.entries import Entry, Sums, entries_of

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def events(*kinds: tuple[str, dict[str, Any]]) -> Iterator[EventDocument]:
    for sequence, (kind, data) in enumerate(kinds, 1):
        yield EventDocument(sequence=sequence, at=BEGAN + timedelta(seconds=sequence), kind=kind, data=data)


def outcome(number: int, reward: float, params: int = 5) -> tuple[str, dict[str, Any]]:
    return "trial.completed", {"number": number, "reward": reward, "params": params}


def begun(number: int, log_probability: float | None) -> tuple[str, dict[str, Any]]:
    choices = None if log_probability is None else [0, 1]
    return "trial.begun", {"number": number, "choices": choices, "log_probability": log_probability}


HISTORY = (
    ("campaign.created", {}),
    ("campaign.claimed", {"epoch": 1}),
    begun(0, None),
    begun(1, 2 * math.log(1 / 5)),  # as likely as any: the largest entropy
    outcome(1, 0.25),
    outcome(0, 0.5),
    begun(2, 0.0),
    ("campaign.claimed", {"epoch": 2}),
    ("trial.failed", {"number": 2, "reward": 0.0}),
    outcome(3, 0.5, params=4),  # of equal rewards, the smaller is the best
    ("finals.completed", {"winner": 1, "best": 1}),
    ("campaign.completed", {}),
    ("campaign.continued", {}),
)


def test_outcomes_have_scalars_in_the_order_of_their_arrival() -> None:
    entries = [each for each in entries_of(events(*HISTORY), Sums(), 5) if each.about == "outcome"]
    assert [each.step for each in entries] == [0, 1, 2, 3]
    assert [each.scalars["trial"] for each in entries] == [1, 0, 2, 3]
    assert [each.scalars["reward/trial"] for each in entries] == [0.25, 0.5, 0.0, 0.5]
    assert [each.scalars["reward/best"] for each in entries] == [0.25, 0.5, 0.5, 0.5]
    assert [each.scalars.get("reward/baseline") for each in entries] == [None, 0.5, 0.5, 0.5]
    assert [each.scalars.get("policy/entropy") for each in entries] == [pytest.approx(1.0), None, 0.0, None]


def test_the_specification_comes_first_and_the_best_last() -> None:
    entries = list(entries_of(events(*HISTORY), Sums(), 5))
    assert [each.about for each in entries] == ["specification", *["outcome"] * 4, "finals", "end", "reopened"]
    assert (entries[-2].state, entries[-2].best) == ("completed", 1)


def test_finals_of_an_earlier_version_have_their_winner_as_the_best() -> None:
    history = (*HISTORY[:-3], ("finals.completed", {"winner": 1}), *HISTORY[-2:])
    entries = list(entries_of(events(*history), Sums(), 5))
    assert [each.best for each in entries if each.about in ("finals", "end")] == [1, 1]


def test_the_sums_continue_where_they_were_whatever_the_cut() -> None:
    whole = list(entries_of(events(*HISTORY), Sums(), 5))
    for cut in range(len(HISTORY) + 1):
        history, sums = list(events(*HISTORY)), Sums()
        first: list[Entry] = list(entries_of(history[:cut], sums, 5))
        assert [*first, *entries_of(history[cut:], Sums(**sums.to_dict()), 5)] == whole


def test_hyperparameters_are_flat() -> None:
    found = hyperparameters({"trials": 8, "stop": None, "space": {"choices": [1, 5], "deep": {"is": True}}})
    assert found == {"trials": 8, "space.choices": "[1, 5]", "space.deep.is": True}
