"""Watching in a pipe: the last trials of the past at once, phases, workers, and what the search still finds."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.cli.campaign.lines import follow_lines
from api.cli.campaign.status import phases_line
from api.client import Client
from nas_controller.campaigns.finals import Finals
from nas_controller.search.outcomes import Rewarded, SharedWeights
from nas_controller.store import Store
from tests.support.campaign_documents import campaign_and_trials
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder


def trials_shown(text: str) -> list[int]:
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith("trial ")]


def test_the_last_trials_of_a_finished_campaign_are_shown(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=30).run(30)
    shown = effspine("campaign", "watch", recorder.id)
    assert shown.status == 0
    assert len(trials_shown(shown.out)) == 20
    assert shown.out.splitlines()[0] == (
        f"after 10 earlier trials, which `effspine campaign trials {recorder.id}` lists:"
    )
    assert trials_shown(effspine("campaign", "watch", recorder.id, "--tail", "3").out) == [27, 28, 29]
    assert trials_shown(effspine("campaign", "watch", recorder.id, "--tail", "0").out) == []
    everything = effspine("campaign", "watch", recorder.id, "--tail", "30").out
    assert len(trials_shown(everything)) == 30
    assert "earlier" not in everything
    *_, search, last = everything.splitlines()
    assert "distinct architectures" in search
    assert last.startswith("completed   30/30 trials")


def test_a_finished_campaign_takes_few_requests_however_long_it_is(
    served: Store, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(served, trials=60).run(60)
    requests: list[str] = []
    sent = httpx.Client.send

    def counted(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        requests.append(request.url.path)
        return sent(self, request, **options)

    monkeypatch.setattr(httpx.Client, "send", counted)
    with Client(f"http://127.0.0.1:{port}") as client:
        follow_lines(client, client.campaign(recorder.id), None, tail=5)
    assert len(trials_shown(capsys.readouterr().out)) == 5
    assert len(requests) < 10, requests


def test_a_running_campaign_begins_with_what_runs_and_waits(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=3, parallelism=3).run(1)
    begun, queued = recorder.begin(), recorder.campaign.next_trial()
    assert queued is not None
    shown = effspine("campaign", "show", recorder.id).out
    assert "workers      1 running, 1 queued" in shown
    recorder.finish(begun)
    recorder.campaign.begun(queued, 0.0)
    recorder.finish(queued)
    assert "workers" not in effspine("campaign", "show", recorder.id).out


def test_phases_are_told_with_their_progress(store: Store) -> None:
    recorder = Recorder(store, trials=4, finals={"top": 1, "seeds": 2})
    lease = recorder.campaign._lease

    def phases() -> str | None:
        return phases_line(campaign_and_trials(store, recorder)[0])

    assert phases() == "phases: search 0 of 4 trials, finals to come"
    store.runner.start_shared_training(lease, 6000, 1.0)
    assert phases() == "phases: shared weights step 0 of 6,000, search 0 of 4 trials, finals to come"
    store.runner.complete_shared_training(lease, SharedWeights("1" * 64, "2" * 64))
    assert phases() == "phases: shared weights done, search 0 of 4 trials, finals to come"


def test_finals_of_a_campaign_that_was_continued_do_not_end_its_search(store: Store) -> None:
    recorder = Recorder(store, trials=4, finals={"top": 1, "seeds": 2})

    def phases() -> str | None:
        return phases_line(campaign_and_trials(store, recorder)[0])

    recorder.run(4)
    assert phases() == "phases: search done after 4 of 4 trials, finals 0 of 4 trainings"
    run_finals(recorder)
    assert phases() == "phases: search done after 4 of 4 trials, finals done"
    store.service.update_campaign(recorder.id, {"trials": 6})
    recorder.release()
    recorder.run(5)
    assert phases() == "phases: search 5 of 6 trials, finals done before it was continued, more to come"
    store.service.request_stop(recorder.id)
    recorder.campaign.end("stopped")
    assert phases() == "phases: search ended after 5 of 6 trials, finals done"


def run_finals(recorder: Recorder) -> None:
    recorder.release()
    finals = Finals(recorder.store, recorder.campaign._lease, recorder.campaign, lambda failure: False)
    while (work := finals.next_trial()) is not None:
        finals.complete(work, Rewarded(0.2, {"ap": 0.2}))
    assert recorder.record.state == "completed"


def test_a_search_alone_has_no_phases(store: Store) -> None:
    assert phases_line(campaign_and_trials(store, Recorder(store))[0]) is None
