from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from proxy_trainer.commands import data_app
from proxy_trainer.errors import DataError
from search_space.errors import InvalidValueError

WARNINGS = ["box-without-area", "orientation-ignored", "sixteen-bit", "box-beyond-image", "box-outside-image"]
"""Kinds for the edge-case folder."""


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
        "object_px": [10.0, 110.0],
        "format_version": 1,
        "task": "detection",
    }
    assert json.loads(_run(*arguments))["created"] is False
    assert "exists already" in _run(*arguments[:-1])


def test_digits_for_classification_have_ten_classes(tmp_path: Path) -> None:
    arguments = ("make-digits", tmp_path / "digits", "--train", 20, "--val", 10, "--task", "classification", "--json")
    made = json.loads(_run(*arguments))
    assert (made["task"], made["categories"]) == ("classification", 10)
    assert len(list((tmp_path / "digits" / "train").iterdir())) == 10


@pytest.mark.parametrize("heights", ["30", "8:x", "8:20:40", "30:8"])
def test_make_digits_names_invalid_heights(tmp_path: Path, heights: str) -> None:
    with pytest.raises(InvalidValueError, match=f"object_px is '?{heights}"):
        _run("make-digits", tmp_path / "digits", "--object-px", heights)


def test_inspect_prints_one_document_or_a_table(edge_case_coco: Path) -> None:
    arguments = ("inspect", "--images", edge_case_coco / "images", "--annotations", edge_case_coco / "annotations.json")
    found = json.loads(_run(*arguments, "--json", "--check-images"))
    assert found["images"] == 12
    assert found["unreadable_images"] == []
    assert found["refusals"] == []
    assert [each["kind"] for each in found["warnings"]] == WARNINGS
    assert json.loads(_run(*arguments, "--json")) == found
    printed = _run(*arguments)
    assert "12 (1 without boxes)" in printed
    assert "disc" in printed


@pytest.mark.parametrize(("is_damaged", "kind"), [(False, "image-missing"), (True, "image-unreadable")])
def test_inspect_prints_its_document_and_fails_where_images_are_bad(
    edge_case_coco: Path, is_damaged: bool, kind: str
) -> None:
    path = edge_case_coco / "images" / "grey.jpg"
    if is_damaged:
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
    result = CliRunner().invoke(data_app, [*arguments, "--json"])
    found = json.loads(result.stdout)
    assert found["images"] == 12
    assert [(each["kind"], each["count"]) for each in found["refusals"]] == [(kind, 1)]
    assert found["missing_images"] == ([] if is_damaged else [str(path)])
    assert [each["path"] for each in found["unreadable_images"]] == ([str(path)] if is_damaged else [])
    assert isinstance(result.exception, DataError)
    assert str(result.exception) == found["refusals"][0]["message"]
    assert str(path) in str(result.exception)
    assert "`effspine data fix DIR --out DIR2` writes the data set without them" in str(result.exception)


def test_register_refuses_a_name_of_another_directory(edge_case_coco: Path, data_dir: Path, tmp_path: Path) -> None:
    file = data_dir / "datasets" / "odd-1.json"
    printed = json.loads(_run("register", "odd-1", edge_case_coco, "--json"))
    assert {name: printed[name] for name in ("name", "path", "file")} == {
        "name": "odd-1",
        "path": str(edge_case_coco),
        "file": str(file),
    }
    assert [each["kind"] for each in printed["warnings"]] == WARNINGS
    assert (printed["refusals"], list(printed["splits"])) == ([], ["train"])
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


def test_inspect_judges_as_register_does(edge_case_coco: Path) -> None:
    of_directory = json.loads(_run("inspect", edge_case_coco, "--json"))
    registered = json.loads(_run("register", "odd", edge_case_coco, "--json"))
    assert json.loads(_run("inspect", "--dataset", "odd", "--json")) == of_directory
    assert of_directory == {name: value for name, value in registered.items() if name not in ("name", "file")}
    printed = _run("inspect", edge_case_coco)
    assert printed.count("warning: ") == len(WARNINGS)
    assert _run("register", "odd", edge_case_coco).count("warning: ") == len(WARNINGS)


@pytest.mark.parametrize(
    "arguments", [[], ["DIR", "--dataset", "odd"], ["--images", "DIR"], ["DIR", "--annotations", "FILE"]]
)
def test_inspect_needs_one_data_set(arguments: list[str]) -> None:
    with pytest.raises(
        InvalidValueError, match="give NAME or DIR, or --dataset NAME, or --images DIR with --annotations FILE"
    ):
        _run("inspect", *arguments)


def test_inspect_takes_the_sizes_of_a_proxy_task(edge_case_coco: Path) -> None:
    found = json.loads(_run("inspect", edge_case_coco, "--image-px", 512, "--anchor-size", 3, "--json"))
    split = found["splits"]["train"]
    assert (split["image_px"], split["anchor_size"]) == (512, 3.0)
    with pytest.raises(InvalidValueError, match="image_px is 8"):
        _run("inspect", edge_case_coco, "--image-px", 8)


@pytest.mark.parametrize("command", ["inspect", "register"])
def test_a_refused_data_set_is_a_document_and_an_error(edge_case_coco: Path, data_dir: Path, command: str) -> None:
    document = json.loads((edge_case_coco / "annotations.json").read_text())
    (edge_case_coco / "annotations.json").write_text(json.dumps({**document, "annotations": []}))
    name = ["odd"] if command == "register" else []
    result = CliRunner().invoke(data_app, [command, *name, str(edge_case_coco), "--json"])
    found = json.loads(result.stdout)
    assert [each["kind"] for each in found["refusals"]] == ["empty-split"]
    assert found.get("file") is None
    assert isinstance(result.exception, DataError)
    assert "annotations.json has no box, so there is nothing to learn" in str(result.exception)
    assert not data_dir.exists()


def test_register_writes_the_report_and_the_preview_beside_the_registration(
    edge_case_coco: Path, data_dir: Path
) -> None:
    printed = json.loads(_run("register", "odd", edge_case_coco, "--json"))
    files = sorted(path.name for path in (data_dir / "datasets").iterdir())
    assert files == ["odd.json", "odd.preview.png", "odd.report.json"]
    report = json.loads((data_dir / "datasets" / "odd.report.json").read_text())
    assert report.pop("registered_at").endswith("Z")
    assert report == {name: value for name, value in printed.items() if name not in ("name", "file")}
    with Image.open(data_dir / "datasets" / "odd.preview.png") as image:
        assert image.width > 1000


def test_register_reports_a_data_set_inside_the_data_directory(edge_case_coco: Path, data_dir: Path) -> None:
    inside = shutil.copytree(edge_case_coco, data_dir / "datasets" / "odd")
    assert json.loads(_run("register", "odd", inside, "--json"))["file"] == str(inside)
    files = sorted(path.name for path in (data_dir / "datasets").iterdir())
    assert files == ["odd", "odd.preview.png", "odd.report.json"]


def test_fix_and_preview_print_what_they_wrote(edge_case_coco: Path, tmp_path: Path) -> None:
    (edge_case_coco / "images" / "grey.jpg").write_bytes(b"not an image")
    fixed = json.loads(_run("fix", edge_case_coco, "--out", tmp_path / "fixed", "--json"))
    assert [each["file_name"] for each in fixed["splits"]["train"]["images_left_out"]] == ["grey.jpg"]
    assert json.loads((tmp_path / "fixed" / "report.json").read_text()) == fixed
    _run("register", "fixed", tmp_path / "fixed")
    drawn = json.loads(_run("preview", "fixed", "--out", tmp_path / "sheets", "--json"))
    assert drawn["files"] == [str(tmp_path / "sheets" / name) for name in ("train.png", "reserved.png")]
    assert "train.png" in _run("preview", "fixed", "--out", tmp_path / "sheets")
    with pytest.raises(InvalidValueError, match="profile synthetic trains nothing"):
        _run("preview", "fixed", "--out", tmp_path / "sheets", "--profile", "synthetic")


def test_data_sets_are_listed_with_what_their_registration_found(edge_case_coco: Path, data_dir: Path) -> None:
    assert json.loads(_run("list", "--json")) == []
    assert "there is no data set in" in CliRunner().invoke(data_app, ["list"]).output
    _run("register", "odd", edge_case_coco)
    (data_dir / "datasets" / "copied").mkdir()
    copied, odd = json.loads(_run("list", "--json"))
    assert (copied["name"], copied["splits"], copied["warnings"], copied["is_there"]) == ("copied", None, None, True)
    assert odd.pop("registered_at").endswith("Z")
    assert odd == {
        "name": "odd",
        "path": str(edge_case_coco),
        "is_there": True,
        "splits": {"train": {"images": 12, "boxes": odd["splits"]["train"]["boxes"]}},
        "classes": 3,
        "warnings": len(WARNINGS),
    }
    assert _run("list").splitlines()[3].split()[:3] == ["odd", "registered", "12"]
    shutil.rmtree(edge_case_coco)
    _, _, *rows = _run("list").splitlines()
    assert [row.split()[1] for row in rows] == ["not", "gone"]


def test_inspecting_a_name_prints_what_its_registration_found(
    edge_case_coco: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered = json.loads(_run("register", "odd", edge_case_coco, "--json"))
    found = json.loads(_run("inspect", "odd", "--json"))
    assert found.pop("registered_at").endswith("Z")
    assert found == {name: value for name, value in registered.items() if name != "file"}
    printed = _run("inspect", "odd")
    assert printed.startswith("data set odd, as registered 20")
    assert "12 (1 without boxes)" in printed
    assert printed.count("warning: ") == len(WARNINGS)
    (edge_case_coco / "annotations.json").unlink()
    assert json.loads(_run("inspect", "odd", "--json"))["splits"] == found["splits"]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidValueError, match=r"nowhere is neither a directory nor a registered data set; .* odd"):
        _run("inspect", "nowhere")
    (data_dir / "datasets" / "odd.report.json").write_text("{}")
    with pytest.raises(DataError):  # without a report it is read
        _run("inspect", "odd")


def test_what_is_written_without_a_directory_stands_in_the_current_one(
    edge_case_coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert json.loads(_run("fix", edge_case_coco, "--json"))
    assert (tmp_path / f"{edge_case_coco.name}-fixed" / "report.txt").is_file()
    _run("register", "odd-1", edge_case_coco)
    for name in ("odd-1", edge_case_coco.name):  # a registered one, and a directory here
        drawn = json.loads(_run("preview", name, "--json"))
        assert drawn["files"][0] == str(tmp_path / f"{name}-preview" / "train.png")
