"""What Tune says of a failed trial reaches the campaign. No Ray is started here."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from nas_controller import worker_log
from nas_controller.campaign import Campaign, Failed, Rewarded, TrialWork
from nas_controller.ray_runner import _Carrier, _Errors


class Listener:
    """Stands in for a campaign with one trial."""

    over = False

    def __init__(self) -> None:
        self.heard: list[Rewarded | Failed] = []

    def next_trial(self) -> TrialWork:
        return TrialWork(3, 1, (8, 16))

    def complete(self, work: TrialWork, outcome: Rewarded | Failed) -> None:
        self.heard.append(outcome)


@pytest.mark.parametrize(
    ("ray_error", "expected"),
    [
        (
            ActorDiedError(),
            Failed(
                "retry",
                "the worker died before the trial had finished: it left no word, as after SIGKILL",
                "worker-killed",
            ),
        ),
        (ValueError("cannot be unpickled"), Failed("retry", "ValueError: cannot be unpickled", "unexpected")),
        (RayTaskError("step", "...", TypeError("widths")), Failed("retry", "TypeError: widths", "unexpected")),
        (None, Failed("retry", "the worker died before the trial had finished: it left no word, as after SIGKILL",
                      "worker-killed")),
    ],
    ids=["died", "raised", "raised in a task", "unknown"],
)  # fmt: skip
def test_a_trial_that_tune_fails_is_named_by_what_ray_raised(
    tmp_path: Path, ray_error: Exception | None, expected: Failed
) -> None:
    listener = Listener()
    carrier = _Carrier(cast(Campaign, listener), lambda: False, tmp_path)
    carrier.suggest("a")
    error_file = tmp_path / "error.pkl"
    if ray_error is not None:
        error_file.write_bytes(pickle.dumps(ray_error))
    trial: Any = SimpleNamespace(trial_id="a", pickled_error_file=str(error_file))
    _Errors(carrier).on_trial_error(None, trial)
    carrier.on_trial_complete("a", error=True)
    assert listener.heard == [expected]


def test_the_outcome_of_a_worker_that_lives_is_recorded_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    carrier = _Carrier(cast(Campaign, listener), lambda: False, tmp_path)
    monkeypatch.setattr(worker_log, "_joined", lambda written: "its words")
    for trial_id, outcome in (("a", Rewarded(0.5, {})), ("b", Failed("stop", "no such image", "unreadable-image"))):
        carrier.suggest(trial_id)
        worker_log.begin(tmp_path, 3, 1)
        carrier.on_trial_complete(trial_id, {"outcome": outcome})
    assert listener.heard == [
        Rewarded(0.5, {}), Failed("stop", "no such image", "unreadable-image", "its words"),
    ]  # fmt: skip
    assert not list((tmp_path / "attempts").iterdir())
