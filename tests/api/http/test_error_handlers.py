"""Every error is a problem document (RFC 9457) that names the invalid input."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.logs import JsonFormatter, add_request_id
from api.settings import Settings
from nas_controller.store import Store, StoreFullError, StoreUnavailableError
from tests.support.recorder import SYNTHETIC, Recorder


def problem_of(response: Any, status: int) -> dict[str, Any]:
    """The problem document of a response, after checking its shape."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem.keys() >= {"type", "title", "status", "detail", "instance", "errors"}
    assert "Traceback" not in response.text
    return problem


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"trials": 0}, "trials", "1"),
        ({"trials": "many"}, "trials", "'many' is not a whole number (1 to 100,000)"),
        ({"trials": True}, "trials", "true is not a whole number (1 to 100,000)"),
        ({"trials": "5"}, "trials", "'5' is not a whole number (1 to 100,000); it is a text: leave its quotes out"),
        ({"trials": 5.0}, "trials", "5.0 is not a whole number (1 to 100,000); write 5"),
        ({"share": True}, "share", "true is not a number (0.01 to 100)"),
        ({"stop": {"wall_seconds": "60"}}, "stop.wall_seconds", "'60' is not a number (above 0 and at most"),
        (
            {"search_space": {"max_block_width": {"ten": 1}}},
            "search_space.max_block_width",
            "'ten' is no block; blocks",
        ),
        ({"search_space": {"choices": [True, 5]}}, "search_space.choices", "choices has True"),
        ({"name": "a\u202eb"}, "name", "U+202E"),
        ({"name": "  "}, "name", "1"),
        ({"trails": 12}, "trails", "unknown field 'trails'; did you mean 'trials'?"),
        ({"search_space": {"budget_madds": 1000}}, "search_space.budget_madds", "Feasible"),
        ({"search_space": {"base": "resnet"}}, "search_space.base", "sp-efficientnet-b0"),
        ({"search_space": {"mode": "loose"}}, "search_space.mode", "exact"),
        ({"proxy_task": {"profile": "huge"}}, "proxy_task.profile", "laptop"),
        ({"proxy_task": {"profile": "synthetic", "stepz": 3}}, "proxy_task.stepz", "steps"),
        ({"proxy_task": {"profile": "synthetic", "steps": -1}}, "proxy_task.steps", "-1"),
        ({"controller": {"policy": "guess"}}, "controller.policy", "recurrent"),
        ({"proxy_task": {"profile": "laptop"}}, "dataset", "data set"),
        (
            {"proxy_task": {"profile": "laptop"}, "dataset": "digits", "resources": {"tpus": 1}},
            "resources.tpus",
            "tpus is 1; a task of kind shared",
        ),
        ({"dataset": "../etc"}, "dataset", "not a data set name"),
        ({"dataset": "nowhere"}, "dataset", "digits"),
        ({"dataset": "nowhere"}, "dataset", "effspine data register nowhere DIR"),
        ({"name": "a\0b"}, "name", "control character"),
    ],
)
def test_an_invalid_field_is_named_with_the_allowed_values(
    service: TestClient, settings: Settings, store: Store, changes: dict[str, Any], field: str, message: str
) -> None:
    (settings.data_dir / "datasets" / "digits").mkdir(parents=True)
    response = service.post("/v1/campaigns", json={"name": "x", "proxy_task": SYNTHETIC, **changes})
    problem = problem_of(response, 422)
    errors = {error["field"]: error["message"] for error in problem["errors"]}
    assert field in errors
    assert message in errors[field]
    assert store.reads.list_campaigns().items == ()


def test_all_invalid_fields_are_named_with_their_values(service: TestClient) -> None:
    problem = problem_of(service.post("/v1/campaigns", json={"trials": -3, "proxy_task": SYNTHETIC}), 422)
    errors = {error["field"]: error for error in problem["errors"]}
    assert errors["name"]["message"] == "this field is required"
    assert errors["trials"]["value"] == -3


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"search_space": {"budget_madds": 1000}}, 1000),
        ({"proxy_task": {"profile": "synthetic", "stepz": "a lot"}}, "a lot"),
        ({"dataset": "nowhere"}, "nowhere"),
    ],
)
def test_a_value_that_a_package_rejects_is_in_the_problem(
    service: TestClient, changes: dict[str, Any], value: Any
) -> None:
    response = service.post("/v1/campaigns", json={"name": "x", "proxy_task": SYNTHETIC, **changes})
    assert [error["value"] for error in problem_of(response, 422)["errors"]] == [value]


@pytest.mark.parametrize(
    "kind", [None, "application/x-www-form-urlencoded", "text/plain", "text/json", "multipart/form-data; boundary=x"]
)
def test_a_body_without_a_json_content_type_is_rejected_with_the_header_to_send(
    service: TestClient, store: Store, kind: str | None
) -> None:
    body = b'{"name": "x", "proxy_task": {"profile": "synthetic"}}'
    response = service.post("/v1/campaigns", content=body, headers={"Content-Type": kind} if kind else {})
    detail = problem_of(response, 415)["detail"]
    assert "Content-Type: application/json" in detail
    assert (kind or "is missing") in detail
    assert store.reads.list_campaigns().items == ()


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"])
def test_any_json_content_type_is_accepted(service: TestClient, kind: str) -> None:
    body = b'{"name": "x", "proxy_task": {"profile": "synthetic"}}'
    assert service.post("/v1/campaigns", content=body, headers={"Content-Type": kind}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\\ud800", "proxy_task": {"profile": "synthetic"}}',
        b'{"name": "x", "proxy_task": {"profile": "synthetic", "\\udfff": 1}}',
        b'{"name": "x", "trials": NaN, "proxy_task": {"profile": "synthetic"}}',
        b'{"name": "x", "trials": 1e400, "proxy_task": {"profile": "synthetic"}}',
        b'{"name": "x", "seed": 99999999999999999999999, "proxy_task": {"profile": "synthetic"}}',
        b'{"name": "x", "proxy_task": {"profile": "synthetic", "seconds": Infinity}}',
        b'{"name": "x", "proxy_task": {"profile": ["synthetic"]}}',
        b'{"name": "x", "proxy_task": 5, "controller": [], "search_space": "q"}',
    ],
)
def test_a_value_that_json_does_not_have_is_rejected(service: TestClient, body: bytes) -> None:
    problem_of(service.post("/v1/campaigns", content=body, headers={"Content-Type": "application/json"}), 422)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"name": ', "not JSON: Expecting value at character 9"),
        (b"\xff\xfe", "not JSON: Expecting value at character 0"),
        (b"\x80", "not JSON: byte 1 is not UTF-8"),
        (b'{"name": "gr\xfcn"}', "not JSON: byte 13 is not UTF-8"),
        (b"[" * 100_000, "not JSON: it is nested too deeply"),
        (b"9" * 5_000, "not JSON: it has a number of too many digits"),
        (b'{"name": "x", "seed": ' + b"9" * 5_000 + b"}", "not JSON: it has a number of too many digits"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/campaigns", "/v1/campaigns/estimate"])
def test_a_body_that_cannot_be_parsed_is_malformed_json(
    service: TestClient, path: str, body: bytes, words: str
) -> None:
    problem = problem_of(service.post(path, content=body, headers={"Content-Type": "application/json"}), 400)
    assert problem["type"] == "urn:effspine:problem:malformed-json"
    assert problem["title"] == "Malformed JSON"
    assert words in problem["detail"]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"{}"])
def test_a_body_that_is_not_a_campaign_is_rejected(service: TestClient, body: bytes) -> None:
    response = service.post("/v1/campaigns", content=body, headers={"Content-Type": "application/json"})
    problem_of(response, 422)


def test_a_long_value_is_truncated_in_the_problem(service: TestClient) -> None:
    response = service.post("/v1/campaigns", json={"name": "n" * 100_000, "proxy_task": SYNTHETIC})
    problem_of(response, 422)
    assert len(response.text) < 2_000


@pytest.mark.parametrize(
    "path",
    [
        "/nothing/here",
        "/v1/campaigns/none",
        "/v1/campaigns/none/trials",
        "/v1/campaigns/none/trials/0",
        "/v1/campaigns/none/best",
        "/v1/campaigns/none/policy",
        "/v1/campaigns/none/events",
        "/v1/campaigns/none/figures/progress",
        "/v1/campaigns/none/exports/json",
        "/campaigns/none",
        "/static/none.js",
        "/docs/assets/none.js",
    ],
)
def test_an_unknown_path_or_id_is_a_problem_that_names_it(service: TestClient, path: str) -> None:
    problem = problem_of(service.get(path), 404)
    assert problem["instance"] == path


def test_unknown_figures_and_formats_are_rejected_with_the_known_ones(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).run(1).id}"
    assert "progress" in problem_of(service.get(f"{path}/figures/pie"), 404)["detail"]
    assert "spec" in problem_of(service.get(f"{path}/exports/cuneiform"), 404)["detail"]
    problem_of(service.get(f"{path}/trials/99"), 404)
    problem_of(service.get(f"{path}/trials/{10**30}"), 404)


def test_there_is_no_best_trial_before_the_first_reward(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).id}"
    assert service.get(f"{path}/best").json() == {
        "items": [],
        "baseline": None,
        "compared": None,
        "is_confirmed": False,
        "sentence": None,
        "gain": None,
        "learned": None,
    }
    assert "no reward yet" in problem_of(service.get(f"{path}/exports/json"), 404)["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/campaigns?limit=0", "limit"),
        ("/v1/campaigns?limit=99999", "limit"),
        ("/v1/campaigns?limit=ten", "limit"),
        ("/v1/campaigns?cursor=nonsense", "cursor"),
        ("/v1/campaigns?state=asleep", "state"),
        ("{campaign}/trials?order_by=luck", "order_by"),
        ("{campaign}/trials?state=asleep", "state"),
        ("{campaign}/trials?cursor=bm8", "cursor"),
        ("{campaign}/trials/-1", "number"),
        ("{campaign}/trials/one", "number"),
        ("{campaign}/best?k=0", "k"),
        ("{campaign}/exports/json?trial=x", "trial"),
        ("{campaign}/events?after=-1", "after"),
    ],
)
def test_an_invalid_parameter_is_named(service: TestClient, store: Store, path: str, field: str) -> None:
    campaign = f"/v1/campaigns/{Recorder(store).run(1).id}"
    problem = problem_of(service.get(path.format(campaign=campaign)), 422)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_405_lists_the_allowed_methods(service: TestClient) -> None:
    response = service.delete("/v1/campaigns")
    assert "GET, HEAD, POST" in problem_of(response, 405)["detail"]
    assert response.headers["allow"] == "GET, HEAD, POST"


def test_405_on_a_literal_path_lists_only_its_methods(service: TestClient) -> None:
    assert service.options("/v1/campaigns/estimate").headers["allow"] == "POST"
    assert service.options("/v1/campaigns/c_0").headers["allow"] == "DELETE, GET, HEAD, PATCH"


def test_an_unavailable_database_is_503_without_internals(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> None:
        raise StoreUnavailableError("database sqlite:////secret/place.db: disk I/O error")

    monkeypatch.setattr(store.reads, "list_campaigns", unavailable)
    monkeypatch.setattr(store, "check", unavailable)
    for path in ("/v1/campaigns", "/readyz"):
        response = service.get(path)
        problem_of(response, 503)
        assert "secret" not in response.text
        assert response.headers["retry-after"]
    assert service.get("/healthz").status_code == 200


def test_a_full_disk_is_507_without_internals(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreFullError("database sqlite:////secret/place.db: its disk is full; free some space")

    monkeypatch.setattr(store.service, "create_campaign", full)
    monkeypatch.setattr(store, "check", full)
    problem_of(service.get("/readyz"), 507)
    response = service.post("/v1/campaigns", json={"name": "x", "proxy_task": SYNTHETIC})
    assert "free some space" in problem_of(response, 507)["detail"]
    assert "secret" not in response.text


def test_an_unexpected_error_is_500_with_the_request_id_of_the_log(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(store.reads, "list_campaigns", broken)
    caplog.handler.setFormatter(JsonFormatter())
    caplog.handler.addFilter(add_request_id)
    with caplog.at_level(logging.ERROR, logger="effspine.api"):
        response = service.get("/v1/campaigns", headers={"X-Request-ID": "abc-123"})
    problem = problem_of(response, 500)
    assert "secret" not in response.text
    assert problem["request_id"] == response.headers["x-request-id"] == "abc-123"
    assert "abc-123" in caplog.text
    assert "a secret of the inside" in caplog.text


def test_a_malformed_request_id_is_replaced(service: TestClient) -> None:
    response = service.get("/healthz", headers={"X-Request-ID": "two words"})
    assert response.headers["x-request-id"] != "two words"
