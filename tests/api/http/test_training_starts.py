"""Trainings that start from the weights of another training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.settings import Settings
from nas_controller.store import Store
from nas_controller.trainings.files import run_directory
from search_space.architecture import Architecture
from search_space.catalogue import ARCHITECTURES
from search_space.detector import PAPER_ANCHOR_SIZE
from search_space.detector_model import initial_model, save_detector
from search_space.document import BlockSpecification, read_block_specification
from search_space.parameters import initial_values
from search_space.recipes import resolve_recipe
from search_space.task_model import TaskModel, save_task_model
from search_space.task_network import task_network
from search_space.task_recipes import task_recipe
from tests.support.recorder import Recorder
from tests.support.trainings import progress_at

D0 = {"architecture": "Eff-SpineNet-D0", "dataset": "digits", "recipe": "laptop-final"}
SEGMENTATION = {**D0, "task": "semantic-segmentation", "recipe": "laptop"}

Completed = Callable[..., str]


@pytest.fixture
def completed(service: TestClient, store: Store, settings: Settings) -> Completed:
    """Creates a training, completes it with an untrained model of its network, and returns its id."""
    (settings.data_dir / "datasets" / "digits").mkdir(parents=True, exist_ok=True)

    def complete(body: dict[str, Any]) -> str:
        created = service.post("/v1/trainings", json=body).json()
        best = run_directory(settings.data_dir, created["id"]) / "best"
        if created["task"] == "detection":
            save_detector(initial_model(BlockSpecification(_detector(created), {})), best)
        else:
            save_task_model(_segmenter(created), best)
        while (claimed := store.runner.training_queue.claim("s-1")) is not None and claimed.id != created["id"]:
            pass
        store.runner.complete_training(created["id"], 1, progress_at(100), 1.0, {"ap": 0.5})
        return str(created["id"])

    return complete


def _detector(training: dict[str, Any]) -> Architecture:
    """The network of a training of a scale-permuted detector, with five classes."""
    architecture = (
        read_block_specification(training["specification"]).architecture
        if training["model"] is None
        else ARCHITECTURES[training["model"].lower()]
    )
    return resolve_recipe(training["recipe"]).network(architecture, 5, PAPER_ANCHOR_SIZE)[0]


def _segmenter(training: dict[str, Any]) -> TaskModel:
    """The network of a training for segmentation, with initial weights."""
    architecture = read_block_specification(training["specification"]).architecture
    recipe = task_recipe(training["task"], training["recipe"], architecture)
    network = task_network(architecture, training["task"], recipe.training, 5)
    tensors = {each.name: initial_values([each], 0).reshape(each.shape) for each in network.parameters()}
    return TaskModel(network, "small", [], tensors, "initial", 0)


def refusal(service: TestClient, body: dict[str, Any], status: int) -> str:
    response = service.post("/v1/trainings", json=body)
    assert response.status_code == status, response.text
    return str(response.json()["detail"])


def test_a_training_starts_from_a_completed_one_of_the_same_network(
    service: TestClient, store: Store, completed: Completed
) -> None:
    earlier = completed(D0)
    created = service.post("/v1/trainings", json={**D0, "start": earlier, "overrides": {"epochs": 2}})
    assert created.status_code == 201
    assert created.json()["start"] == earlier
    assert store.reads.get_training(created.json()["id"]).start == earlier
    assert service.get(f"/v1/trainings/{earlier}").json()["start"] == "fresh"


def test_segmentation_starts_from_a_detector_as_the_paper_does(service: TestClient, completed: Completed) -> None:
    detector = completed(D0)
    assert service.post("/v1/trainings", json={**SEGMENTATION, "start": detector}).json()["start"] == detector
    larger = refusal(service, {**SEGMENTATION, "start": detector, "recipe": "paper"}, 422)
    assert f"start is '{detector}', a training of another network: its stem/" in larger
    published = completed({**D0, "recipe": "paper"})
    assert (
        service.post("/v1/trainings", json={**SEGMENTATION, "recipe": "paper", "start": published}).status_code == 201
    )
    segmentation = completed(SEGMENTATION)
    assert service.post("/v1/trainings", json={**SEGMENTATION, "start": segmentation}).status_code == 201
    of_detector = refusal(service, {**D0, "start": segmentation}, 422)
    assert "a training for semantic-segmentation; a scale-permuted detector starts from one of its kind" in of_detector


def test_a_training_of_another_network_or_without_a_result_is_refused(
    service: TestClient, completed: Completed, settings: Settings
) -> None:
    earlier = completed(D0)
    other = refusal(service, {**D0, "architecture": "Eff-SpineNet-D1", "start": earlier}, 422)
    assert "a training of another network: its " in other
    assert "start from one of the same widths and operations" in other
    baseline = refusal(service, {**D0, "architecture": "ResNet-50-FPN", "start": earlier}, 422)
    assert "a training of another network: its " in baseline
    queued = service.post("/v1/trainings", json=D0).json()["id"]
    assert f"training '{queued}' is queued" in refusal(service, {**D0, "start": queued}, 409)
    assert "there is no training 't_0'" in refusal(service, {**D0, "start": "t_0"}, 404)
    (run_directory(settings.data_dir, earlier) / "best" / "config.json").unlink()
    assert f"the files of training '{earlier}' are gone" in refusal(service, {**D0, "start": earlier}, 409)


def test_a_trial_starts_from_an_earlier_training_of_it(service: TestClient, store: Store, completed: Completed) -> None:
    recorder = Recorder(store).run(2)
    body = {"campaign_id": recorder.id, "trial": 1, "dataset": "digits", "recipe": "laptop-final"}
    earlier = completed(body)
    assert service.post("/v1/trainings", json={**body, "start": earlier}).json()["start"] == earlier
    of_another_trial = refusal(service, {**body, "trial": 0, "start": earlier}, 422)
    assert "a training of another network: its " in of_another_trial
