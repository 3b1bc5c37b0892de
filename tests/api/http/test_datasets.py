"""Data sets over HTTP: what registration found, without reading the data."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.http.examples import EXAMPLE_RESPONSES
from api.settings import Settings
from search_space.datasets import preview_file, registration_file, write_registration, write_report

PNG = b"\x89PNG\r\n\x1a\n"
EXAMPLE = EXAMPLE_RESPONSES["get", "/v1/datasets/{name}"]["report"]


@pytest.fixture
def data_dir(settings: Settings) -> Path:
    """The data directory of the service."""
    return settings.data_dir


@pytest.fixture
def birds(data_dir: Path, tmp_path: Path) -> Path:
    """The directory of a data set that is registered as birds, with a report and a preview."""
    directory = tmp_path / "my birds"
    directory.mkdir()
    report: dict[str, Any] = {"path": str(directory), "refusals": [], **EXAMPLE}
    report["splits"] = {"train": {**EXAMPLE["splits"]["train"], "missing_images": [], "unreadable_images": []}}
    write_report(data_dir, "birds", report)
    preview_file(data_dir, "birds").write_bytes(PNG)
    write_registration(registration_file(data_dir, "birds"), directory)
    return directory


def test_a_registered_data_set_has_its_report(service: TestClient, birds: Path) -> None:
    assert service.get("/v1/datasets/birds").json() == {
        "name": "birds",
        "path": str(birds),
        "is_there": True,
        "has_preview": True,
        "report": EXAMPLE,
        "register_command": None,
    }
    picture = service.get("/v1/datasets/birds/preview")
    assert (picture.status_code, picture.headers["content-type"], picture.content) == (200, "image/png", PNG)
    assert service.head("/v1/datasets/birds/preview").status_code == 200


def test_the_list_has_all_names_with_the_number_of_warnings(service: TestClient, birds: Path, data_dir: Path) -> None:
    (data_dir / "datasets" / "digits").mkdir()
    registration_file(data_dir, "damaged").write_text("[]")
    assert service.get("/v1/datasets").json() == {
        "items": [
            {"name": "birds", "path": str(birds), "is_there": True, "warnings": 1},
            {"name": "damaged", "path": None, "is_there": False, "warnings": None},
            {"name": "digits", "path": str(data_dir / "datasets" / "digits"), "is_there": True, "warnings": None},
        ],
        "next_cursor": None,
    }


def test_without_data_sets_the_list_is_empty(service: TestClient) -> None:
    assert service.get("/v1/datasets").json() == {"items": [], "next_cursor": None}


def test_a_folder_in_place_says_how_to_make_a_report(service: TestClient, data_dir: Path) -> None:
    folder = data_dir / "datasets" / "digits"
    folder.mkdir(parents=True)
    found = service.get("/v1/datasets/digits").json()
    assert (found["report"], found["has_preview"]) == (None, False)
    assert found["register_command"] == f"EFFSPINE_DATA_DIR={data_dir} effspine data register digits {folder}"
    response = service.get("/v1/datasets/digits/preview")
    assert response.status_code == 404
    assert response.json()["detail"] == "data set 'digits' has no preview; `effspine data register` draws it"


def test_a_directory_with_a_space_is_quoted_in_the_command(service: TestClient, data_dir: Path, birds: Path) -> None:
    (data_dir / "datasets" / "birds.report.json").unlink()
    found = service.get("/v1/datasets/birds").json()
    assert found["register_command"] == f"EFFSPINE_DATA_DIR={data_dir} effspine data register birds '{birds}'"


def test_a_data_set_that_is_away_keeps_its_report(service: TestClient, birds: Path) -> None:
    birds.rename(birds.with_name("moved"))
    found = service.get("/v1/datasets/birds").json()
    assert (found["is_there"], found["report"]["warnings"][0]["kind"]) == (False, "area-invalid")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"path": 5}', "[" * 100_000, json.dumps({"path": "/elsewhere", **EXAMPLE})]
)
def test_a_report_that_is_damaged_or_of_another_directory_is_none(
    service: TestClient, data_dir: Path, birds: Path, content: str
) -> None:
    (data_dir / "datasets" / "birds.report.json").write_text(content)
    found = service.get("/v1/datasets/birds")
    assert found.status_code == 200
    assert found.json()["report"] is None


@pytest.mark.parametrize("name", ["unknown", "Birds", "birds.report", "a" * 64, "%2e%2e%2fbirds"])
@pytest.mark.parametrize("route", ["/v1/datasets/{}", "/v1/datasets/{}/preview", "/datasets/{}"])
def test_unknown_names_are_not_found(service: TestClient, birds: Path, name: str, route: str) -> None:
    assert service.get(route.format(name)).status_code == 404


def test_the_page_shows_the_name_and_takes_the_rest_from_the_api(service: TestClient, birds: Path) -> None:
    page = service.get("/datasets/birds")
    assert page.status_code == 200
    assert 'data-name="birds"' in page.text
    assert "Data set birds" in page.text
    assert "/static/dataset.js" in page.text
    assert str(birds) not in page.text


def test_nothing_is_read_but_the_files_beside_the_registration(service: TestClient, birds: Path) -> None:
    shutil.rmtree(birds)
    assert service.get("/v1/datasets/birds").json()["report"] == EXAMPLE
