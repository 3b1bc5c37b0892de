"""What the terminal says of a campaign under way."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from api.cli.campaign_progress import seconds_left, training_seconds, view
from api.cli.output import duration, spark_line
from api.documents import CampaignDocument, TrialDocument
from nas_controller.store import Store
from tests.support.recorder import Recorder
from tests.support.trials import trials_of


def documents(store: Store, recorder: Recorder) -> tuple[CampaignDocument, list[TrialDocument]]:
    """The campaign and its trials, newest first, as the service shows them."""
    records = trials_of(store, recorder.id, order_by="-number")
    trials = [TrialDocument.model_validate(trial.to_dict()) for trial in records]
    return CampaignDocument.model_validate(recorder.record.to_dict()), trials


def test_the_time_left_counts_what_is_left_and_what_is_under_way(store: Store) -> None:
    recorder = Recorder(store, trials=10).run(4)
    assert seconds_left(*documents(store, recorder)) == pytest.approx(6 * 1.5)
    recorder.campaign.progress(recorder.begin(), 10, 20, {})
    assert seconds_left(*documents(store, recorder)) == pytest.approx(5.5 * 1.5)


def test_there_is_no_estimate_before_the_first_reward(store: Store) -> None:
    recorder = Recorder(store, trials=10)
    recorder.begin()
    assert seconds_left(*documents(store, recorder)) is None


def test_the_seconds_of_a_trial_are_those_that_its_worker_measured(store: Store) -> None:
    recorder = Recorder(store, trials=10).run(1)
    _, trials = documents(store, recorder)
    assert training_seconds(trials[0]) == 1.5


def test_the_live_picture_shows_trials_progress_and_the_best(store: Store) -> None:
    recorder = Recorder(store, trials=10).run(3)
    recorder.fail(recorder.begin(), "first line\nthe loss is not finite")
    recorder.campaign.progress(recorder.begin(), 10, 20, {}, 0.125)
    out = io.StringIO()
    Console(file=out, width=140).print(view(*documents(store, recorder)))
    text = out.getvalue()
    assert "baseline" in text
    assert "the loss is not finite" in text
    assert "step 10/20, AP 0.125" in text
    assert "4/10 trials" in text
    assert "time left about" in text
    Console(file=out, width=140).print(view(*documents(store, recorder), "the disk is full"))
    assert out.getvalue().rstrip().endswith("the disk is full")


def test_a_trial_that_was_stopped_early_says_at_which_step(store: Store) -> None:
    task = {"profile": "synthetic", "evaluate_steps": 5}
    recorder = Recorder(store, trials=4, proxy_task=task, early_stopping={"min_trials": 1})
    for ap in (0.2, 0.1):
        work = recorder.begin()
        recorder.campaign.progress(work, 5, 20, {}, ap)
        if not recorder.campaign.stop_early(work, 5, {}, ap):
            recorder.finish(work)
    out = io.StringIO()
    Console(file=out, width=140).print(view(*documents(store, recorder)))
    assert "stopped at step 5" in out.getvalue()


def test_spark_lines_and_durations() -> None:
    assert spark_line([8, 16, 32, 64]) == "▂▃▅█"
    assert spark_line([]) == ""
    assert [duration(seconds) for seconds in (None, 41.6, 185, 7800)] == ["-", "42 s", "3 min 05 s", "2 h 10 min"]
