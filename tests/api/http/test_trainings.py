"""Trainings over HTTP: what can be trained, and the states, events, history and model of a training."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.settings import Settings
from nas_controller.store import Store
from nas_controller.trainings import model_archive
from nas_controller.trainings.files import run_directory
from search_space.atomic_file import partial_path
from search_space.detector_model import load_detector
from search_space.document import BlockSpecification, block_specification, read_block_specification
from tests.support.recorder import Recorder
from tests.support.scripts import needs_node, run_script
from tests.support.trainings import SMALL, progress_at, save_best

BODY = {"architecture": "eff-spinenet-d0", "dataset": "digits", "recipe": "laptop-final", "seed": 1}
FIGURES: dict[str, float | None] = {"ap": 0.25, "ap_small": None}


@pytest.fixture(autouse=True)
def _digits(settings: Settings) -> None:
    """A data set by its name; only its directory is looked at."""
    (settings.data_dir / "datasets" / "digits").mkdir(parents=True)


def problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


def test_a_model_is_trained_watched_stopped_and_resumed(service: TestClient, store: Store) -> None:
    created = service.post("/v1/trainings", json={**BODY, "overrides": {"epochs": 8}})
    assert created.status_code == 201
    training = created.json()
    address = created.headers["location"]
    assert address == f"/v1/trainings/{training['id']}"
    assert training["id"].startswith("t_")
    assert (training["model"], training["specification"]) == ("Eff-SpineNet-D0", None)
    assert (training["state"], training["name"]) == ("queued", "Eff-SpineNet-D0, laptop-final")
    assert service.get(address).json() == training
    assert service.get("/v1/trainings").json() == {"items": [training], "next_cursor": None}
    store.runner.training_queue.claim("s-1")
    store.runner.record_training_progress(
        training["id"],
        1,
        progress_at(50, epoch=1.0, last=0.25, best=0.25, best_step=50),
        7.5,
        FIGURES,
        is_evaluated=True,
    )
    running = service.get(address).json()
    assert (running["progress"]["step"], running["figures"], running["device_seconds"]) == (50, FIGURES, 7.5)
    assert service.post(f"{address}/stop").json()["state"] == "stopping"
    assert "is stopping and cannot be resumed" in problem(service.post(f"{address}/resume"), 409)
    store.runner.suspend_training(training["id"], 1, 8.0)
    lines = [line for line in service.get(f"{address}/events?after=1").text.splitlines() if line.startswith("data")]
    *events, end = [json.loads(line.removeprefix("data: ")) for line in lines]
    kinds = [event["kind"] for event in events]
    assert kinds == ["training.started", "training.evaluated", "training.stopping", "training.stopped"]
    assert (events[1]["data"]["best"], end) == (0.25, {})
    assert service.post(f"{address}/resume").json()["state"] == "queued"
    assert [each["id"] for each in service.get("/v1/trainings?state=queued").json()["items"]] == [training["id"]]
    assert service.get("/v1/trainings?state=running").json()["items"] == []


def test_a_trial_is_trained_with_its_own_specification(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(3)
    body = {"campaign_id": recorder.id, "dataset": "digits", "recipe": "laptop-final"}
    best, first = (service.post("/v1/trainings", json={**body, **more}).json() for more in ({}, {"trial": 1}))
    assert best["trial"] == recorder.record.best_trial
    assert first["name"] == "first-look-trial-1, laptop-final"
    specification = read_block_specification(first["specification"])
    assert specification.architecture.widths == store.reads.get_trial_record(recorder.id, 1).widths
    assert specification.provenance["trial"] == 1
    listed = service.get(f"/v1/trainings?campaign_id={recorder.id}&limit=1").json()
    assert [each["id"] for each in listed["items"]] == [first["id"]]
    rest = service.get(f"/v1/trainings?campaign_id={recorder.id}&cursor={listed['next_cursor']}").json()
    assert [each["id"] for each in rest["items"]] == [best["id"]]


def test_widths_and_specifications_are_trained_too(service: TestClient) -> None:
    document = block_specification(BlockSpecification(SMALL, {}))
    for given, name in ((list(SMALL.widths), "custom"), (document, "small")):
        training = service.post("/v1/trainings", json={**BODY, "architecture": given}).json()
        assert read_block_specification(training["specification"]).architecture.widths == SMALL.widths
        assert training["name"] == f"{name}, laptop-final"
    classifier = {**BODY, "task": "classification", "recipe": "laptop"}
    assert service.post("/v1/trainings", json=classifier).json()["specification"]["name"] == "Eff-SpineNet-D0"
    named = {**classifier, "architecture": "EfficientNet-B0"}
    assert service.post("/v1/trainings", json=named).json()["model"] == "EfficientNet-B0"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recipe": "good"}, "recipe is 'good'; it must be one of paper, "),
        ({"task": "classification", "recipe": "good"}, "recipe is 'good'; for classification it must be one of "),
        ({"task": "speech"}, "task is 'speech'; it must be one of detection, "),
        ({"overrides": {"steps": 3}}, "unknown field 'steps'; a recipe counts in epochs: set 'epochs'"),
        ({"overrides": {"epoch": 3}}, "unknown field 'epoch'; did you mean 'epochs'?"),
        ({"overrides": {"epochs": 0}}, "epochs is 0; "),
        ({"overrides": {"epochs": [1]}}, "epochs is [1]; "),
        (
            {"task": "classification", "recipe": "laptop", "overrides": {"model": 1}},
            "unknown field 'model'; the fields of a recipe for ",
        ),
        ({"task": "classification", "recipe": "laptop", "overrides": {"dropout": 2}}, "dropout is 2"),
        ({"dataset": "cars"}, "there is no data set 'cars'"),
        ({"dataset": "../digits"}, "'../digits' is not a data set name"),
        ({"dataset": None}, "dataset is missing"),
        ({"architecture": "Eff-SpineNet-D9"}, "architecture is 'Eff-SpineNet-D9'; for detection it must be one of "),
        ({"architecture": "/etc/passwd"}, "architecture is '/etc/passwd'; "),
        ({"architecture": None}, "architecture is missing"),
        ({"architecture": {"format": "x"}}, "architecture: "),
        ({"architecture": [8] * 17}, "architecture"),
        ({"architecture": "ResNet-50-FPN", "task": "semantic-segmentation", "recipe": "laptop"}, "architecture is "),
        ({"start": "finals"}, "start is 'finals', the weights of a trial"),
        ({"start": "best"}, "start is 'best', but must be fresh, finals, shared or the id of a training, t_..."),
        ({"trial": 1}, "name its campaign in campaign_id too"),
        ({"seed": -1}, "seed: "),
        ({"steps": 3}, "unknown field 'steps'; the fields are name, task, "),
    ],
)
def test_what_cannot_be_trained_is_a_problem_and_queues_nothing(
    service: TestClient, changes: dict[str, Any], words: str
) -> None:
    assert words in problem(service.post("/v1/trainings", json={**BODY, **changes}), 422)
    assert service.get("/v1/trainings").json()["items"] == []


def test_trials_and_weights_that_do_not_exist_are_problems(service: TestClient, store: Store) -> None:
    campaign_id = Recorder(store).run(2).id
    body = {"campaign_id": campaign_id, "dataset": "digits", "recipe": "laptop-final"}
    assert "has no trial 7" in problem(service.post("/v1/trainings", json={**body, "trial": 7}), 404)
    assert "there is no campaign 'c_0'" in problem(
        service.post("/v1/trainings", json={**body, "campaign_id": "c_0"}), 404
    )
    for start in ("finals", "shared"):
        refused = service.post("/v1/trainings", json={**body, "start": start})
        assert f"has no weights '{start}'; it has initial" in problem(refused, 409)
    both = {**body, "architecture": "Eff-SpineNet-D0"}
    assert "give either architecture or campaign_id" in problem(service.post("/v1/trainings", json=both), 422)
    for path in ("", "/events", "/history", "/model"):
        assert "there is no training 't_0'" in problem(service.get(f"/v1/trainings/t_0{path}"), 404)


def test_the_history_is_that_of_its_run(service: TestClient, settings: Settings) -> None:
    training = service.post("/v1/trainings", json={**BODY, "name": "Cars & more"}).json()
    address = f"/v1/trainings/{training['id']}"
    assert service.get(f"{address}/history").json() == {"items": [], "next_cursor": None}
    run = run_directory(settings.data_dir, training["id"])
    run.mkdir(parents=True)
    row = {"step": 1, "epoch": 0.5, "learning_rate": 0.1, "losses": {"loss": 2.0}, "seconds": 0.5}
    rows = [row, row | {"step": 2, "metrics": FIGURES}]
    cut = b'{"step": 3, "epo'
    (run / "history.jsonl").write_bytes(b"".join(json.dumps(each).encode() + b"\n" for each in rows) + cut)
    assert service.get(f"{address}/history").json()["items"] == [row | {"metrics": None}, rows[1]]
    assert [each["step"] for each in service.get(f"{address}/history?after=1").json()["items"]] == [2]


def test_the_model_is_made_once_and_downloaded_as_often_as_wanted(
    service: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = service.post("/v1/trainings", json={**BODY, "name": "Cars & more"}).json()
    address, best = f"/v1/trainings/{training['id']}/model", run_directory(settings.data_dir, training["id"]) / "best"
    assert "is queued and has no evaluated model; ask again after" in problem(service.get(address), 409)
    save_best(settings.data_dir, training["id"])
    made: list[Path] = []
    monkeypatch.setattr(model_archive, "partial_path", lambda path: made.append(path) or partial_path(path))
    with ThreadPoolExecutor(4) as clients:
        first, *others = clients.map(lambda _: service.get(address), range(4))
    assert [each.content for each in others] == [first.content] * 3
    assert first.headers["content-disposition"] == 'attachment; filename="cars-more.zip"'
    assert first.headers["content-type"] == "application/zip"
    etag = first.headers["etag"]
    assert etag == f'"{hashlib.sha256(first.content).hexdigest()}"'
    assert "Authorization" in first.headers["vary"]
    for known in (etag, f"W/{etag}", "*"):
        assert service.get(address, headers={"If-None-Match": known}).status_code == 304
    part = service.get(address, headers={"Range": "bytes=100-199", "If-Range": etag})
    assert (part.status_code, part.content) == (206, first.content[100:200])
    assert service.head(address).headers["content-length"] == str(len(first.content))
    assert len(made) == 1
    with zipfile.ZipFile(io.BytesIO(first.content)) as files:
        assert {each.compress_type for each in files.infolist()} == {zipfile.ZIP_STORED}
        files.extractall(settings.data_dir / "unpacked")
    assert load_detector(settings.data_dir / "unpacked" / "cars-more").architecture.widths == SMALL.widths
    save_best(settings.data_dir, training["id"], seed=2)
    better = service.get(address, headers={"If-None-Match": etag, "Range": "bytes=100-199", "If-Range": etag})
    assert (better.status_code, len(made)) == (200, 2)
    assert len(list((best.parents[1] / "model").glob("*.zip"))) == 1
    (best / "model.safetensors").write_bytes(b"of another evaluation")
    (best / "config.json").write_text((best / "config.json").read_text() + "\n")
    assert "has no evaluated model" in problem(service.get(address), 409)


def test_an_ended_training_without_a_model_does_not_promise_one(service: TestClient) -> None:
    training_id = service.post("/v1/trainings", json=BODY).json()["id"]
    service.post(f"/v1/trainings/{training_id}/stop", json={})
    for path in ("model", "exports"):
        detail = problem(service.get(f"/v1/trainings/{training_id}/{path}"), 409)
        assert detail == f"training '{training_id}' is stopped and has no evaluated model"


def test_a_model_that_cannot_be_written_is_a_problem_that_says_why(service: TestClient, settings: Settings) -> None:
    training_id = service.post("/v1/trainings", json=BODY).json()["id"]
    save_best(settings.data_dir, training_id)
    (settings.data_dir / "trainings" / training_id / "model").write_text("in the way")
    detail = problem(service.get(f"/v1/trainings/{training_id}/model"), 500)
    assert detail == f"the file of the model of training '{training_id}' cannot be written: File exists"


def test_a_request_with_the_same_idempotency_key_creates_one_training(service: TestClient) -> None:
    headers = {"Idempotency-Key": "train-1"}
    first, second = (service.post("/v1/trainings", json=BODY, headers=headers).json() for _ in range(2))
    assert first == second
    assert len(service.get("/v1/trainings").json()["items"]) == 1


@needs_node
def test_only_a_failed_training_is_said_to_have_failed(tmp_path: Path) -> None:
    body = 'const { failureTitle } = await import("./training-failure.js"); return given.map(failureTitle);'
    failed, stopped, completed, running = run_script(tmp_path, body, ["failed", "stopped", "completed", "running"])
    assert failed == "The training failed. Resumed, it continues from its checkpoint."
    assert stopped == completed == "An earlier process was lost."
    assert running == "An earlier process was lost; the training continues from its checkpoint."
