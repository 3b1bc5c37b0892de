"""Figures and exports over HTTP."""

from __future__ import annotations

import hashlib
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from exporters import EXPORTERS
from nas_controller.store import Store, StoreFullError
from tests.support.recorder import Recorder

FIGURES = ("progress", "madds-ap", "params-ap", "widths", "policy", "curves")


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("trials", [0, 5])
def test_every_figure_can_be_read_from_the_start(service: TestClient, store: Store, name: str, trials: int) -> None:
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


def test_any_trial_can_be_exported(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(3)
    document = service.get(f"/v1/campaigns/{recorder.id}/exports/json", params={"trial": 2}).json()
    trial = service.get(f"/v1/campaigns/{recorder.id}/trials/2").json()
    assert [block["width"] for block in document["blocks"]] == trial["widths"]


def test_the_diagram_is_the_best_architecture_beside_the_uniform_baseline(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, name="<Größe> & more").run(6)
    trials = service.get(f"/v1/campaigns/{recorder.id}/trials").json()["items"]
    (other, *_) = [trial for trial in trials if trial["widths"] != trials[0]["widths"]]
    response = service.get(f"/v1/campaigns/{recorder.id}/exports/svg", params={"trial": other["number"]})
    assert response.headers["content-type"] == "image/svg+xml"
    name = f"gr-e-more-trial-{other['number']}"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}.svg"'
    root = ElementTree.fromstring(response.text)
    title, about = (root.findtext(f"{{http://www.w3.org/2000/svg}}{tag}") or "" for tag in ("title", "desc"))
    assert title == f"{name} beside uniform baseline"
    for widths in (other["widths"], trials[0]["widths"]):
        assert ", ".join(str(width) for width in widths) in about


def test_the_baseline_itself_is_drawn_alone(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(1)
    root = ElementTree.fromstring(service.get(f"/v1/campaigns/{recorder.id}/exports/svg").text)
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "first-look-trial-0"


def test_the_interface_says_which_files_there_are(service: TestClient) -> None:
    route = service.get("/openapi.json").json()["paths"]["/v1/campaigns/{campaign_id}/exports/{format}"]["get"]
    assert set(route["responses"]["200"]["content"]) == {exporter.media_type for exporter in EXPORTERS.values()}


def test_what_is_taken_away_is_recorded_once_a_content(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(3)
    path = f"/v1/campaigns/{recorder.id}/exports"
    assert service.get(path).json() == {"items": [], "next_cursor": None}
    content = service.get(f"{path}/json?trial=1").content
    assert service.get(f"{path}/json?trial=1").content == content
    service.get(f"{path}/svg?trial=0")
    service.get(f"{path}/svg?trial=0", headers={"Sec-Fetch-Dest": "image"})  # as the dashboard shows it
    svg, document = service.get(path).json()["items"]
    assert (svg["trial"], svg["format"], svg["count"]) == (0, "svg", 1)
    assert (document["trial"], document["format"], document["count"]) == (1, "json", 2)
    assert document["sha256"] == hashlib.sha256(content).hexdigest()
    assert document["bytes"] == len(content)
    assert document["at"] < document["last_at"]
    first = service.get(f"{path}?limit=1").json()
    second = service.get(path, params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert [*first["items"], *second["items"]] == [svg, document]
    assert second["next_cursor"] is None


def test_a_record_that_cannot_be_written_keeps_nobody_from_taking_a_file(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(store).run(1)

    def full(*_: object) -> None:
        raise StoreFullError("full")

    monkeypatch.setattr(store.service, "record_export", full)
    assert service.get(f"/v1/campaigns/{recorder.id}/exports/json").status_code == 200
