"""The tables of transitions are complete, and the architecture page shows them."""

from __future__ import annotations

from collections.abc import Sequence

from nas_controller.states import (
    CAMPAIGN_EVENTS,
    CAMPAIGN_STATES,
    CAMPAIGN_TRANSITIONS,
    FINISHED_CAMPAIGN_STATES,
    PAST_PARTICIPLES,
    TRIAL_EVENTS,
    TRIAL_STATES,
    TRIAL_TRANSITIONS,
)
from tests.support.paths import ROOT

UNCHANGED = "="
REFUSED = ""


def markdown_table(states: Sequence[str], events: Sequence[str], transitions: Sequence[tuple[str, str, str]]) -> str:
    """A row per state and a column per event, with the states that it may lead to."""
    lines = [f"| | {' | '.join(events)} |", f"| --- |{' --- |' * len(events)}"]
    for state in states:
        targets = [
            [target for source, name, target in transitions if (source, name) == (state, event)] for event in events
        ]
        cells = [" or ".join(UNCHANGED if target == state else target for target in found) for found in targets]
        lines.append("| " + " | ".join([f"`{state}`", *cells]).rstrip() + " |")
    return "\n".join(lines)


def test_every_state_and_event_is_in_the_table() -> None:
    for states, events, transitions in (
        (CAMPAIGN_STATES, CAMPAIGN_EVENTS, CAMPAIGN_TRANSITIONS),
        (TRIAL_STATES, TRIAL_EVENTS, TRIAL_TRANSITIONS),
    ):
        assert len(set(transitions)) == len(transitions)
        assert {source for source, _, _ in transitions} | {target for _, _, target in transitions} == set(states)
        assert {event for _, event, _ in transitions} == set(events) <= PAST_PARTICIPLES.keys()


def test_finished_campaigns_are_those_that_only_requests_to_go_on_move() -> None:
    go_on = {"retry": {"failed"}, "continue": {"completed", "stopped"}, "finals": {"completed", "stopped"}}
    moved = {source for source, event, target in CAMPAIGN_TRANSITIONS if source != target and event not in go_on}
    assert set(CAMPAIGN_STATES) - moved == set(FINISHED_CAMPAIGN_STATES)
    for name, states in go_on.items():
        assert {source for source, event, _ in CAMPAIGN_TRANSITIONS if event == name} == states


def test_the_architecture_page_shows_the_tables() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert markdown_table(CAMPAIGN_STATES, CAMPAIGN_EVENTS, CAMPAIGN_TRANSITIONS) in page
    assert markdown_table(TRIAL_STATES, TRIAL_EVENTS, TRIAL_TRANSITIONS) in page
