"""Every interaction is measured on the pages as they are."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nas_controller.campaigns.policy_history import MAX_REPLAYED
from tests.support.chromium import chromium_program
from tests.support.paths import ROOT
from tools.pages.interactions import campaign_page, campaigns_page


@pytest.mark.slow
def test_each_interaction_has_a_figure() -> None:
    chromium_program()
    small = ["--trials", "120", "--large", "0", "--campaigns", "120", "--loads", "1", "--json"]
    command = [sys.executable, "-m", "tools.pages.timings", *small]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # 1: a bar does not hold
    figures = [(row["page"], row["figure"]) for row in json.loads(done.stdout)["figures"]]
    pages = {"campaign, 120 trials": campaign_page("c", 120), "list, 120 campaigns": campaigns_page()}
    for name, page in pages.items():
        assert [figure for at, figure in figures if at == name and figure in page.interactions] == [*page.interactions]


def test_a_very_long_campaign_has_no_slider_over_policies() -> None:
    assert "move the policy slider" in campaign_page("c", MAX_REPLAYED).interactions
    assert "move the policy slider" not in campaign_page("c", MAX_REPLAYED + 1).interactions
