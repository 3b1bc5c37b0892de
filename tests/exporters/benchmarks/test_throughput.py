"""`effspine bench throughput`: what it needs, and a run on the processors where torchvision is at hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from exporters.benchmarks.throughput_command import app
from exporters.benchmarks.throughput_script import WARM_UP_ROUNDS, compared
from search_space.errors import EffspineError, InvalidValueError
from tests.support.export_runtime import python_of, require_torchvision
from tests.support.exported_folders import exported, random_model
from tests.support.random_detectors import UNEQUAL

SMALL = ("--px", "64", "--batch", "2", "--rounds", "3", "--device", "cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(random_model(UNEQUAL), tmp_path_factory.mktemp("pytorch"))


def _throughput(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_python_without_the_frameworks_is_refused_with_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {python_of("exports")} -I -S "$@"\n')
    bare.chmod(0o755)
    error = _throughput(folder, "--python", bare).exception
    assert isinstance(error, InvalidValueError)
    assert f"{bare} has no torch and no torchvision and no safetensors and no numpy; run `pip install" in str(error)


def test_a_python_that_is_not_there_or_that_fails_is_an_error(folder: Path, tmp_path: Path) -> None:
    assert f"{tmp_path / 'python'} cannot be run" in str(_throughput(folder, "--python", tmp_path / "python").exception)
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o755)
    error = _throughput(folder, "--python", failing).exception
    assert isinstance(error, EffspineError)
    assert "ended with status 3" in str(error)


def test_what_is_no_architecture_is_refused() -> None:
    assert "architecture is 'none'; it must be one of" in str(_throughput("none").exception)


@dataclass
class RecordedSeconds:
    """Two images a step, whose seconds are given: those of the warm-up first, in turn."""

    given: list[float]
    batch: int = 2
    rounds: int = 3

    def seconds(self, step: str) -> float:
        """The next of them."""
        return self.given.pop(0)


def test_speeds_are_medians_without_the_warm_up_and_the_ratio_is_that_of_neighbours() -> None:
    warm_up = [50.0, 1.0] * WARM_UP_ROUNDS
    found = compared("ours", "theirs", RecordedSeconds([*warm_up, 1.0, 3.0, 2.0, 4.0, 4.0, 4.0]))  # type: ignore[arg-type]
    assert found == {"images_per_second": 1.0, "reference_images_per_second": 0.5, "ratio": 2.0}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("option", ["--no-compile", "--compile"])
def test_both_detectors_are_measured_in_inference_and_training(folder: Path, option: str) -> None:
    python = python_of("exports")
    require_torchvision()
    done = _throughput(folder, *SMALL, option, "--python", python, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout[done.stdout.index("{") :])
    assert (found["device"], found["px"], found["batch"], found["rounds"]) == ("cpu", 64, 2, 3)
    assert found["is_compiled"] == (option == "--compile")
    assert found["reference_parameters"] > 30e6 > found["parameters"] > 0
    for phase in ("inference", "training"):
        assert found[phase].keys() == {"images_per_second", "reference_images_per_second", "ratio"}
        assert min(found[phase].values()) > 0
