"""The comparison of searchers: its arithmetic, its landscapes, and a small run of each kind."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from nas_controller.benchmarks.searchers.command import ALGORITHMS as COMPARED
from nas_controller.benchmarks.searchers.command import app
from nas_controller.benchmarks.searchers.comparison import compare, difference, trials_to
from nas_controller.benchmarks.searchers.landscapes import Landscape, interactions, landscapes, separable, spread
from nas_controller.benchmarks.searchers.plot import draw
from nas_controller.benchmarks.searchers.runs import Run, run
from nas_controller.benchmarks.searchers.surrogate import Fit, Surrogate
from nas_controller.benchmarks.searchers.tables import print_tables
from nas_controller.execution import synthetic_reward
from nas_controller.search.searchers.registry import ALGORITHMS
from search_space.errors import InvalidValueError
from search_space.space import SearchSpace

SPACE = SearchSpace()
CANDIDATES = SPACE.random_candidates(60, seed=3)


def test_all_algorithms_are_compared() -> None:
    assert COMPARED == ALGORITHMS


def test_both_synthetic_landscapes_have_the_same_optimum() -> None:
    optimum = tuple(np.round(np.array(SPACE.base.widths) * np.array(synthetic_reward.OPTIMUM_FACTORS) * 1000) / 1000)
    best = synthetic_reward.FLOOR + synthetic_reward.HEIGHT
    assert separable(optimum) == pytest.approx(best)
    assert interactions(optimum) == pytest.approx(best)


def test_interactions_are_more_than_a_sum_over_blocks() -> None:
    """A model with a quadratic of each block explains the separable landscape, but not the other."""
    logs = np.log([candidate.widths for candidate in SPACE.random_candidates(400, seed=5)])
    scaled = (logs - logs.mean(axis=0)) / logs.std(axis=0)
    features = np.hstack([np.ones((len(scaled), 1)), scaled, scaled**2])

    def unexplained(value: object) -> float:
        assert callable(value)
        squares = np.log((np.array([value(tuple(np.exp(row))) for row in logs]) - synthetic_reward.FLOOR) / 0.9)
        residuals = squares - features @ np.linalg.lstsq(features, squares, rcond=None)[0]
        return float(residuals.var() / squares.var())

    assert unexplained(separable) < 1e-9
    assert unexplained(interactions) > 0.1


def test_noise_is_as_large_as_the_spread_and_the_same_for_the_same_architecture() -> None:
    noisy = next(landscape for landscape in landscapes({}) if landscape.name == "separable, noise")
    assert noisy.noise == spread(separable) > 0.05
    widths = CANDIDATES[0].widths
    assert noisy.reward(widths, 1) == noisy.reward(widths, 1) != noisy.reward(widths, 2)
    differences = [noisy.reward(c.widths, 1) - noisy.value(c.widths) for c in SPACE.random_candidates(200, seed=9)]
    assert np.std(differences) == pytest.approx(noisy.noise, rel=0.15)
    assert Landscape("high", lambda widths: 0.99, 10.0).reward(widths, 3) in (0.0, 1.0)


def test_a_surrogate_adds_its_landscapes_with_its_error_as_noise() -> None:
    surrogate = Surrogate([c.widths for c in CANDIDATES], [separable(c.widths) for c in CANDIDATES])
    plain, noisy = landscapes({"some rewards": surrogate})[-2:]
    assert (plain.name, noisy.name) == ("some rewards", "some rewards, noise")
    assert (plain.noise, noisy.noise) == (0.0, surrogate.fit.error)


def test_the_tables_say_how_many_architectures_a_surrogate_was_fitted_to(capsys: pytest.CaptureFixture[str]) -> None:
    controllers = {"random": {"algorithm": "random"}, "reinforce": {"algorithm": "reinforce"}}
    runs = {(0, which, seed): Run(np.linspace(0.0, 0.1 * seed, 4), 0) for which in (0, 1) for seed in (1, 2)}
    results = compare(landscapes({})[:1], controllers, runs, 2)
    print_tables(
        results, {"some": Fit(40, 60, 0.01, 0.02, 0.5, 2.0, 0.1), "all": Fit(60, 60, 0.01, 0.02, 0.5, 2.0, 0.1)}
    )
    printed = capsys.readouterr().out
    assert "some: 40 of 60 architectures; leave-one-out error 0.0100" in printed
    assert "all: 60 architectures; leave-one-out error 0.0100" in printed


def test_the_incumbent_has_the_best_reward_and_its_true_value_is_reported() -> None:
    landscape = next(each for each in landscapes({}) if each.name == "separable, noise")
    found = run(landscape, {"algorithm": "random"}, seed=2, trials=40)
    assert found.incumbent[0] == separable(SPACE.baseline.widths)
    assert len(found.incumbent) == 40
    assert (np.diff(found.incumbent) < 0).any()  # a lucky reward can replace a better architecture
    assert np.array_equal(found.incumbent, run(landscape, {"algorithm": "random"}, seed=2, trials=40).incumbent)


def test_trials_to_a_value_are_those_of_the_mean() -> None:
    curves = np.array([[0.0, 0.2, 0.4, 0.6], [0.0, 0.0, 0.0, 0.6]])
    reached = trials_to(curves, 0.2)
    assert reached is not None
    assert (reached.value, reached.low, reached.high) == (3.0, 2.0, 4.0)
    assert trials_to(curves, 0.7) is None


def test_a_difference_has_welchs_interval() -> None:
    first, second = np.array([1.0, 2.0, 3.0, 5.0]), np.array([2.0, 2.5, 3.0])
    found = difference(first, second)
    expected = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(0.25)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert difference(np.ones(3), np.zeros(3)).low == 1.0


def test_the_comparison_and_its_plot_have_every_searcher() -> None:
    controllers = {"random": {"algorithm": "random"}, "reinforce": {"algorithm": "reinforce"}}
    rising = np.linspace(0.0, 0.4, 8)
    runs = {(0, 0, seed): Run(rising + 0.01 * seed, 0) for seed in (1, 2)}
    runs |= {(0, 1, seed): Run(2.0 * rising + 0.01 * seed, 6 * seed) for seed in (1, 2)}
    (result,) = compare(landscapes({})[:1], controllers, runs, 2)
    random, reinforce = result.searchers
    assert random.final.value == pytest.approx(0.415)
    assert reinforce.trials_to_random is not None
    assert reinforce.trials_to_random.value == 5.0
    assert (reinforce.over_reinforce, reinforce.repeats) == (None, 9.0)
    assert random.over_reinforce is not None
    assert random.over_reinforce.value == pytest.approx(-0.4)
    assert [point["trials"] for point in result.to_dict()["searchers"][0]["curve"]] == [8]
    axes = draw([result]).axes[0]
    assert [line.get_label() for line in axes.get_lines()] == ["random", "reinforce"]
    assert axes.get_lines()[1].get_ydata() == pytest.approx(2.0 * rising + 0.015)


def test_the_command_prints_json_and_writes_a_plot(tmp_path: Path) -> None:
    rewards, scored, plot = tmp_path / "truth.jsonl", tmp_path / "scored.jsonl.gz", tmp_path / "plot.svg"
    rewards.write_text("\n".join(json.dumps({"widths": c.widths, "reward": separable(c.widths)}) for c in CANDIDATES))
    some = [json.dumps({"widths": c.widths, "ap": interactions(c.widths)}) for c in CANDIDATES[:40]]
    scored.write_bytes(gzip.compress("\n".join(some).encode()))
    further = '{"algorithm": "evolution", "population": 4}'
    arguments = [
        "--seeds",
        "2",
        "--trials",
        "6",
        "--rewards",
        str(rewards),
        "--rewards",
        str(scored),
        "--controller",
        further,
        "--algorithm",
        "reinforce",
        "--algorithm",
        "random",
        "--json",
    ]
    outcome = CliRunner().invoke(app, [*arguments, "--plot", str(plot)], catch_exceptions=False)
    assert outcome.exit_code == 0
    document = json.loads(outcome.stdout)
    assert [landscape["name"] for landscape in document["landscapes"]] == [
        "separable", "separable, noise", "interactions", "interactions, noise", "surrogate of truth.jsonl",
        "surrogate of truth.jsonl, noise", "surrogate of scored.jsonl.gz", "surrogate of scored.jsonl.gz, noise",
    ]  # fmt: skip
    labels = [searcher["label"] for searcher in document["landscapes"][0]["searchers"]]
    assert labels == ["reinforce", "random", "evolution population 4"]
    fits = [(fit["name"], fit["rows"], fit["architectures"]) for fit in document["surrogates"]]
    assert fits == [("surrogate of truth.jsonl", 60, 60), ("surrogate of scored.jsonl.gz", 40, 40)]
    assert ElementTree.parse(plot).getroot().tag.endswith("svg")


def test_any_algorithm_is_compared_with_reinforce_and_random() -> None:
    """The command of docs/performance.md names no reinforce."""
    documented = ["--algorithm", "tpe", "--algorithm", "random", "--seeds", "5"]
    outcome = CliRunner().invoke(app, [*documented, "--trials", "3", "--json"], catch_exceptions=False)
    searchers = json.loads(outcome.stdout)["landscapes"][0]["searchers"]
    assert [each["label"] for each in searchers] == ["tpe", "random", "reinforce"]
    assert [each["over_reinforce"] is None for each in searchers] == [False, False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "plot.pdf"], "must end in .svg or .png"),
        (["--controller", '{"algorithm": "random", "initial": 3}'], "controller.initial: initial is 3"),
        (["--algorithm", "annealing"], "annealing.*one of reinforce, random, evolution, local-search, tpe"),
        (["--controller", "random"], "controller: Invalid JSON"),
        (["--rewards", "missing.jsonl"], "cannot be read"),
        (["--rewards", "a/x.jsonl", "--rewards", "b/x.jsonl"], "a/x.jsonl and b/x.jsonl have one name"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
