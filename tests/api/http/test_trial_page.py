"""The page of one trial, and what its scripts read from the service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient

from api.http.routes.dashboard import STATIC_DIR
from nas_controller.entities import TrialDetailDocument
from nas_controller.states import TRIAL_STARTS, KeyScope, WeightsKind
from nas_controller.store import Store
from nas_controller.trainings.spec import DETECTION_RECIPES
from search_space.catalogue import CATALOGUE, TASKS
from search_space.coco_metrics import METRICS
from search_space.cost import cost_report
from search_space.recipes import RECIPES
from search_space.topology import BLOCKS
from search_space.trained_model import check_recipe
from tests.support.api_access import create_key, log_in
from tests.support.recorder import Recorder
from tests.support.scripts import TEXT, needs_node, run_script


def test_the_page_is_of_an_existing_trial(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, name="<script>alert(1)</script>").run(2)
    page = service.get(f"/campaigns/{recorder.id}/trials/1")
    assert page.status_code == 200
    assert f'data-campaign="{recorder.id}" data-number="1" data-may-operate="yes"' in page.text
    assert "alert(1)" not in page.text
    for address in re.findall(r'(?:src|href)="(/static[^"]+)"', page.text):
        assert service.get(address).status_code == 200, address
    assert service.get(f"/campaigns/{recorder.id}/trials/99").status_code == 404
    assert service.get(f"/campaigns/{recorder.id}/trials/-1").status_code == 422
    assert service.get("/campaigns/c_unknown/trials/0").status_code == 404


@pytest.mark.parametrize(("scope", "may"), [("view", "no"), ("operate", "yes")])
def test_only_scope_operate_is_offered_what_changes_something(
    service: TestClient, store: Store, scope: KeyScope, may: str
) -> None:
    recorder = Recorder(store).run(1)
    log_in(service, create_key(store, scope))
    assert f'data-may-operate="{may}"' in service.get(f"/campaigns/{recorder.id}/trials/0").text


def test_blocks_and_levels_are_those_of_the_widths(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, search_space={"searched_blocks": [5, 7, 9]}).run(3)
    trial = service.get(f"/v1/campaigns/{recorder.id}/trials/2").json()
    space = recorder.spec.search_space.build()
    cost, uniform = cost_report(space.architecture(trial["widths"])), cost_report(space.base)
    blocks = trial["blocks"]
    assert [each["width"] for each in blocks] == trial["widths"]
    assert [each["baseline_width"] for each in blocks] == list(space.base.widths)
    assert [each["level"] for each in blocks] == [block.level for block in BLOCKS]
    assert [each["multiplier"] for each in blocks if each["multiplier"] is not None] == trial["betas"]
    assert [each["block"] for each in blocks if each["multiplier"] is not None] == [5, 7, 9]
    assert [each["share"] for each in blocks] == [each.madds / cost.madds for each in cost.blocks]
    assert sum(each["madds"] for each in blocks) < trial["madds"]
    assert [each["level"] for each in trial["levels"]] == [1, 2, 3, 4, 5, 6, 7]
    second = next(each for each in trial["levels"] if each["level"] == 2)
    assert second["share"] == pytest.approx(sum(each["share"] for each in blocks[1:4]))
    assert second["baseline_share"] == pytest.approx(sum(each.madds for each in uniform.blocks[1:4]) / uniform.madds)


def test_the_coco_metrics_are_named_and_null_without_objects_of_a_size(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(1)
    running = recorder.begin()
    metrics = service.get(f"/v1/campaigns/{recorder.id}/trials/0").json()["coco_metrics"]
    assert [each["name"] for each in metrics] == list(METRICS)
    assert [each["title"] for each in metrics][:4] == ["AP", "AP at IoU 0.50", "AP at IoU 0.75", "AP small"]
    values = {each["name"]: each["value"] for each in metrics}
    reward = recorder.record.baseline_reward
    assert (values["ap"], values["ap_small"]) == (reward, None)
    assert values["ap50"] == pytest.approx(min(1.0, 1.6 * (reward or 0.0)))
    assert service.get(f"/v1/campaigns/{recorder.id}/trials/{running.number}").json()["coco_metrics"] is None


def test_the_schema_of_trainings_has_what_the_dialog_shows(service: TestClient) -> None:
    response = service.get("/v1/schemas/training")
    assert response.headers["content-type"] == "application/schema+json"
    schema = response.json()
    properties, resources = schema["properties"], schema["$defs"]["ResourcesSpec"]["properties"]
    assert properties["recipe"]["examples"] == list(DETECTION_RECIPES)
    assert properties["recipe"]["x-about"] == {name: RECIPES[name].source for name in DETECTION_RECIPES}
    assert set(DETECTION_RECIPES) == set(RECIPES)
    limits = {"minimum": 0, "maximum": 2**31 - 1, "default": 0}
    assert {name: properties["seed"][name] for name in limits} == limits
    assert properties["task"]["examples"] == list(TASKS)
    assert properties["recipe"]["x-tasks"].keys() == set(TASKS)
    for task, recipes in properties["recipe"]["x-tasks"].items():
        for found in recipes:
            check_recipe(task, next(model for model in CATALOGUE if model.task == task), found["name"], {})
            assert found["about"]
            assert found.keys() - {"name", "about"} in ({"epochs"}, {"steps"})
    assert [each["name"] for each in properties["recipe"]["x-tasks"]["detection"]] == list(DETECTION_RECIPES)
    assert properties["recipe"]["x-tasks"]["semantic-segmentation"][1]["steps"] == 10_000
    epochs = properties["overrides"]["properties"]["epochs"]
    assert (epochs["type"], epochs["minimum"], epochs["maximum"]) == ("integer", 1, 100_000)
    assert properties["start"]["examples"] == ["fresh", *TRIAL_STARTS]
    assert properties["start"]["x-about"].keys() == {"fresh", *TRIAL_STARTS}
    assert properties["start"]["default"] == "fresh"
    assert resources["cpus"]["anyOf"][0] == {"maximum": 1024, "minimum": 1, "type": "integer"}
    assert (resources["tpus"]["minimum"], resources["tpus"]["maximum"]) == (0, 64)


def test_the_scripts_read_fields_that_exist() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in (STATIC_DIR / "trial").glob("*.js"))
    fields = set(re.findall(r"\btrial\.([a-z_]+)\b", scripts)) - {"js", "length"}
    assert fields
    assert fields <= set(TrialDetailDocument.model_fields)


def test_the_dialogs_name_every_kind_of_weights() -> None:
    names = re.search(r"NAMES = \{([^}]*)\}", (STATIC_DIR / "dialogs" / "exports.js").read_text(encoding="utf-8"))
    assert names is not None
    assert set(re.findall(r"(\w+):", names[1])) == set(get_args(WeightsKind))


@needs_node
def test_differences_are_of_the_metrics_as_they_are_written(tmp_path: Path) -> None:
    body = f"""{TEXT}
    const {{ CocoMetrics }} = await import("./trial/coco-metrics.js");
    return shown(CocoMetrics(given));
    """
    trial, baseline = ({"name": "ap", "title": "AP", "about": "", "value": value} for value in (0.32862, 0.32537))
    given: dict[str, Any] = {"campaign": None, "trial": {"coco_metrics": [trial]}}
    given["baseline"] = {"coco_metrics": [baseline]}
    assert "0.329 0.325 +0.004" in run_script(tmp_path, body, given)  # the difference is 0.00325


@needs_node
def test_a_repeat_has_the_outcome_of_its_trial_or_waits_for_it(tmp_path: Path) -> None:
    body = f"""{TEXT}
    const {{ Attempts }} = await import("./trial/attempts.js");
    return given.map((state) => shown(Attempts({{ trial: {{ state, reused_from: 3, attempts_made: [] }} }})));
    """
    running, completed = run_script(tmp_path, body, ["running", "completed"])
    assert "a repeat is not trained and waits for the outcome of trial 3" in running
    assert "a repeat is not trained and has the outcome of trial 3" in completed
