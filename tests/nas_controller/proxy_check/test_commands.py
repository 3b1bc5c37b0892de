from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.main import run
from nas_controller.execution import ray_executor
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.proxy_check.results import missing, read
from nas_controller.proxy_check.study import Training, design
from search_space.proxy_task import resolve
from search_space.space import SearchSpace
from tests.support.process_table import alive, descendant_pids
from tests.support.training_results import (
    even_widths,
    result,
    results_of,
    synthetic_study,
    truth_results,
    write_results,
)
from tests.support.waiting import wait_for

SMALL = ("proxy-check", "--profile", "synthetic", "--architectures", "4", "--seeds", "2")


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EFFSPINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("EFFSPINE_DEBUG", raising=False)
    return tmp_path / "data"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A file with all results of a small study; the baseline is noisy."""
    study = synthetic_study(architectures=4, seeds=2)

    def reward(training: Training) -> float:
        return 0.1 * (training.architecture + 1) + (0.03 if (training.architecture, training.seed) == (0, 2) else 0.0)

    path = tmp_path / "results.jsonl"
    lines = [json.dumps(vars(result)) for result in results_of(study, reward).values()]
    path.write_text("".join(line + "\n" for line in lines))
    return path


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains in this process instead of with Ray."""
    monkeypatch.setattr(ray_executor, "RayExecutor", lambda name, log: InProcessExecutor())


@pytest.mark.usefixtures("in_process")
def test_a_complete_check_and_its_report(data_dir: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    assert run([*SMALL, "--parallelism", "2", "--json", "--plot", str(plot)]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["verdict"]["passed"] is True
    assert "Nothing was trained" in found["verdict"]["text"]
    assert found["trainings"] == {"asked": 12, "finished": 12, "failures": []}
    assert found["estimates"]["kendall_of_one_seed"]["value"] == pytest.approx(1.0)
    assert [row["mean"] for row in found["architectures"]] == [
        pytest.approx(row["reference"]) for row in found["architectures"]
    ]
    assert printed.err.count("architecture ") == 12
    assert plot.read_text().startswith("<?xml")
    (file,) = (data_dir / "proxy-checks").glob("*.jsonl")
    assert found["results"] == str(file)
    assert file.name.startswith("synthetic-")

    assert run([*SMALL, "--report-only"]) == 0
    printed = capsys.readouterr()
    assert "Passed: all 4 criteria hold" in printed.out
    assert printed.err == ""
    assert run([*SMALL]) == 0  # no training is missing: no Ray, no progress
    assert capsys.readouterr().err == ""


def test_the_printed_report_has_every_architecture_and_criterion(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*SMALL, "--out", str(results), "--report-only"]) == 1
    out = capsys.readouterr().out
    uniform = next(line for line in out.splitlines() if "uniform" in line)
    assert uniform.split()[2:] == ["2", "0.115", "0.021", "0.184", "0.100"]
    assert re.search(r"fail +between seeds, CV of the worst +0\.184 +under 0\.15", out)
    assert re.search(r"pass +seconds of a trial +60\.000 +under 90", out)
    assert max(len(line.rstrip()) for line in out.splitlines()[:-2]) <= 80
    assert out.splitlines()[-1] == f"results: {results}"
    assert "Not passed: 1 of 4 criteria fail (coefficient of variation)" in out


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("--max-variation", "0.2"), 0),
        (("--max-variation", "0.2", "--max-seconds", "60"), 1),
        (("--max-variation", "0.2", "--min-icc", "1"), 1),
        (("--max-variation", "0.2", "--no-reference"), 0),
        (("--max-variation", "0.2", "--seeds", "3"), 1),
    ],
)
def test_the_exit_status_is_the_verdict(results: Path, options: tuple[str, ...], status: int) -> None:
    assert run([*SMALL, "--out", str(results), "--report-only", *options]) == status


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--profile", "smoke"), "give either --data or --dataset"),
        (("--profile", "smoke", "--data", "/none", "--dataset", "x"), "give either --data or --dataset"),
        (("--profile", "smoke", "--data", "/none"), "there is no data set directory /none"),
        (("--profile", "smoke", "--dataset", "cars"), "no data set 'cars'"),
        (("--profile", "synthetic", "--data", "/none"), "takes no data set"),
        (("--profile", "none"), "'none'"),
        (("--profile", "synthetic", "--set", "stepps=3"), "stepps"),
        (("--profile", "synthetic", "--architectures", "2"), "architectures is 2"),
        (("--profile", "synthetic", "--plot", "x.pdf"), "x.pdf"),
        (("--profile", "synthetic", "--base", "d9"), "'d9'"),
        (("--profile", "synthetic", "--budget-madds", "many"), "budget_madds is 'many'"),
        (("--profile", "synthetic", "--budget-madds", "1M"), "is 1,000,000; no widths"),
        (("--profile", "synthetic", "--report-only"), "there are no results in"),
        (("--profile", "synthetic", "--parallelism", "0"), "--parallelism"),
        (("--profile", "synthetic", "--seeds", "1"), "seeds is 1"),
        (("--profile", "synthetic", "--reference", "x", "--no-reference"), "either --reference or --no-reference"),
        (("--profile", "synthetic", "--reference", "x", "--reference-factor", "8"), "or --reference-factor"),
        (("--profile", "synthetic", "--reference", "x", "--widths", "x"), "either --reference or --widths"),
        (("--profile", "synthetic", "--reference", "/none"), "there are no results in /none"),
        (("--profile", "synthetic", "--widths", "/none"), "the widths in /none cannot be read"),
        (
            ("--profile", "laptop", "--set", "steps=0", "--set", "warmup_steps=0", "--data", "/"),
            "slices that are not trained; give --reference FILE",
        ),
    ],
)
def test_invalid_input_is_reported_in_one_line(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["proxy-check", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert message in printed.err


def test_a_report_of_results_does_not_need_the_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = design(
        SearchSpace(), resolve("smoke"), "/elsewhere/cars", architectures=3, seeds=2, reference_factor=None, seed=1
    )
    path = tmp_path / "results.jsonl"
    path.write_text(
        "".join(json.dumps(vars(result(study, training, 0.2))) + "\n" for training in study.trainings()[:2])
    )
    arguments = ("--profile", "smoke", "--data", "/elsewhere/cars", "--architectures", "3", "--seeds", "2")
    assert run(["proxy-check", *arguments, "--no-reference", "--out", str(path), "--report-only", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["trainings"]["finished"] == 2
    assert found["study"]["trained"] is True


@pytest.mark.usefixtures("in_process")
def test_architectures_of_a_file_are_trained_and_are_then_the_truth_table_of_another_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    widths, table = tmp_path / "widths.txt", tmp_path / "truth.jsonl"
    lines = [f"{','.join(map(str, even_widths(number)))} even-{number}\n" for number in range(3)]
    baseline = SearchSpace().baseline.widths
    widths.write_text("".join(lines) + ",".join(map(str, baseline)))
    synthetic = ("proxy-check", "--profile", "synthetic")
    run([*synthetic, "--widths", str(widths), "--seeds", "2", "--no-reference", "--out", str(table), "--json"])
    alone = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in alone["architectures"]] == ["even-0", "even-1", "even-2", "uniform"]
    assert (alone["trainings"]["finished"], alone["truth"]) == (8, None)

    out = ("--out", str(tmp_path / "proxy.jsonl"), "--json")
    run([*synthetic, "--reference", str(table), "--seeds", "1", *out])
    check = json.loads(capsys.readouterr().out)
    assert check["trainings"]["finished"] == 4
    assert [tuple(row["widths"]) for row in check["architectures"]] == [baseline, *map(even_widths, range(3))]
    assert check["study"]["reference"] is None
    assert check["truth"]["results"] == str(table)
    assert [row["reference"] for row in check["architectures"]] == [row["mean"] for row in check["architectures"]]


def test_results_are_not_added_to_the_truth_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_results(tmp_path / "truth.jsonl", truth_results([[0.1], [0.2], [0.3]]))
    arguments = ("proxy-check", "--profile", "synthetic", "--reference", str(table), "--out", str(table))
    assert run([*arguments, "--report-only"]) == 2
    assert "would be added to the truth table" in capsys.readouterr().err


def test_help_imports_no_heavy_package() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "api.cli.main", "proxy-check", "--help"]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    imported = {line.rpartition("|")[2].strip() for line in completed.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"tensorflow", "ray", "scipy", "matplotlib", "sqlalchemy"}
    assert "--reference-factor" in completed.stdout


def first_worker(log: Path) -> int | None:
    """The process id in the log of the first worker that has begun a training."""
    found = re.search(r"\(process (\d+)\) .*trial_worker: trial", log.read_text() if log.exists() else "")
    return int(found[1]) if found else None


@pytest.mark.usefixtures("in_process")
def test_a_killed_worker_is_replaced_and_ctrl_c_keeps_the_results_so_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs the command with a real Ray: a worker is killed, and after the second result the command is interrupted.

    The environment names a Ray cluster that does not answer, which is none of a local Ray's business.
    """
    path = tmp_path / "results.jsonl"
    arguments = [*SMALL, "--set", "seconds=2", "--no-reference", "--out", str(path)]
    command = [sys.executable, "-m", "api.cli.main", *arguments, "--parallelism", "2"]
    # A background test run ignores the signal, and its child processes would inherit that.
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:1", "RAY_NAMESPACE": "other"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    log = path.with_name("results.jsonl.log")
    killed = wait_for(lambda: first_worker(log), "a worker in training")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: len(read(path)) >= 2, "two results")
    assert process.poll() is None
    children = descendant_pids(process.pid)
    os.kill(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == ""
    *progress, last = error.splitlines()
    assert re.fullmatch(r"stopped; [1-6] trainings are left: run it again to resume, or with --report-only", last)
    assert progress[0] == "[0/8] starting"
    retries = [line for line in progress if "is retried" in line]
    assert len(retries) == 1
    assert re.fullmatch(
        r"seed [12], architecture 0 is retried: the worker died before the trial finished "
        rf"\(process {killed}\): it reported no cause, probably SIGKILL",
        retries[0],
    )
    assert all(re.match(r"\[\d/8\] ", line) for line in progress if line not in retries)  # no output of Ray
    assert not alive(children)
    assert "nas_controller.execution.trial_worker: trial 0, attempt 1: widths " in log.read_text()
    assert f"worker-killed: the worker died before the trial finished (process {killed})" in log.read_text()

    study = design(
        SearchSpace(), resolve("synthetic", seconds=2), None, architectures=4, seeds=2, reference_factor=None, seed=1
    )
    before = read(path)
    done = 8 - len(missing(study, before))
    assert 2 <= done < 8

    run([*arguments, "--parallelism", "4"])
    assert capsys.readouterr().err.startswith(f"[{done}/8] starting")
    after = read(path)
    assert missing(study, after) == []
    assert before.items() <= after.items()


@pytest.mark.slow
def test_workers_that_ray_kills_for_lack_of_memory_fail_their_attempts_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    options = ["--architectures", "3", "--seeds", "2", "--no-reference", "--set", "seconds=20", "--parallelism", "2"]
    completed = subprocess.run(
        [sys.executable, "-m", "api.cli.main", "proxy-check", "--profile", "synthetic", *options, "--out", str(path)],
        env={**os.environ, "RAY_memory_usage_threshold": "0.01"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    results = list(read(path).values())
    assert [found.reward for found in results] == 6 * [None], completed.stderr
    assert all("Ray killed it because the machine ran low on memory" in str(found.error) for found in results)
    assert completed.stderr.count("is retried") == 12
