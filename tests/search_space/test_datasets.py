"""Data sets are found by name only, never by path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search_space.datasets import (
    dataset_location,
    dataset_names,
    dataset_path,
    dataset_report,
    registration_file,
    write_registration,
    write_report,
)
from search_space.errors import InvalidValueError


def test_directories_and_registrations_are_found(tmp_path: Path) -> None:
    (tmp_path / "datasets" / "digits").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "datasets" / "cars.json").write_text(json.dumps({"path": str(elsewhere)}))
    (tmp_path / "datasets" / ".hidden").mkdir()
    (tmp_path / "datasets" / "notes.txt").write_text("no data set")
    assert dataset_names(tmp_path) == ["cars", "digits"]
    assert dataset_path(tmp_path, "digits") == tmp_path / "datasets" / "digits"
    assert dataset_path(tmp_path, "cars") == elsewhere


def test_an_unknown_name_is_refused_with_the_known_names_and_a_command_to_add_it(tmp_path: Path) -> None:
    (tmp_path / "datasets" / "digits").mkdir(parents=True)
    with pytest.raises(InvalidValueError) as caught:
        dataset_path(tmp_path, "cars")
    assert str(caught.value) == (
        f"there is no data set 'cars' in {tmp_path / 'datasets'}; there are: digits. "
        f"Add it with `EFFSPINE_DATA_DIR={tmp_path} effspine data register cars DIR`"
    )
    assert (caught.value.field, caught.value.value) == ("dataset", "cars")


@pytest.mark.parametrize("name", ["../digits", "", "Digits", "digits/../digits", "/etc"])
def test_invalid_names_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "datasets" / "digits").mkdir(parents=True)
    with pytest.raises(InvalidValueError, match="is not a data set name") as caught:
        dataset_path(tmp_path, name)
    assert caught.value.field == "dataset"


def test_the_error_without_any_data_set(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="none yet"):
        dataset_path(tmp_path, "digits")


@pytest.mark.parametrize("content", ["", "[]", '{"where": 1}', '{"path": 7}', '{"path": "/nowhere/at/all"}'])
def test_damaged_registrations_are_refused_with_the_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "cars.json").write_text(content)
    with pytest.raises(InvalidValueError, match="cars"):
        dataset_path(tmp_path, "cars")


def test_a_report_belongs_to_the_directory_that_is_registered_now(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_report(tmp_path, "birds", {"path": str(first), "warnings": []})
    assert dataset_report(tmp_path, "birds") is None
    write_registration(registration_file(tmp_path, "birds"), first)
    assert dataset_report(tmp_path, "birds") == {"path": str(first), "warnings": []}
    assert dataset_location(tmp_path, "birds") == first
    write_registration(registration_file(tmp_path, "birds"), second)
    assert dataset_report(tmp_path, "birds") is None
    assert dataset_names(tmp_path) == ["birds"]


def test_a_registration_holds_the_path_alone(tmp_path: Path) -> None:
    write_registration(registration_file(tmp_path, "birds"), tmp_path / "first")
    assert json.loads(registration_file(tmp_path, "birds").read_text()) == {"path": str(tmp_path / "first")}
