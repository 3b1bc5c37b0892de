"""Figures and exports over HTTP."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from api.settings import DATABASE_FILE, Settings
from exporters import EXPORTERS
from nas_controller.store import Store
from search_space.document import read_block_specification
from tests.support.data_identities import data_identity
from tests.support.recorder import Recorder

FIGURES = (
    "progress",
    "madds-ap",
    "params-ap",
    "latency-ap",
    "widths",
    "shares",
    "learned",
    "policy",
    "entropy",
    "importance",
    "parallel",
    "curves",
)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("trials", [0, 5])
def test_every_figure_can_be_read_before_and_after_the_first_trial(
    service: TestClient, store: Store, name: str, trials: int
) -> None:
    recorder = Recorder(store).run(trials)
    assert service.get(f"/v1/campaigns/{recorder.id}/figures/{name}").status_code == 200


def test_progress_gives_the_rewards_and_the_best_so_far(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(5)
    figure = service.get(f"/v1/campaigns/{recorder.id}/figures/progress").json()
    trials = service.get(f"/v1/campaigns/{recorder.id}/trials").json()["items"]
    assert figure["reward"] == [trial["reward"] for trial in trials]
    assert figure["best"] == [max(figure["reward"][: place + 1]) for place in range(5)]
    assert figure["baseline"] == figure["reward"][0]


def test_the_export_is_the_best_architecture_with_its_provenance(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, name="Größe / weird.name").run(6)
    response = service.get(f"/v1/campaigns/{recorder.id}/exports/json")
    best = service.get(f"/v1/campaigns/{recorder.id}/best").json()["items"][0]
    assert response.headers["content-type"] == "application/json"
    file_name = f"gr-e-weird-name-trial-{best['number']}.json"
    assert response.headers["content-disposition"] == f'attachment; filename="{file_name}"'
    assert response.text.endswith("}\n")
    document = response.json()
    assert [block["width"] for block in document["blocks"]] == best["widths"]
    assert document["cost"]["madds"] == best["madds"]
    assert document["provenance"]["campaign"] == {"id": recorder.id, "name": "Größe / weird.name"}
    assert document["provenance"]["trial"] == best["number"]
    assert document["provenance"]["reward"] == best["reward"]
    assert document["provenance"]["betas"] == best["betas"]
    assert document["provenance"]["proxy_task"]["profile"] == "synthetic"


def test_the_export_states_the_data_that_the_rewards_were_measured_on(service: TestClient, store: Store) -> None:
    for data in (data_identity(), None):
        recorder = Recorder(store, data=data).run(2)
        document = service.get(f"/v1/campaigns/{recorder.id}/exports/json").json()
        assert document["provenance"]["data"] == data
        assert read_block_specification(document).provenance["data"] == data
        assert service.get(f"/v1/campaigns/{recorder.id}").json()["data"] == data
        attempts = service.get(f"/v1/campaigns/{recorder.id}/trials/0").json()["attempts_made"]
        assert [attempt["data_sha256"] for attempt in attempts] == [None if data is None else data["sha256"]]


def test_any_trial_can_be_exported(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(3)
    document = service.get(f"/v1/campaigns/{recorder.id}/exports/json", params={"trial": 2}).json()
    trial = service.get(f"/v1/campaigns/{recorder.id}/trials/2").json()
    assert [block["width"] for block in document["blocks"]] == trial["widths"]


def test_the_diagram_shows_the_trial_and_the_uniform_baseline(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, name="<Größe> & more").run(6)
    trials = service.get(f"/v1/campaigns/{recorder.id}/trials").json()["items"]
    (other, *_) = [trial for trial in trials if trial["widths"] != trials[0]["widths"]]
    response = service.get(f"/v1/campaigns/{recorder.id}/exports/svg", params={"trial": other["number"]})
    assert response.headers["content-type"] == "image/svg+xml"
    name = f"gr-e-more-trial-{other['number']}"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}.svg"'
    root = ElementTree.fromstring(response.text)
    title, about = (root.findtext(f"{{http://www.w3.org/2000/svg}}{tag}") or "" for tag in ("title", "desc"))
    assert title == f"<Größe> & more: trial {other['number']} beside the uniform baseline"
    for widths in (other["widths"], trials[0]["widths"]):
        assert ", ".join(str(width) for width in widths) in about


def test_the_diagram_of_the_baseline_shows_only_the_baseline(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(1)
    root = ElementTree.fromstring(service.get(f"/v1/campaigns/{recorder.id}/exports/svg").text)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "first look: trial 0, the uniform baseline"


def test_the_diagram_is_white_paper_as_a_file_and_themed_on_a_page(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).run(1).id}/exports"
    file, page = (service.get(f"{path}/svg", params=params).text for params in ({}, {"style": "page"}))
    assert ('class="paper"' in file, "prefers-color-scheme" in file) == (True, False)
    assert ('class="paper"' in page, "prefers-color-scheme" in page) == (False, True)
    assert service.get(f"{path}/svg", params={"style": "paper"}).text == file
    refused = service.get(f"{path}/spec", params={"style": "page"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "style")


def test_the_openapi_document_lists_the_export_formats(service: TestClient) -> None:
    route = service.get("/openapi.json").json()["paths"]["/v1/campaigns/{campaign_id}/exports/{format}"]["get"]
    assert set(route["responses"]["200"]["content"]) == {exporter.media_type for exporter in EXPORTERS.values()}


def test_an_export_writes_nothing(service: TestClient, store: Store, settings: Settings) -> None:
    recorder = Recorder(store).run(1)
    with closing(sqlite3.connect(settings.data_dir / DATABASE_FILE)) as observer:
        before = observer.execute("PRAGMA data_version").fetchone()
        for name in (each.name for each in EXPORTERS.values() if each.place == "here"):
            assert service.get(f"/v1/campaigns/{recorder.id}/exports/{name}").status_code == 200
        assert observer.execute("PRAGMA data_version").fetchone() == before
