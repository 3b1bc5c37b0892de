"""Sample detections over HTTP: refusals, requests, and what the archive has."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from nas_controller.exports.files import export_file
from nas_controller.search.outcomes import SharedWeights
from nas_controller.store import Store
from search_space.datasets import dataset_dir
from search_space.weights_files import shared_weights_dir, weights_file_name
from tests.support.recorder import Recorder

WEIGHTS = "a" * 64
IMAGE: dict[str, Any] = {
    "file_name": "1.png",
    "width": 64,
    "height": 48,
    "objects": {
        "truth": [{"box": [1.0, 2.0, 30.0, 40.0], "class": 0, "name": "digit", "is_crowd": False}],
        "trial": [{"box": [2.0, 2.0, 31.0, 40.0], "score": 0.75, "class": 0, "name": "digit"}],
        "baseline": [],
    },
    "pictures": {"truth": "1-truth.jpg", "trial": "1-trial.jpg", "baseline": "1-baseline.jpg"},
}


@pytest.fixture
def data_dir(service: TestClient) -> Path:
    app: Any = service.app
    directory: Path = app.state.settings.data_dir
    return directory


@pytest.fixture
def path(store: Store, data_dir: Path) -> str:
    """The detections of trial 1 of a campaign with shared weights, whose file is there."""
    dataset_dir(data_dir, "digits").mkdir(parents=True)
    recorder = Recorder(store, proxy_task={"profile": "laptop"}, dataset="digits")
    lease = store.runner.claim(recorder.id, "trainer", 600)
    store.runner.start_shared_training(lease, 4000, 1.0)
    store.runner.complete_shared_training(lease, SharedWeights(WEIGHTS, "b" * 64))
    store.runner.release(recorder.id, "trainer")
    recorder.run(2)
    file = shared_weights_dir(data_dir / "cache") / weights_file_name(WEIGHTS)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    return f"/v1/campaigns/{recorder.id}/trials/1/detections"


def complete(store: Store, data_dir: Path, export_id: str) -> None:
    """Writes an archive as the process of the export does."""
    record = store.runner.export_queue.claim("s-1")
    assert record is not None
    assert record.id == export_id
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        document = {"lowest_score": record.lowest_score, "of_images": 500, "images": [IMAGE]}
        files.writestr("folder/detections.json", json.dumps(document))
        for name in IMAGE["pictures"].values():
            files.writestr(f"folder/{name}", name.encode())
    file = export_file(data_dir, record)
    file.parent.mkdir(parents=True)
    file.write_bytes(content.getvalue())
    store.runner.complete_export(export_id, record.attempts, len(content.getvalue()), "c" * 64)


def test_a_trial_without_trained_weights_says_why(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).run(2).id}/trials/1/detections"
    document = service.get(path).json()
    assert document["unavailable"].startswith("trial 1 was not trained: the profile 'synthetic'")
    assert (document["export"], document["images"], document["about"]) == (None, None, None)
    refused = service.post(path, json={})
    assert (refused.status_code, refused.json()["detail"]) == (409, document["unavailable"])
    assert service.get(path.replace("/trials/1/", "/trials/9/")).status_code == 404


def test_detections_are_requested_made_and_read(service: TestClient, store: Store, data_dir: Path, path: str) -> None:
    before = service.get(path).json()
    assert (before["unavailable"], before["export"], before["lowest_score"]) == (None, None, 0.3)
    assert before["about"].startswith("The slice of the campaign's shared weights")
    requested = service.post(path, json={})
    export = requested.json()
    assert (requested.status_code, requested.headers["location"]) == (202, f"/v1/exports/{export['id']}")
    assert (export["format"], export["weights"], export["lowest_score"]) == ("detections", "shared", 0.3)
    assert service.post(path, json={"lowest_score": 0.3}).json()["id"] == export["id"]
    assert service.get(path).json()["export"]["state"] == "queued"
    picture = f"/v1/exports/{export['id']}/pictures/1-trial.jpg"
    assert service.get(picture).status_code == 409
    complete(store, data_dir, export["id"])
    made = service.get(path).json()
    (image,) = made["images"]
    assert (made["of_images"], image["baseline"], image["trial"][0]["score"]) == (500, [], 0.75)
    assert image["trial_picture"] == picture
    response = service.get(picture)
    assert (response.headers["content-type"], response.content) == ("image/jpeg", b"1-trial.jpg")
    cached = service.get(picture, headers={"If-None-Match": response.headers["etag"]})
    assert cached.status_code == 304
    assert service.get(picture.replace("1-trial", "7-trial")).status_code == 404
    assert service.get(picture.replace("1-trial.jpg", "detections.json")).status_code == 422
    assert service.post(path, json={}).status_code == 200


def test_each_lowest_score_is_a_request_of_its_own(service: TestClient, path: str) -> None:
    ids = {service.post(path, json={"lowest_score": score}).json()["id"] for score in (0.05, 0.3)}
    assert len(ids) == 2
    assert service.get(path, params={"lowest_score": 0.7}).json()["export"] is None
    for score in (-0.1, 1.5, "high", None):
        assert service.post(path, json={"lowest_score": score}).status_code == 422
    assert service.get(path, params={"lowest_score": 2}).status_code == 422


def test_detections_whose_file_is_gone_can_be_requested_again(
    service: TestClient, store: Store, data_dir: Path, path: str
) -> None:
    export = service.post(path, json={}).json()
    complete(store, data_dir, export["id"])
    export_file(data_dir, store.reads.get_export(export["id"])).unlink()
    document = service.get(path).json()
    assert (document["export"]["state"], document["images"]) == ("removed", None)
    again = service.post(path, json={})
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, export["id"], "queued")


def test_an_export_of_another_format_has_no_pictures(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).run(1).id}/exports"
    export = service.post(path, json={"format": "detector"}).json()
    refused = service.get(f"/v1/exports/{export['id']}/pictures/1-truth.jpg")
    assert refused.status_code == 404
    assert "which has no pictures" in refused.json()["detail"]
