"""The format `detector`: a model directory that effspine reads again, with a README."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.export import app as export_app
from exporters import EXPORTERS, Export
from proxy_trainer.inference.detector import load_any_detector
from proxy_trainer.inference_commands import evaluate_app, predict_app
from proxy_trainer.train_command import train_app
from search_space.detector_model import load_detector
from search_space.document import BlockSpecification
from search_space.errors import InvalidValueError
from tests.support.random_detectors import UNEQUAL

COMMANDS = {"predict": predict_app, "evaluate": evaluate_app, "train": train_app, "export": export_app}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    EXPORTERS["detector"].write(Export(BlockSpecification(UNEQUAL, {"dataset": "cars"})), tmp_path)
    return tmp_path


def test_it_is_a_model_directory_with_a_card(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert load_detector(folder).architecture == UNEQUAL
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: effspine\n")
    assert "- dataset: cars" in card
    assert "Nothing was dropped or approximated." in card


def test_the_commands_of_its_readme_exist_with_their_options(folder: Path) -> None:
    lines = re.findall(r"^    effspine (.*?) +#", (folder / "README.md").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    for line in lines:
        command, *words = shlex.split(line)
        printed = CliRunner().invoke(COMMANDS[command], ["--help"], env={"COLUMNS": "200"}).stdout
        assert all(option in printed for option in words if option.startswith("--"))


def test_an_archive_is_to_be_unpacked_first(tmp_path: Path) -> None:
    archive = tmp_path / "a best.zip"
    archive.write_bytes(b"PK")
    with pytest.raises(InvalidValueError) as caught:
        load_any_detector(archive, 1)
    command = f"python -m zipfile -e '{archive}' {tmp_path}"
    assert str(caught.value) == f"{archive} is an archive; unpack it first, and name the folder in it: {command}"
