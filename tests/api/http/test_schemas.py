"""The schema of block specifications over HTTP, compared with exported files."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from nas_controller.store import Store
from search_space.document import block_specification, read_block_specification
from tests.support.recorder import Recorder


@pytest.mark.parametrize(
    "search_space", [{}, {"searched_blocks": [5, 7, 9], "max_block_width": {5: 128}}, {"base": "eff-spinenet-d1"}]
)
def test_every_export_fits_the_schema_and_can_be_read_back(
    service: TestClient, store: Store, search_space: dict[str, object]
) -> None:
    response = service.get("/v1/schemas/block-specification")
    assert response.headers["content-type"] == "application/schema+json"
    recorder = Recorder(store, search_space=search_space).run(4)
    document = service.get(f"/v1/campaigns/{recorder.id}/exports/json").json()
    Draft202012Validator(response.json()).validate(document)
    specified = read_block_specification(document)
    assert block_specification(specified) == document
