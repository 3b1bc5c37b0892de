"""Whether a search still finds anything."""

from __future__ import annotations

import math

import pytest

from nas_controller.campaigns import search_health as module
from nas_controller.campaigns.search_health import entropy_share, search_health
from nas_controller.search.outcomes import Rewarded
from nas_controller.store import Store
from tests.support.recorder import Recorder


def finish(recorder: Recorder) -> None:
    """Runs a campaign to its end, in which repeats need no training."""
    while not recorder.campaign.over:
        work = recorder.campaign.next_trial()
        if work is not None:
            recorder.finish(work)


def test_a_search_that_only_repeats_itself_says_so(store: Store) -> None:
    recorder = Recorder(
        store, trials=120, controller={"policy": "factorised", "repeats": "count"},
        search_space={"choices": [1, 20], "searched_blocks": [1, 2]},
    )  # fmt: skip
    finish(recorder)
    found = search_health(store, recorder.id)
    assert (found.distinct, found.repeats_lately) == (1, 1.0)  # no other multipliers of these blocks meet the budget
    assert found.has_collapsed
    assert found.is_on_plateau
    assert found.trials_since_best >= 100
    assert found.sentence == (
        f"1 distinct architecture, 100 % repeats lately, nothing better for {found.trials_since_best} trials"
    )
    assert (found.noise, found.gain_error) == (None, None)  # too few architectures


def test_a_search_at_its_beginning_has_a_uniform_policy_and_no_plateau(store: Store) -> None:
    recorder = Recorder(store, trials=40)
    empty = search_health(store, recorder.id)
    assert (empty.distinct, empty.repeats_lately, empty.trials_since_best, empty.noise) == (0, 0.0, 0, None)
    found = search_health(store, recorder.run(12).id)
    assert (found.distinct, found.sentence) == (12, "12 distinct architectures")
    assert 0.95 < found.entropy <= 1.0
    assert not found.is_on_plateau
    assert not found.has_collapsed


def test_the_noise_of_rewards_is_found_and_that_of_exact_ones_is_small(store: Store) -> None:
    found = {}
    for name, noise in (("exact", 0.0), ("noisy", 0.02)):
        recorder = Recorder(store, name=name, trials=150, controller={"algorithm": "random"})
        for index in range(150):
            work = recorder.begin()
            smooth = 0.3 + 0.0002 * sum(math.log(width) for width in work.widths)
            draw = (index * 0.6180339887) % 1.0  # uniform draws, with a standard deviation of noise / sqrt(12)
            recorder.campaign.complete(work, Rewarded(smooth + noise * (draw - 0.5), {}))
        found[name] = search_health(store, recorder.id)
    exact, noisy = found["exact"], found["noisy"]
    assert noisy.noise == pytest.approx(0.02 / math.sqrt(12), rel=0.3)
    assert exact.noise is not None
    assert exact.noise < 0.1 * noisy.noise
    assert noisy.gain_error == pytest.approx(1.96 * math.sqrt(2) * noisy.noise, rel=1e-3)


def test_the_latest_trials_count_not_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(
        store, trials=60, controller={"policy": "factorised", "repeats": "count"},
        search_space={"choices": [1, 20], "searched_blocks": [1, 2, 3]},
    )  # fmt: skip
    finish(recorder)
    assert search_health(store, recorder.id).repeats_lately > 0.9
    monkeypatch.setattr(module, "LATELY", 60)
    first_trials = search_health(store, recorder.id).repeats_lately
    assert first_trials < 1.0  # the first trials were new


@pytest.mark.parametrize(
    ("rows", "share"),
    [([[0.2] * 5] * 3, 1.0), ([[1.0, 0.0], [0.0, 1.0]], 0.0), ([[0.5, 0.5], [1.0, 0.0]], 0.5), ([], 0.0)],
)
def test_entropy_is_a_share_of_that_of_a_uniform_policy(rows: list[list[float]], share: float) -> None:
    assert entropy_share(rows) == pytest.approx(share)
