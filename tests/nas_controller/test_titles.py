"""Every kind of error and every reason to stop has words, and the scripts of the pages write them alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from nas_controller.states import StopReason
from nas_controller.titles import (
    ERROR_TITLES,
    STOP_REASON_TITLES,
    error_title,
    stop_condition,
    stop_reason_title,
)
from tests.support.error_kinds import raised_error_kinds
from tests.support.paths import ROOT
from tests.support.scripts import needs_node, run_script

SCRIPT = """
const { errorTitle, fieldTitle, stopReasonTitle } = await import("./titles.js");
return [given.kinds.map(errorTitle), given.reasons.map(([reason, stop]) => stopReasonTitle(reason, stop)),
  ["parallelism", "of a later version"].map(fieldTitle)];
"""


def test_every_kind_of_error_has_words_and_stands_in_the_documentation() -> None:
    assert raised_error_kinds() == ERROR_TITLES.keys()
    assert len(set(ERROR_TITLES.values())) == len(ERROR_TITLES)
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page.partition("| `error_kind` |")[2].partition("\n\n")[0], re.MULTILINE)
    assert {kind for row in rows for kind in re.findall("`([a-z-]+)`", row)} == ERROR_TITLES.keys()


def test_every_reason_to_stop_has_words() -> None:
    reasons = get_args(StopReason)
    assert STOP_REASON_TITLES.keys() == set(reasons)
    assert stop_reason_title("no_improvement_trials") == "no improvement"
    assert stop_reason_title("no_improvement_trials", {"no_improvement_trials": 1}) == "no improvement for 1 trial"
    conditions = {"wall_seconds": 3600, "device_hours": 2.5, "target_reward": 0.4, "no_improvement_trials": 1200}
    assert [stop_condition(reason, conditions[reason]) for reason in reasons if reason in conditions] == [
        "time limit 1 h 00 min",
        "target AP 0.4",
        "no improvement for 1,200 trials",
        "device-time limit 2 h 30 min",
    ]


@needs_node
def test_the_pages_have_the_same_words(tmp_path: Path) -> None:
    kinds = [*ERROR_TITLES, "of-a-later-version"]
    stops = (None, {"no_improvement_trials": 1, "wall_seconds": 9}, {"no_improvement_trials": 1200})
    reasons = [(reason, stop) for reason in get_args(StopReason) for stop in stops]
    found = run_script(tmp_path, SCRIPT, {"kinds": [*kinds, None], "reasons": reasons})
    assert found == [
        [*map(error_title, kinds), None],
        [stop_reason_title(reason, stop) for reason, stop in reasons],
        ["Parallel trials", "of a later version"],
    ]
