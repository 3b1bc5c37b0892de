"""The load benchmark: parsing of the tool's output, the correction of latencies, and a whole run."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from api.benchmarks import load
from api.benchmarks.load import TOOL, Latencies, find_tool, read_report, summary, with_delayed_requests
from nas_controller.benchmarks.filled_database import MIN_CAMPAIGNS, fill, plans
from nas_controller.store import sqlite_url
from search_space.errors import EffspineError

REPORT = """\
response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset
0.0100,0.0001,0.0000,0.0000,0.0090,0.0001,200,0.1000
0.0300,0.0000,0.0000,0.0000,0.0290,0.0001,200,0.3000
0.0020,0.0000,0.0000,0.0000,0.0010,0.0001,503,0.5000
"""


def test_missing_and_failed_responses_are_errors() -> None:
    found = read_report(REPORT, requests=4)
    assert found.seconds == (0.01, 0.03)
    assert found.errors == 2


def test_a_stall_counts_for_the_requests_that_it_prevented() -> None:
    assert with_delayed_requests([0.05, 0.1], interval=0.1) == [0.05, 0.1]
    assert with_delayed_requests([0.35], interval=0.1) == pytest.approx([0.35, 0.25, 0.15, 0.05])


def test_percentiles_use_corrected_latencies() -> None:
    latencies = Latencies((0.01,) * 97 + (1.0,), errors=0)
    found = summary(latencies, per_second=10.0)
    assert found["requests"] == 98
    assert found["p50_ms"] == 10.0
    assert found["p99_ms"] == 600.0
    assert found["worst_ms"] == 1000.0
    assert summary(Latencies((), 3), per_second=10.0)["p99_ms"] == math.inf


def test_without_the_load_tool_the_error_explains_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EffspineError, match=f"apt-get install {TOOL}"):
        find_tool()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed")
def test_some_routes_are_measured_while_a_campaign_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    fill(url, plans(MIN_CAMPAIGNS, 200, 100, seed=1), lambda _: None)
    monkeypatch.setattr(load, "UNLOADED_SECONDS", 1.0)
    names = {"campaigns", "trial", "figure progress"}
    all_routes = load.routes
    monkeypatch.setattr(load, "routes", lambda *given: [route for route in all_routes(*given) if route.name in names])
    found = load.load_benchmark(url, seconds=1, print_line=lambda _: None)
    assert {route["route"] for route in found["routes"]} == names
    assert found["errors"] == found["times_locked"] == 0
    assert found["writer_trials_per_second"]["under_load"] > 0
    assert all(route["requests"] >= 4 and route["p99_ms"] > 0 for route in found["routes"])


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed")
def test_a_small_database_is_measured_while_a_campaign_writes(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    fill(url, plans(MIN_CAMPAIGNS, 200, 100, seed=1), lambda _: None)
    code = "from api.benchmarks.load_command import app; app()"
    command = [sys.executable, "-c", code, "--database-url", url, "--seconds", "1", "--json"]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = json.loads(completed.stdout)
    assert found["errors"] == found["times_locked"] == 0
    assert found["writer_trials_per_second"]["under_load"] > 0
    assert (found["campaigns"], found["trials"]) == (MIN_CAMPAIGNS, 200)
    named = {route["route"].partition(" ")[0] for route in found["routes"]}
    assert named == {"campaigns", "campaign", "trials", "trial", "best", "policy", "figure", "writer:"}
    assert all(route["requests"] >= 4 and route["p99_ms"] > 0 for route in found["routes"])
    assert completed.returncode == (0 if found["passed"] else 1)
