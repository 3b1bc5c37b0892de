"""`effspine training`: the commands against a service, and what they print."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.training import app
from nas_controller.store import Store
from nas_controller.supervision.export_job import run as run_export
from nas_controller.trainings.files import run_directory
from search_space.catalogue import ARCHITECTURES
from search_space.detector import PAPER_ANCHOR_SIZE
from search_space.detector_model import initial_model, save_detector
from search_space.document import BlockSpecification, block_specification, load_block_specification
from search_space.recipes import resolve_recipe
from tests.support.command_line import CommandLine
from tests.support.exports import making
from tests.support.recorder import Recorder
from tests.support.trainings import SMALL, progress_at, save_best

FIGURES: dict[str, float | None] = {"ap": 0.25}
EVALUATED = {"epoch": 1.0, "last": 0.25, "best": 0.25, "best_step": 50}
OPTIONS = ("--dataset", "digits", "--recipe", "laptop-final")

Run = Callable[..., Any]


@pytest.fixture
def training(effspine: CommandLine, served: Store, tmp_path: Path) -> Run:
    """Runs a command of `effspine training` against a service with the data set digits."""
    (tmp_path / "data" / "datasets" / "digits").mkdir(parents=True)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, arguments, env=effspine.environment)

    return run


def test_a_training_is_created_listed_stopped_and_resumed(training: Run, served: Store) -> None:
    created = training("create", "Eff-SpineNet-D0", *OPTIONS, "--set", "epochs=8", "--seed", "2")
    assert created.exit_code == 0, created.output
    (stored,) = served.reads.list_trainings().items
    assert created.stdout == f"training {stored.id} is queued: Eff-SpineNet-D0, laptop-final\n"
    assert f"effspine training watch {stored.id}" in created.stderr
    assert (stored.overrides, stored.seed, stored.model) == ({"epochs": 8}, 2, "Eff-SpineNet-D0")
    served.runner.training_queue.claim("s-1")
    served.runner.record_training_progress(stored.id, 1, progress_at(50, **EVALUATED), 7.5, FIGURES)
    listed = training("list").stdout
    assert stored.id in listed
    assert "50/100" in listed
    shown = training("show", stored.id).stdout
    assert "best         ap 0.250" in shown
    assert "device time  8 s" in shown
    assert json.loads(training("stop", stored.id, "--json").stdout)["state"] == "stopping"
    served.runner.suspend_training(stored.id, 1, 8.0)
    assert "queued" in training("resume", stored.id).stdout
    assert json.loads(training("list", "--state", "running", "--json").stdout) == []


def test_architectures_and_trials_are_sent_as_they_are_meant(training: Run, served: Store, tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    file.write_text(json.dumps(block_specification(BlockSpecification(SMALL, {}))))
    campaign_id = Recorder(served).run(2).id
    for arguments in (
        (str(file),),
        (",".join(map(str, SMALL.widths)), "--name", "by widths"),
        ("--campaign", campaign_id, "--trial", "1"),
    ):
        assert training("create", *arguments, *OPTIONS).exit_code == 0
    of_trial, by_widths, by_file = served.reads.list_trainings().items
    assert (of_trial.campaign_id, of_trial.trial) == (campaign_id, 1)
    assert by_widths.name == "by widths"
    for each, name in ((by_widths, "custom"), (by_file, "small")):
        assert each.specification is not None
        assert each.specification["name"] == name
        assert [block["width"] for block in each.specification["blocks"]] == list(SMALL.widths)


def test_a_training_starts_from_another_one_or_says_why_not(training: Run, served: Store, tmp_path: Path) -> None:
    earlier = json.loads(training("create", "Eff-SpineNet-D0", *OPTIONS, "--json").stdout)["id"]
    unfinished = training("create", "Eff-SpineNet-D0", *OPTIONS, "--start", earlier)
    assert f"training '{earlier}' is queued; start from one that is completed" in str(unfinished.exception)
    served.runner.training_queue.claim("s-1")
    served.runner.complete_training(earlier, 1, progress_at(100, **EVALUATED), 9.0, FIGURES)
    network, _ = resolve_recipe("laptop-final").network(ARCHITECTURES["eff-spinenet-d0"], 10, PAPER_ANCHOR_SIZE)
    best = run_directory(tmp_path / "data", earlier) / "best"
    save_detector(initial_model(BlockSpecification(network, {})), best)
    later = json.loads(training("create", "Eff-SpineNet-D0", *OPTIONS, "--start", earlier, "--json").stdout)
    assert later["start"] == earlier
    assert f"detection, from the weights of {earlier}" in training("show", later["id"]).stdout
    other = training("create", "Eff-SpineNet-D1", *OPTIONS, "--start", earlier)
    assert "start from one of the same widths and operations" in str(other.exception)
    assert "must be fresh, finals, shared or" in str(
        training("create", "Eff-SpineNet-D0", *OPTIONS, "--start", "best").exception
    )


def test_watch_prints_evaluations_until_the_end_and_model_writes_the_best(
    training: Run, served: Store, tmp_path: Path
) -> None:
    training_id = json.loads(training("create", "Eff-SpineNet-D0", *OPTIONS, "--json").stdout)["id"]
    served.runner.training_queue.claim("s-1")
    served.runner.record_training_progress(
        training_id, 1, progress_at(50, **EVALUATED), 7.5, FIGURES, is_evaluated=True
    )
    served.runner.complete_training(training_id, 1, progress_at(100, **EVALUATED), 9.0, FIGURES)
    watched = training("watch", training_id)
    assert watched.stdout.splitlines() == [
        "created",
        "started, attempt 1",
        "step 50 of 100  epoch 1.0  loss 1.5  ap 0.2500, best 0.2500",
        "completed",
    ]
    assert watched.exit_code == 0
    save_best(tmp_path / "data", training_id)
    written = training("model", training_id, "--out", str(tmp_path / "out"))
    assert written.stdout == f"{tmp_path / 'out' / 'eff-spinenet-d0-laptop-final.zip'}\n"
    assert Path(written.stdout.strip()).stat().st_size > 10_000


def test_the_best_model_is_exported_in_any_format(training: Run, served: Store, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    created = training("create", "Eff-SpineNet-D0", *OPTIONS, "--cpus", "2", "--gpus", "0.5", "--json")
    training_id = json.loads(created.stdout)["id"]
    assert served.reads.get_training(training_id).resources == {"cpus": 2, "gpus": 0.5, "tpus": 0}
    refused = training("export", training_id, "--format", "onnx", "--out", str(tmp_path))
    assert "has no evaluated model" in str(refused.exception)
    save_best(data_dir, training_id)
    with making(served, lambda export: run_export(served, data_dir, export.id, export.attempts)):
        written = training("export", training_id, "--format", "onnx", "--out", str(tmp_path / "out"))
    assert written.stdout == f"{tmp_path / 'out' / 'eff-spinenet-d0-laptop-final-onnx.zip'}\n"
    assert "The best evaluation of the training with laptop-final on digits." in written.stderr
    with zipfile.ZipFile(written.stdout.strip()) as files:
        assert "eff-spinenet-d0-laptop-final-onnx/model.onnx" in files.namelist()
    spec = training("export", training_id, "--format", "spec", "--out", str(tmp_path / "out"))
    specification = load_block_specification(Path(spec.stdout.strip()))
    assert (specification.architecture.widths, specification.weights) == (SMALL.widths, None)


def test_watching_a_failed_training_is_an_error_that_says_how_to_continue(training: Run, served: Store) -> None:
    training_id = json.loads(training("create", "Eff-SpineNet-D0", *OPTIONS, "--json").stdout)["id"]
    served.runner.training_queue.claim("s-1")
    served.runner.fail_training(training_id, 1, "the data set is empty", 1.0)
    watched = training("watch", training_id)
    assert "failed: the data set is empty" in watched.stdout
    assert f"effspine training resume {training_id}" in watched.stderr
    assert "the data set is empty" in str(watched.exception)
    assert training("watch", training_id, "--json").exit_code == 1
    refused = training("create", "Eff-SpineNet-D0", "--dataset", "cars", "--recipe", "laptop-final")
    assert "there is no data set 'cars'" in str(refused.exception)
