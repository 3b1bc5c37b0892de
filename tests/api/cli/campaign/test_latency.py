"""`effspine campaign` shows the latency of trials where it was measured."""

from __future__ import annotations

from nas_controller.search.outcomes import Latency
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder


def test_tables_have_the_latency_where_it_was_measured(effspine: CommandLine, served: Store) -> None:
    without = Recorder(served, trials=2).run(2)
    recorder = Recorder(served, trials=3, objective={"minimise": "latency"})
    recorder.finish(recorder.begin(), latency=Latency(80.0, 1.0))
    recorder.finish(recorder.begin(), latency=Latency(73.25, 0.915625))
    recorder.begin()
    table = effspine("campaign", "trials", recorder.id).out
    assert "latency" in table
    assert "91.6 %" in table
    assert "91.6 %" in effspine("campaign", "best", recorder.id, "-k", "2").out
    assert "latency" not in effspine("campaign", "trials", without.id).out
    listed = effspine("campaign", "trials", recorder.id, "--order-by", "latency_ratio", "--json").document
    assert [(trial["number"], trial["latency_ms"]) for trial in listed] == [(1, 73.25), (0, 80.0), (2, None)]


def test_a_campaign_is_shown_with_its_second_aim(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, objective={"minimise": "latency"})
    assert "objective    AP and less latency, weight 0.07" in effspine("campaign", "show", recorder.id).out
    assert "objective" not in effspine("campaign", "show", Recorder(served).id).out
