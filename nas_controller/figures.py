"""Figures as numbers ready to draw: pure functions from columns and records to named tuples.

The page, the report and the notebook draw the same numbers. `compute` fetches what a figure of a campaign
needs and calls its function; names are those of FIGURES.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from nas_controller.replay import controller_of
from nas_controller.store import MeasurementRecord, Store
from search_space.errors import InvalidValueError

MAX_CURVES = 8

Columns = Mapping[str, Sequence[Any]]


class Progress(NamedTuple):
    """Rewards of finished trials by number, the best of all up to each, and the uniform baseline's."""

    number: list[int]
    reward: list[float]
    best: list[float]
    repeated: list[bool]
    baseline: float | None


class CostReward(NamedTuple):
    """Rewards of trained architectures against a cost of theirs (`unit` says which), and the baseline's
    point.
    """

    unit: str
    number: list[int]
    cost: list[int]
    reward: list[float]
    baseline_cost: int | None
    baseline_reward: float | None


class Widths(NamedTuple):
    """Channels of each block: the uniform baseline's and the best trial's. `best` is None before any
    reward.
    """

    block: list[int]
    baseline: list[int] | None
    best: list[int] | None
    best_number: int | None
    best_reward: float | None


class PolicyFigure(NamedTuple):
    """The policy's probability of each multiplier for each searched block [blocks][choices], after `told` rewards."""

    block: list[int]
    choices: list[float]
    probability: list[list[float]]
    told: int


class Curve(NamedTuple):
    """What one attempt measured at its steps; a series has None where nothing was measured."""

    number: int
    attempt: int
    step: list[int]
    series: dict[str, list[float | None]]


class Curves(NamedTuple):
    """Learning curves of a few trials."""

    curves: list[Curve]


def progress(columns: Columns) -> Progress:
    """From the columns number, state, reward, reused_from. Trials given up count as 0."""
    finished = [row for row in _rows(columns, "number", "reward", "reused_from") if row[1] is not None]
    best: list[float] = []
    for _, reward, _ in finished:
        best.append(max(reward, best[-1]) if best else reward)
    return Progress(
        [row[0] for row in finished],
        [row[1] for row in finished],
        best,
        [row[2] is not None for row in finished],
        _baseline_reward(columns),
    )


def cost_reward(columns: Columns, unit: str) -> CostReward:
    """From the columns number, state, reward, reused_from and `unit` (madds or params). Repeats are left
    out.
    """
    rows = [
        row
        for row in _rows(columns, "number", unit, "reward", "state", "reused_from")
        if row[3] == "completed" and row[4] is None
    ]
    baseline_cost = columns[unit][0] if columns[unit] else None
    numbers, costs, rewards = ([row[place] for row in rows] for place in range(3))
    return CostReward(unit, numbers, costs, rewards, baseline_cost, _baseline_reward(columns))


def widths(columns: Columns) -> Widths:
    """From the columns number, state, reward, widths."""
    rows = _rows(columns, "number", "reward", "widths", "state")
    completed = [row for row in rows if row[3] == "completed"]
    best = max(completed, key=lambda row: (row[1], -row[0]), default=None)
    baseline = list(rows[0][2]) if rows else None
    blocks = list(range(1, len(baseline) + 1)) if baseline else []
    if best is None:
        return Widths(blocks, baseline, None, None, None)
    return Widths(blocks, baseline, list(best[2]), best[0], best[1])


def policy(
    blocks: Sequence[int], choices: Sequence[float], marginals: Sequence[Sequence[float]], told: int
) -> PolicyFigure:
    """From the searched blocks' numbers and the controller's marginals."""
    return PolicyFigure(list(blocks), list(choices), [list(row) for row in marginals], told)


def curves(points: Sequence[MeasurementRecord]) -> Curves:
    """From learning-curve points in order of trial, attempt and step."""
    found = []
    for (number, attempt), group in groupby(points, key=lambda point: (point.trial, point.attempt)):
        members = list(group)
        names = sorted({name for point in members for name in point.values})
        series = {name: [point.values.get(name) for point in members] for name in names}
        found.append(Curve(number, attempt, [point.step for point in members], series))
    return Curves(found)


def _progress_of(store: Store, campaign_id: str) -> Progress:
    return progress(store.columns(campaign_id, "number", "state", "reward", "reused_from"))


def _madds_ap_of(store: Store, campaign_id: str) -> CostReward:
    return cost_reward(store.columns(campaign_id, "number", "state", "reward", "reused_from", "madds"), "madds")


def _params_ap_of(store: Store, campaign_id: str) -> CostReward:
    return cost_reward(store.columns(campaign_id, "number", "state", "reward", "reused_from", "params"), "params")


def _widths_of(store: Store, campaign_id: str) -> Widths:
    return widths(store.columns(campaign_id, "number", "state", "reward", "widths"))


def _policy_of(store: Store, campaign_id: str) -> PolicyFigure:
    controller = controller_of(store, campaign_id)
    blocks = store.get_campaign(campaign_id).spec.search_space.build().searched_blocks
    return policy(blocks, controller.choices, controller.policy_marginals(), controller.told)


def _curves_of(store: Store, campaign_id: str) -> Curves:
    """Of the baseline, the best, and the latest trials that were trained; MAX_CURVES at most."""
    columns = store.columns(campaign_id, "number", "reused_from")
    trained = [number for number, reused_from in _rows(columns, "number", "reused_from") if reused_from is None]
    best = [trial.number for trial in store.best_trials(campaign_id)]
    wanted = dict.fromkeys([*trained[:1], *best, *reversed(trained)])
    return curves(store.curves(campaign_id, list(wanted)[:MAX_CURVES]))


FIGURES: dict[str, Callable[[Store, str], Any]] = {
    "progress": _progress_of,
    "madds-ap": _madds_ap_of,
    "params-ap": _params_ap_of,
    "widths": _widths_of,
    "policy": _policy_of,
    "curves": _curves_of,
}


def compute(store: Store, campaign_id: str, name: str) -> dict[str, Any]:
    """The figure `name` of a campaign as plain JSON values.

    Raises InvalidValueError (field `name`) for a figure there is not, and NotFoundError for the campaign.
    """
    if name not in FIGURES:
        raise InvalidValueError(f"there is no figure '{name}'; there are: {', '.join(FIGURES)}", field="name")
    figure = FIGURES[name](store, campaign_id)
    document: dict[str, Any] = figure._asdict()
    if isinstance(figure, Curves):
        document["curves"] = [curve._asdict() for curve in figure.curves]
    return document


def _rows(columns: Columns, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(columns[name] for name in names), strict=True))


def _baseline_reward(columns: Columns) -> float | None:
    """Trial 0's reward, unless it was given up."""
    if columns["state"] and columns["state"][0] == "completed":
        return float(columns["reward"][0])
    return None
