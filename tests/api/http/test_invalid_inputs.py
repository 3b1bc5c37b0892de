"""The words about an invalid campaign: what was given, and what would be right."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.http.document_fields import field_paths
from api.http.invalid_inputs import located, shown
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store
from tests.support.recorder import SYNTHETIC, Recorder


def detail_of(service: TestClient, changes: dict[str, Any], path: str = "/v1/campaigns") -> str:
    response = service.post(path, json={"name": "x", "proxy_task": SYNTHETIC, **changes})
    assert response.status_code == 422, response.text
    problem = response.json()
    assert problem["errors"][0]["message"] in located(problem["errors"][0]["field"], problem["errors"][0]["message"])
    detail: str = problem["detail"]
    return detail


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"trials": "many"}, "trials: 'many' is not a whole number (1 to 100,000)"),
        ({"trials": None}, "trials: null is not a whole number (1 to 100,000)"),
        ({"trials": 2.5}, "trials: 2.5 is not a whole number (1 to 100,000)"),
        ({"trials": "1_000"}, "trials: '1_000' is not a whole number (1 to 100,000); write 1000"),
        ({"trials": "1,000"}, "trials: '1,000' is not a whole number (1 to 100,000); write 1000"),
        ({"trials": 0}, "trials: 0 is out of range; it must be 1 to 100,000"),
        ({"trials": [5]}, "trials: [5] is not a whole number (1 to 100,000)"),
        (
            {"trial_timeout_seconds": "12:30"},
            "trial_timeout_seconds: '12:30' is not a number (1 to 316,224,000); YAML reads it as a text, write the "
            "number, such as 750",
        ),
        ({"name": True}, "name: true is read as true or false, not as a text; quote it: 'true'"),
        ({"name": 7}, "name: 7 is read as a number, not as a text; quote it: '7'"),
        ({"name": None}, "name: null is read as nothing, not as a text; quote it: 'null'"),
        ({"name": ""}, "name: it is empty; it must have 1 to 100 characters"),
        ({"name": "n" * 101}, "name: it has 101 characters; it must have 1 to 100"),
        ({"search_space": {"choices": [1]}}, "search_space.choices: it has 1 entry; it must have 2 to 64"),
        ({"search_space": {"mode": "exakt"}}, "'exakt' is not one of 'exact', 'paper'; did you mean 'exact'?"),
        ({"stop": 5}, 'stop: 5 is not a group of fields, such as {"field": value}'),
        ({"search_space": {"searched_blocks": 5}}, "search_space.searched_blocks: 5 is not a list, such as [1, 2]"),
        (
            {"search_space": {"base": {"widths": [8] * 18, "operations": {"weighted_fusion": "yes"}}}},
            "'yes' is neither true nor false; YAML reads yes as a text: write true",
        ),
    ],
)
def test_a_value_is_refused_in_the_words_of_the_user(service: TestClient, changes: dict[str, Any], detail: str) -> None:
    assert detail in detail_of(service, changes)


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"trails": 5}, "unknown field 'trails'; did you mean 'trials'?"),
        ({"epochs": 5}, "unknown field 'epochs'; did you mean 'proxy_task.steps' or 'finals.epochs'?"),
        ({"tags": ["night"]}, "unknown field 'tags'; `effspine campaign edit` sets it"),
        ({"notes": "night"}, "unknown field 'notes'; `effspine campaign edit` sets it"),
        ({"image_px": 96}, "unknown field 'image_px'; it belongs in proxy_task: 'proxy_task.image_px'"),
        ({"budget": 5}, "unknown field 'budget'; did you mean 'search_space.budget_madds'?"),
        ({"device_hours": 5}, "unknown field 'device_hours'; it belongs in stop: 'stop.device_hours'"),
        ({"workers": 5}, "unknown field 'workers'; did you mean 'parallelism'?"),
        ({"Trials": 5}, "unknown field 'Trials'; did you mean 'trials'?"),
        ({"proxy_task": {"profile": "synthetic", "epochs": 5}}, "field 'epochs' in proxy_task; did you mean 'steps'?"),
        (
            {"proxy_task": {"profile": "synthetic", "trials": 5}},
            "field 'trials' in proxy_task; it belongs at the top of the document",
        ),
        ({"stop": {"hours": 5}}, "unknown field 'hours' in stop; did you mean 'device_hours'?"),
        ({"finals": {"seed": 5}}, "unknown field 'seed' in finals; did you mean 'seeds'?"),
        ({"early_stopping": {"zzz": 1}}, "unknown field 'zzz' in early_stopping; the fields are rule, min_trials"),
    ],
)
def test_an_unknown_field_comes_with_the_one_that_was_meant(
    service: TestClient, changes: dict[str, Any], detail: str
) -> None:
    assert detail in detail_of(service, changes)


@pytest.mark.parametrize(
    ("budget", "use"),
    [(1_000, "use 647.5 M or more. Feasible are 647,488,064 to "), (10**15, "use 19,246.8 G or less. Feasible are ")],
)
def test_a_budget_out_of_reach_says_which_to_use(service: TestClient, budget: int, use: str) -> None:
    detail = detail_of(service, {"search_space": {"budget_madds": budget}})
    assert detail.startswith(f"search_space.budget_madds is {budget:,}; no widths of ")
    assert use in detail


def test_the_budget_that_is_advised_is_accepted_as_it_is_written(service: TestClient, store: Store) -> None:
    for text, madds in (("647.5 M", 647_500_000), ("1.3G", 1_300_000_000)):
        document = {"name": "x", "proxy_task": SYNTHETIC, "search_space": {"budget_madds": text}}
        created = service.post("/v1/campaigns", json=document)
        assert created.status_code == 201, created.text
        assert created.json()["spec"]["search_space"]["budget_madds"] == madds
    assert "'lots' is not a whole number" in detail_of(service, {"search_space": {"budget_madds": "lots"}})


def test_an_estimate_refuses_a_data_set_that_is_not_there_as_creation_does(service: TestClient) -> None:
    changes = {"dataset": "nowhere", "proxy_task": {"profile": "laptop"}}
    estimated = detail_of(service, changes, "/v1/campaigns/estimate")
    assert estimated == detail_of(service, changes)
    assert "there is no data set 'nowhere'" in estimated


def test_a_change_names_the_range_and_the_field_that_was_meant(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).id}"
    assert service.patch(path, json={"trials": "many"}).json()["detail"] == (
        "trials: 'many' is not a whole number (1 to 100,000)"
    )
    assert service.patch(path, json={"epochs": 3}).json()["detail"] == (
        "unknown field 'epochs'; did you mean 'proxy_task.steps' or 'finals.epochs'?"
    )


def test_the_fields_of_a_campaign_are_known_with_those_of_its_groups() -> None:
    paths = field_paths(CampaignSpec)
    assert {"trials", "stop.device_hours", "proxy_task.steps", "finals.top", "search_space.base.widths"} <= set(paths)


@pytest.mark.parametrize(
    ("field", "message", "line"),
    [
        ("stop.device_hours", "device_hours is 0; give more", "stop.device_hours is 0; give more"),
        ("name", "this field is required", "name: this field is required"),
    ],
)
def test_a_line_names_its_field_once(field: str, message: str, line: str) -> None:
    assert located(field, message) == line


def test_a_long_value_is_shortened_in_a_sentence() -> None:
    assert shown("x" * 1_000) == f"'{'x' * 60}…'"
    assert len(shown(list(range(1_000)))) == 61
