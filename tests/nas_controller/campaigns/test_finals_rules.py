"""Finals follow the objective and the rules that their events name, and those of earlier rules still replay."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from nas_controller.campaigns.finals_report import finals_report
from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.execution.worker import OnProgress
from nas_controller.search import estimated_values, finals_rules, finals_verdict
from nas_controller.search.outcomes import Outcome, Rewarded
from nas_controller.store import Store, finals, finals_starts, models
from tests.support.final_trainings import Trainer, finals_of, starter, widths_of
from tests.support.synthetic_campaigns import create

SMALL = {"minimise": "params", "weight": 1.0}


def below_the_baseline(store: Store, campaign_id: str) -> Trainer:
    """Finals in which every finalist is behind the baseline in the mean, but undecided."""

    def final(seed: int, widths: tuple[int, ...], _: OnProgress) -> Outcome:
        value = 0.3 if widths == widths_of(store, campaign_id, 0) else 0.3 + (0.01 if seed % 2 else -0.02)
        return Rewarded(value, {"ap": value})

    return Trainer(final)


def run_finals(store: Store, data_dir: Path, **changes: object) -> str:
    campaign_id = create(store, trials=30, finals={"top": 2, "seeds": 4}, **changes)
    starter(store, data_dir)(campaign_id, below_the_baseline(store, campaign_id))
    return campaign_id


def rules_of(store: Store, campaign_id: str) -> list[object]:
    events = store.reads.events_after(campaign_id, 0, 1000)
    return [each.data.get("rule") for each in events if each.kind in ("finals.started", "finals.completed")]


def test_finalists_are_chosen_by_the_objective_and_the_verdict_states_their_parameters(
    store: Store, tmp_path: Path
) -> None:
    campaign_id = run_finals(store, tmp_path, objective=SMALL)
    trials = {number: store.reads.get_trial_record(campaign_id, number) for number in range(30)}
    report = finals_report(store, campaign_id)
    for found in report.verdict.comparisons:
        assert found.params_ratio == trials[found.trial].params / trials[0].params
        assert found.latency_ratio is None
    chosen = [found.trial for found in report.verdict.comparisons]
    smaller = [number for number, trial in trials.items() if trial.params < min(trials[each].params for each in chosen)]
    assert len(smaller) < 10  # with this weight parameters decide most
    shown = min(report.verdict.comparisons, key=lambda found: found.trial)  # of equal means the first trial
    saved = round(100 * (1 - shown.params_ratio))
    assert report.verdict.sentence.startswith(
        "The uniform baseline ranks first, and no finalist is better: of the best"
    )
    assert f"4 seeds, equal within ±0.041 with {saved} % fewer parameters" in report.verdict.sentence
    assert (report.finals.winner, report.finals.best) == (None, 0)
    assert rules_of(store, campaign_id) == [2, 2]
    verify(store, campaign_id)


@pytest.mark.parametrize("names_its_rule", [True, False])
def test_finals_of_the_first_rule_replay_by_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names_its_rule: bool
) -> None:
    first = finals_rules.FIRST
    monkeypatch.setattr(finals_starts, "best_estimated", partial(estimated_values.best_estimated, rule=first))
    monkeypatch.setattr(finals, "ranked_first", partial(finals_verdict.ranked_first, rule=first))
    for module in (finals, finals_starts):
        monkeypatch.setattr(module, "LATEST", first)
    campaign_id = run_finals(store, tmp_path, objective=SMALL)
    assert finals_of(store, campaign_id).best != 0
    if not names_its_rule:
        set_rule(store, campaign_id, None)
    verify(store, campaign_id)
    set_rule(store, campaign_id, finals_rules.LATEST)
    with pytest.raises(ReplayError, match="its finalists"):
        verify(store, campaign_id)


@pytest.mark.parametrize("rule", [3, "2"])
def test_a_rule_that_is_unknown_is_refused(store: Store, tmp_path: Path, rule: object) -> None:
    campaign_id = run_finals(store, tmp_path)
    set_rule(store, campaign_id, rule)
    with pytest.raises(ReplayError, match=f"its rule is {rule!r}"):
        verify(store, campaign_id)


def set_rule(store: Store, campaign_id: str, rule: object) -> None:
    """Gives the events of finals another rule, or none, as earlier versions did."""
    table = models.Event
    query = select(table).where(
        table.campaign_id == campaign_id, table.kind.in_(("finals.started", "finals.completed"))
    )
    with store._database.writing() as session:
        for row in session.scalars(query):
            others = {name: value for name, value in row.data.items() if name != "rule"}
            row.data = others if rule is None else {"rule": rule, **others}


def test_the_costs_of_finalists_are_those_of_the_record(store: Store, tmp_path: Path) -> None:
    campaign_id = run_finals(store, tmp_path)
    record = store.reads.get_trial_record
    costs = store.reads.cost_ratios(campaign_id, [1, 2])
    assert set(costs) == {0, 1, 2}
    assert costs[0].params == 1.0
    assert costs[2].params == record(campaign_id, 2).params / record(campaign_id, 0).params
