"""A campaign whose trials fail is said to be failing, on its page and in the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from nas_controller.store import Store
from tests.support.recorder import Recorder
from tests.support.scripts import needs_node, run_script

STATE = """
const { State } = await import("./campaigns/cells.js");
const text = (node) => Array.isArray(node) ? node.map(text).join(" ")
  : node === null || typeof node !== "object" ? String(node ?? "") : text(node.props.children);
return given.map((campaign) => text(State({ campaign })));
"""


def test_a_quarter_of_the_latest_outcomes_are_too_many_failures(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=60).run(1)

    def search() -> tuple[Any, ...]:
        figure = service.get(f"/v1/campaigns/{recorder.id}/figures/search").json()
        (listed,) = service.get("/v1/campaigns?include=search").json()["items"]
        names = ("outcomes_lately", "failed_lately", "is_failing")
        found = tuple(figure[name] for name in names)
        assert found == tuple(listed["summary"]["search"][name] for name in names)
        return found

    assert search() == (1, 0, False)
    recorder.fail(recorder.begin(), "the loss is NaN")
    assert search() == (2, 1, True)
    recorder.run(5)
    assert search() == (5, 1, False)
    recorder.run(30)
    assert search() == (20, 0, False)


@needs_node
def test_the_list_says_that_a_running_campaign_is_failing(tmp_path: Path, service: TestClient, store: Store) -> None:
    failing = Recorder(store, name="failing").run(1)
    for _ in range(2):
        failing.fail(failing.begin(), "the loss is NaN")
    Recorder(store, name="healthy").run(2)
    items = service.get("/v1/campaigns?include=search&sort=name").json()["items"]
    waits = {**items[0], "waiting_for": "the disk is full"}
    shown = run_script(tmp_path, STATE, [*items, waits])
    assert shown == ["running failing", "running ", "running waits"]
