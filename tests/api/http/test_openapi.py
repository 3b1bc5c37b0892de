"""The API conforms to its OpenAPI document: schemathesis searches for requests whose responses do not.

EFFSPINE_FUZZ_EXAMPLES is the number of examples per operation; `make fuzz` sets a large one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from schemathesis.config import CacheConfig, SchemathesisConfig
from schemathesis.engine import events, from_schema

from api.http.app import create_app
from api.http.examples import EXAMPLE_RESPONSES
from api.settings import DATABASE_FILE, Settings
from nas_controller.store import Store
from tests.support.api_access import bearer, create_key
from tests.support.databases import migrated_sqlite
from tests.support.recorder import Recorder
from tests.support.trainings import save_best, training_request

FUZZES = "EFFSPINE_FUZZ_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("EFFSPINE_FUZZ_EXAMPLES", "3"))
THOROUGH_SECONDS = 20  # of one run with all phases of schemathesis
QUICK_PHASES = ["examples", "fuzzing"]  # without boundary values of every field and without sequences of requests
TRIALS = 3
HOST = "testserver"
MAX_ID_LENGTH = 64


@contextmanager
def described_service(directory: Path, *, with_keys: bool, is_thorough: bool) -> Iterator[schemathesis.BaseSchema]:
    """The schema of a service with a data set, a finished campaign and, optionally, keys."""
    settings = Settings(data_dir=directory, requests_per_second=0, failures_per_minute=1e6)
    (settings.data_dir / "datasets" / "digits").mkdir(parents=True)
    store = Store.open(migrated_sqlite(settings.data_dir / DATABASE_FILE))
    campaign, other = (Recorder(store, trials=TRIALS).run(TRIALS).id for _ in range(2))
    headers: dict[str, str] = {}
    own_key, other_key = "", ""
    if with_keys:
        own_key, other_key = create_key(store, "admin"), create_key(store, "view")
        headers = bearer(own_key)
    app = create_app(settings, store, trusted_hosts=(HOST,))
    seconds = THOROUGH_SECONDS if is_thorough and not FUZZES else None
    config = SchemathesisConfig(seed=None if FUZZES else 1, max_time=seconds, cache=CacheConfig(enabled=False))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config, headers=headers)
    schema.config.update(headers=headers)
    schema.config.generation.update(max_examples=EXAMPLES, deterministic=not FUZZES, database="none")
    if not is_thorough:
        schema.config.phases.update(phases=QUICK_PHASES)
    schema.config.checks.ignored_auth.enabled = with_keys
    # The schema does not express which campaigns are feasible and which texts are cursors.
    schema.config.checks.positive_data_acceptance.expected_statuses += ["422"]

    @schema.hook
    def map_path_parameters(context: Any, parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        """Sends most requests to an existing, finished campaign, whose streams end, but deletes another; and never
        revokes its own key.

        An id that is too long is sent unchanged, since it must be rejected.
        """
        given = (parameters or {}).get("campaign_id")
        if parameters and isinstance(given, str) and len(given) <= MAX_ID_LENGTH and len(given) % 4:
            is_deletion = context.operation.method.upper() == "DELETE"
            parameters["campaign_id"] = other if is_deletion else campaign
        if parameters and own_key and str(parameters.get("key_id")) in own_key:
            parameters["key_id"] = other_key.split("_")[1]
        return parameters

    yield schema
    store.close()


def failures_of(schema: schemathesis.BaseSchema) -> tuple[list[str], set[str]]:
    """The failing requests with their errors, and the operations that were tried."""
    found: list[str] = []
    tried: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            found.append(str(event.value))
        elif isinstance(event, events.FatalError):
            found.append(str(event.exception))
        elif isinstance(event, events.Interrupted):
            found.append("the requests were interrupted")
        elif isinstance(event, events.ScenarioFinished):
            tried |= {node.value.operation.label for node in event.recorder.cases.values()}
            for case_id, checks in event.recorder.checks.items():
                case = event.recorder.cases[case_id].value
                failures = [check.failure_info.failure for check in checks if check.failure_info is not None]
                found += [f"{event.phase.value}: {case.as_curl_command()}: {failure}" for failure in failures]
    return found, tried


@pytest.mark.parametrize(
    ("with_keys", "is_thorough"),
    [
        pytest.param(True, False, id="quick-with-keys"),
        pytest.param(False, False, id="quick-open", marks=pytest.mark.slow),
        pytest.param(True, True, id="thorough-with-keys", marks=pytest.mark.slow),
        pytest.param(False, True, id="thorough-open", marks=pytest.mark.slow),
    ],
)
def test_responses_conform_to_the_openapi_document(tmp_path: Path, with_keys: bool, is_thorough: bool) -> None:
    with described_service(tmp_path, with_keys=with_keys, is_thorough=is_thorough) as schema:
        found, tried = failures_of(schema)
        assert found == []
        assert tried == {operation.ok().label for operation in schema.get_all_operations()}


@pytest.fixture
def document(service: TestClient) -> dict[str, Any]:
    """The OpenAPI document."""
    described: dict[str, Any] = service.get("/openapi.json").json()
    return described


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method, path, operation


def check(document: dict[str, Any], media: dict[str, Any]) -> None:
    """Raises ValidationError if the example of a media type does not fit its schema."""
    schema = {**media["schema"], "components": document["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(media["example"])


def test_every_example_response_fits_its_schema(document: dict[str, Any]) -> None:
    shown = set()
    for method, path, operation in operations_of(document):
        check(document, operation["responses"]["4XX"]["content"]["application/problem+json"])
        for status, response in operation["responses"].items():
            for media in response.get("content", {}).values():
                if status.startswith("2") and "example" in media and "schema" in media:
                    check(document, media)
                    shown.add((method, path))
    assert shown == set(EXAMPLE_RESPONSES)


def test_every_example_body_is_accepted(
    service: TestClient, settings: Settings, store: Store, document: dict[str, Any]
) -> None:
    (settings.data_dir / "datasets" / "digits").mkdir(parents=True)
    unfinished, training = Recorder(store).id, store.service.create_training(training_request()).id
    save_best(settings.data_dir, training)
    bodies = 0
    for method, path, operation in operations_of(document):
        if "requestBody" not in operation:
            continue
        media = operation["requestBody"]["content"]["application/json"]
        examples = [example["value"] for example in media.get("examples", {}).values()]
        for schema in (media["schema"], *media["schema"].get("anyOf", [])):
            name = schema.get("$ref", "").rpartition("/")[2]
            examples += document["components"]["schemas"].get(name, {}).get("examples", [])
        assert examples, (method, path)
        for example in examples:
            needs_rewards = path.endswith(("/finals", "/exports", "/trainings", "/detections"))
            campaign = Recorder(store, trials=2).run(2).id if needs_rewards else unfinished
            body = {**example, "campaign_id": campaign} if "campaign_id" in example else example
            ids = {"campaign_id": campaign, "training_id": training, "number": 0}
            response = service.request(method, path.format(**ids), json=body)
            is_refused = path.endswith("/detections")  # a synthetic trial has no weights
            assert response.is_success or (is_refused and response.status_code == 409), (method, path, response.text)
            bodies += 1
    assert bodies >= 4


def test_every_post_declares_the_idempotency_key(document: dict[str, Any]) -> None:
    for method, path, operation in operations_of(document):
        names = [parameter["name"] for parameter in operation.get("parameters", [])]
        assert ("Idempotency-Key" in names) == (method == "post"), path
