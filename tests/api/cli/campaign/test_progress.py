"""The live view of a campaign in the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from api.cli.campaign.progress import view
from api.cli.campaign.status import status_line
from api.cli.campaign.tables import shared_weights_line
from api.cli.output import duration, spark_line
from nas_controller.search.outcomes import SharedWeights
from nas_controller.store import Store
from tests.support.campaign_documents import campaign_and_trials
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import LONG_AGO


def test_the_live_view_shows_trials_progress_and_the_best(store: Store) -> None:
    recorder = Recorder(store, trials=10).run(3)
    recorder.fail(recorder.begin(), "first line\nthe loss is not finite")
    recorder.campaign.progress(recorder.begin(), 10, 20, {}, 0.125)
    out = io.StringIO()
    Console(file=out, width=140).print(view(*campaign_and_trials(store, recorder)))
    text = out.getvalue()
    assert "baseline" in text
    assert "the loss is not finite" in text
    assert "step 10/20, AP 0.125" in text
    assert "4/10 trials" in text
    assert "time left about" in text
    Console(file=out, width=140).print(view(*campaign_and_trials(store, recorder), "the disk is full"))
    assert out.getvalue().rstrip().endswith("the disk is full")


def test_the_time_left_of_a_search_says_that_the_finals_follow(store: Store) -> None:
    for finals, follows in ((None, False), ({"top": 2, "seeds": 3}, True)):
        recorder = Recorder(store, name=f"finals {follows}", trials=10, finals=finals).run(3)
        out = io.StringIO()
        Console(file=out, width=140).print(view(*campaign_and_trials(store, recorder)))
        assert (", then the finals" in out.getvalue()) is follows


def test_a_trial_that_stopped_early_shows_its_last_step(store: Store) -> None:
    task = {"profile": "synthetic", "evaluate_steps": 5}
    recorder = Recorder(store, trials=4, proxy_task=task, early_stopping={"min_trials": 1})
    for ap in (0.2, 0.1):
        work = recorder.begin()
        recorder.campaign.progress(work, 5, 20, {}, ap)
        if not recorder.campaign.stop_early(work, 5, {}, ap, lambda: None):
            recorder.finish(work)
    out = io.StringIO()
    Console(file=out, width=140).print(view(*campaign_and_trials(store, recorder)))
    assert "stopped at step 5" in out.getvalue()


def test_spark_lines_and_durations() -> None:
    assert spark_line([8, 16, 32, 64]) == "▂▃▅█"
    assert spark_line([]) == ""
    assert [duration(seconds) for seconds in (None, 41.6, 185, 7800)] == ["-", "42 s", "3 min 05 s", "2 h 10 min"]


def test_the_state_takes_several_lines_where_one_is_too_long(store: Store) -> None:
    campaign, _ = campaign_and_trials(store, Recorder(store).run(2))
    parts = ("2 running, 6 queued", "time left about 3 h 20 min", "and more")
    lines = status_line(campaign, None, *parts).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 80
    assert tuple("   ".join(lines).split("   ")[-3:]) == parts
    assert len(status_line(campaign).splitlines()) == 1


def test_the_training_of_shared_weights_is_shown_while_it_runs_and_after(store: Store) -> None:
    recorder = Recorder(store)
    lease = recorder.campaign._lease

    def shown() -> tuple[str, str | None]:
        campaign, _ = campaign_and_trials(store, recorder)
        return status_line(campaign), shared_weights_line(campaign.shared_training)

    assert "shared weights" not in shown()[0]
    assert shown()[1] is None
    store.runner.start_shared_training(lease, 6000, 1.0)
    store.runner.record_shared_begin(lease, LONG_AGO)
    assert "0/6 trials   shared weights: step 0 of 6,000   best AP" in shown()[0]
    store.runner.record_shared_progress(lease, 1500, 0.5)
    assert "shared weights: step 1,500 of 6,000, about " in shown()[0]
    assert shown()[1] == "shared, running at step 1,500 of 6,000, attempt 1"
    store.runner.complete_shared_training(lease, SharedWeights("1" * 64, "2" * 64, is_reused=True))
    assert "shared weights" not in shown()[0]
    assert shown()[1] == "shared, trained before, sha256 " + "2" * 64
