from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxy_trainer.commands import data_app
from proxy_trainer.errors import DataError
from search_space.errors import InvalidValueError


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EFFSPINE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def _run(*arguments: object) -> str:
    result = CliRunner().invoke(data_app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_make_digits_prints_one_document(tmp_path: Path) -> None:
    arguments = ("make-digits", tmp_path / "digits", "--train", 3, "--val", 2, "--seed", 4, "--json")
    assert json.loads(_run(*arguments)) == {
        "directory": str(tmp_path / "digits"),
        "created": True,
        "train": 3,
        "val": 2,
        "seed": 4,
        "categories": 1,
        "image_px": 128,
        "format_version": 1,
    }
    assert json.loads(_run(*arguments))["created"] is False
    assert "exists already" in _run(*arguments[:-1])


def test_inspect_prints_one_document_or_a_table(edge_case_coco: Path) -> None:
    arguments = ("inspect", "--images", edge_case_coco / "images", "--annotations", edge_case_coco / "annotations.json")
    found = json.loads(_run(*arguments, "--json", "--check-images"))
    assert found["images"] == 12
    assert found["unreadable_images"] == []
    assert json.loads(_run(*arguments, "--json"))["unreadable_images"] is None
    printed = _run(*arguments)
    assert "12 (1 without boxes)" in printed
    assert "disc" in printed


@pytest.mark.parametrize(("check", "kind"), [(False, "are missing"), (True, "cannot be used")])
def test_inspect_prints_its_document_and_fails_where_images_are_bad(
    edge_case_coco: Path, check: bool, kind: str
) -> None:
    path = edge_case_coco / "images" / "grey.jpg"
    if check:
        path.write_bytes(b"\xff\xd8\xff")
    else:
        path.unlink()
    arguments = [
        "inspect",
        "--images",
        str(edge_case_coco / "images"),
        "--annotations",
        str(edge_case_coco / "annotations.json"),
    ]
    result = CliRunner().invoke(data_app, [*arguments, "--json", *(["--check-images"] if check else [])])
    assert json.loads(result.stdout)["images"] == 12
    assert isinstance(result.exception, DataError)
    assert str(result.exception) == f"1 of 12 images {kind}; the first is {path}"


def test_register_refuses_a_name_of_another_directory(edge_case_coco: Path, data_dir: Path, tmp_path: Path) -> None:
    file = data_dir / "datasets" / "odd-1.json"
    printed = json.loads(_run("register", "odd-1", edge_case_coco, "--json"))
    assert printed == {"name": "odd-1", "path": str(edge_case_coco), "file": str(file)}
    assert json.loads(file.read_text()) == {"path": str(edge_case_coco)}
    assert str(file) in _run("register", "odd-1", edge_case_coco)
    other = shutil.copytree(edge_case_coco, tmp_path / "other")
    with pytest.raises(InvalidValueError, match=r"the name 'odd-1' is taken by .*odd; choose another"):
        _run("register", "odd-1", other)
    shutil.rmtree(edge_case_coco)
    _run("register", "odd-1", other)
    assert json.loads(file.read_text()) == {"path": str(other)}
    file.write_text("[]")
    with pytest.raises(DataError, match=r"odd-1\.json is damaged; remove it"):
        _run("register", "odd-1", other)


@pytest.mark.parametrize("name", ["Odd", "../odd", "", "-x", "a b", "a\n", "a" * 65])
def test_register_refuses_bad_names(edge_case_coco: Path, data_dir: Path, name: str) -> None:
    with pytest.raises(InvalidValueError, match="is not a data set name; use a-z"):
        _run("register", "--", name, edge_case_coco)
    assert not data_dir.exists()


def test_register_refuses_what_is_not_coco(edge_case_coco: Path, data_dir: Path) -> None:
    (edge_case_coco / "annotations.json").write_text("[]")
    with pytest.raises(DataError, match=r"annotations\.json holds a list at its top level"):
        _run("register", "odd", edge_case_coco)
    assert not data_dir.exists()
