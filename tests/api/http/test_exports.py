"""Exports over HTTP: what can be exported, requests, progress, and downloads."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.settings import Settings
from exporters import EXPORTERS
from nas_controller.exports.files import export_file
from nas_controller.store import Store
from nas_controller.supervision.export_job import run
from nas_controller.trainings.files import run_directory
from tests.support.recorder import Recorder
from tests.support.trainings import save_best, training_request

BODY = {"format": "detector"}


@pytest.fixture
def path(store: Store) -> str:
    """The path of the exports of a campaign with two trials."""
    return f"/v1/campaigns/{Recorder(store).run(2).id}/exports"


def make(store: Store, settings: Settings) -> None:
    """Makes the export that is queued, as its process does."""
    claimed = store.runner.export_queue.claim("s-1")
    assert claimed is not None
    run(store, settings.data_dir, claimed.id, claimed.attempts)


def problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


def test_the_formats_say_what_each_is_for_and_where_it_is_made(service: TestClient) -> None:
    items = service.get("/v1/export-formats").json()["items"]
    assert [each["name"] for each in items] == list(EXPORTERS)
    assert all(each["purpose"].endswith(".") for each in items)
    assert {each["name"]: each["place"] for each in items}.items() >= {"spec": "here", "detector": "worker"}.items()


def test_a_requested_export_is_made_once_and_downloaded(
    service: TestClient, store: Store, settings: Settings, path: str
) -> None:
    requested = service.post(path, json=BODY)
    assert requested.status_code == 202
    export = requested.json()
    address = requested.headers["location"]
    assert address == f"/v1/exports/{export['id']}"
    assert (export["state"], export["weights"]) == ("queued", "initial")
    assert export["about"].startswith("Initial weights of seed 0 at 512 px with 16 to 152 channels")
    assert problem(service.get(f"{address}/file"), 409).endswith(f"is queued; GET {address} shows its progress")
    make(store, settings)
    made = service.get(address).json()
    assert made["state"] == "completed"
    assert service.post(path, json=BODY).json() == made
    assert service.post(path, json=BODY).status_code == 200
    assert service.get(path).json()["exports"] == [made]

    download = service.get(f"{address}/file")
    assert download.headers["content-type"] == made["media_type"] == "application/zip"
    assert download.headers["content-disposition"] == f'attachment; filename="{made["file_name"]}"'
    assert download.headers["content-length"] == str(made["size_bytes"]) == str(len(download.content))
    assert download.headers["etag"] == f'"{made["sha256"]}"'
    assert hashlib.sha256(download.content).hexdigest() == made["sha256"]
    part = service.get(f"{address}/file", headers={"Range": "bytes=10-19", "If-Range": download.headers["etag"]})
    assert (part.status_code, part.content) == (206, download.content[10:20])
    assert service.get(f"{address}/file", headers={"If-None-Match": download.headers["etag"]}).status_code == 304
    assert service.head(f"{address}/file").headers["content-length"] == str(made["size_bytes"])
    assert service.get(f"{path}/detector").content == download.content


def test_a_format_of_a_worker_that_is_not_made_says_how_to_request_it(
    service: TestClient, store: Store, path: str
) -> None:
    detail = problem(service.get(f"{path}/detector?trial=1"), 409)
    assert detail == (
        f"detector of trial 1 is not made yet; request it with POST {path} and "
        '{"format": "detector", "trial": 1, "weights": "initial"}'
    )
    service.post(path, json={**BODY, "trial": 1})
    assert " is queued; GET /v1/exports/e_" in problem(service.get(f"{path}/detector?trial=1"), 409)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"format": "spec"}, 422, "format is 'spec'; those that can be requested are: "),
        ({"format": "none"}, 422, "detector"),
        ({**BODY, "weights": "finals"}, 409, "has no weights 'finals'; it has initial"),
        ({**BODY, "weights": "shared"}, 409, "has no weights 'shared'; it has initial"),
        ({**BODY, "trial": 7}, 404, "has no trial 7"),
        ({**BODY, "weights": "good"}, 422, "weights: "),
        ({**BODY, "widths": []}, 422, "unknown field 'widths'; did you mean 'weights'?"),
    ],
)
def test_what_cannot_be_exported_is_a_problem(
    service: TestClient, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    assert words in problem(service.post(path, json=body), status)


def test_weights_of_formats_without_any_and_trials_without_rewards_are_problems(
    service: TestClient, store: Store, path: str
) -> None:
    assert "the format 'svg' has no weights" in problem(service.get(f"{path}/svg?weights=best"), 422)
    empty = Recorder(store).id
    assert "no reward yet" in problem(service.get(f"/v1/campaigns/{empty}/exports"), 404)
    assert "there is no export 'e_0'" in problem(service.get("/v1/exports/e_0"), 404)
    assert "there is no export 'e_0'" in problem(service.get("/v1/exports/e_0/file"), 404)


def test_a_file_that_is_gone_is_made_again(service: TestClient, store: Store, settings: Settings, path: str) -> None:
    export_id = service.post(path, json=BODY).json()["id"]
    for download in (f"/v1/exports/{export_id}/file", f"{path}/detector", None):
        make(store, settings)
        export_file(settings.data_dir, store.reads.get_export(export_id)).unlink()
        if download is not None:
            assert "is gone; request it again" in problem(service.get(download), 409)
        again = service.post(path, json=BODY)
        assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, export_id, "queued")


def test_concurrent_requests_get_the_same_export(service: TestClient, path: str) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(service.post(path, json=BODY).json()["id"])) for _ in "1234"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_the_service_imports_no_framework_for_exports(tmp_path: Path) -> None:
    script = (
        "import sys, api.http.app, exporters, nas_controller.supervision.supervisor\n"
        "print(sorted({'tensorflow', 'torch', 'onnx', 'onnxruntime', 'keras', 'ray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.fixture
def training_path(store: Store) -> str:
    """The path of the exports of a training."""
    return f"/v1/trainings/{store.service.create_training(training_request()).id}/exports"


def id_in(path: str) -> str:
    """The id of the training in a path."""
    return path.split("/")[3]


def test_a_training_has_exports_of_its_best_model_so_far(
    service: TestClient, store: Store, settings: Settings, training_path: str
) -> None:
    for answer in (service.get(training_path), service.post(training_path, json=BODY)):
        assert "is queued and has no evaluated model" in problem(answer, 409)
    save_best(settings.data_dir, id_in(training_path), 1)
    assert problem(service.get(f"{training_path}/detector"), 409) == (
        f'detector of the best model is not made yet; request it with POST {training_path} and {{"format": "detector"}}'
    )
    assert service.get(training_path).json()["weights"][0]["kind"] == "training"
    requested = service.post(training_path, json=BODY)
    assert requested.status_code == 202
    assert (requested.json()["campaign_id"], requested.json()["weights"]) == (None, "training")
    make(store, settings)
    made = service.post(training_path, json=BODY)
    assert (made.status_code, made.json()["id"], made.json()["state"]) == (200, requested.json()["id"], "completed")
    download = service.get(f"{training_path}/detector")
    assert download.headers["content-disposition"] == 'attachment; filename="d0-detector.zip"'
    save_best(settings.data_dir, id_in(training_path), 2)
    better = service.post(training_path, json=BODY).json()
    assert better["id"] != made.json()["id"]
    assert [each["id"] for each in service.get(training_path).json()["exports"]] == [better["id"], made.json()["id"]]
    save_best(settings.data_dir, id_in(training_path), 3)
    make(store, settings)
    failed = service.get(f"/v1/exports/{better['id']}").json()
    assert "has a better model since the export was requested" in failed["error"]
    drawing = service.get(f"{training_path}/svg")
    assert (drawing.status_code, drawing.headers["content-type"]) == (200, "image/svg+xml")
    assert service.get(f"{training_path}/spec").json()["weights"] is None


def test_what_no_format_is_for_is_a_problem(service: TestClient, settings: Settings, training_path: str) -> None:
    save_best(settings.data_dir, id_in(training_path), 1)
    assert "format is 'spec'; those that can be" in problem(service.post(training_path, json={"format": "spec"}), 422)
    config = run_directory(settings.data_dir, id_in(training_path)) / "best" / "config.json"
    config.write_text('{"format": "effspine.task-model"}')
    detail = problem(service.post(training_path, json=BODY), 422)
    assert "is of Eff-SpineNet-D0 (detection), and exports are made of scale-permuted detectors" in detail
    assert "there is no training 't_0'" in problem(service.get("/v1/trainings/t_0/exports"), 404)
