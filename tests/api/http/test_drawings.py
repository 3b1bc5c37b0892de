"""Figures as SVG over HTTP: their styles, widths, states without a drawing, ETags and comparisons."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader

from api.settings import Settings
from nas_controller.campaigns import policy_history
from nas_controller.drawings.campaign import DRAWINGS
from nas_controller.store import Store
from nas_controller.trainings.files import run_directory
from search_space.run_files import HISTORY
from tests.support.drawn_figures import Drawn
from tests.support.recorder import Recorder
from tests.support.trainings import progress_at, training_request

NAME = "<Gr\u00f6\u00dfe> & more"
EARLY = {"importance", "madds-ap", "latency-ap"}
"""What a campaign of a few trials in mode exact, which measures no latency, has no drawing of."""


def drawn(service: TestClient, path: str, **query: Any) -> Drawn:
    response = service.get(path, params=query)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/svg+xml"
    return Drawn(response.text)


def detail(service: TestClient, path: str, status: int, **query: Any) -> str:
    response = service.get(path, params=query)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


def recorded(store: Store, trials: int = 5, **fields: Any) -> Recorder:
    recorder = Recorder(store, name=NAME, trials=9, controller={"policy": "factorised"}, **fields).run(trials - 1)
    work = recorder.begin()
    recorder.campaign.progress(work, 10, 20, {"loss": 2.0})
    recorder.finish(work, extra=0.4)
    return recorder


def trained(store: Store, settings: Settings) -> str:
    """The id of a training that has logged one step and an evaluation."""
    training = store.service.create_training(training_request(name=NAME)).id
    losses, metrics = {"loss": 2.0}, {"ap": 0.25}
    row = {"step": 10, "epoch": 1.0, "learning_rate": 0.1, "losses": losses, "metrics": metrics, "seconds": 1}
    file = run_directory(settings.data_dir, training) / HISTORY
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(row) + "\n")
    store.runner.training_queue.claim("s-1")
    progress = progress_at(10, epoch=1.0, last=0.25, best=0.25, best_step=10)
    store.runner.record_training_progress(training, 1, progress, 7.5, metrics, is_evaluated=True)
    return training


@pytest.mark.parametrize("name", sorted(DRAWINGS.keys() - EARLY))
def test_every_figure_is_a_file_and_a_fragment_in_each_width(service: TestClient, store: Store, name: str) -> None:
    path = f"/v1/campaigns/{recorded(store).id}/figures/{name}.svg"
    file = drawn(service, path)
    assert any(NAME in text for text in file.texts())
    assert (file.width, file.outside()) == (1160, [])
    fragment = drawn(service, path, style="page", width=320)
    assert not any(NAME in text for text in fragment.texts())
    assert (fragment.width, fragment.outside()) == (320, [])
    assert fragment.roles().isdisjoint({"paper", "title"})


@pytest.mark.parametrize("name", sorted(DRAWINGS.keys() - {"policy"}))
def test_before_the_first_reward_the_problem_says_so(service: TestClient, store: Store, name: str) -> None:
    assert detail(service, f"/v1/campaigns/{Recorder(store).id}/figures/{name}.svg", 404)


def test_figures_that_a_campaign_cannot_have_say_why(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{recorded(store).id}/figures"
    assert "mode exact" in detail(service, f"{path}/madds-ap.svg", 404)
    assert "measures no latency" in detail(service, f"{path}/latency-ap.svg", 404)
    assert "at least 54" in detail(service, f"{path}/importance.svg", 404)
    assert "progress" in detail(service, f"{path}/pie.svg", 404)
    assert "c_0" in detail(service, "/v1/campaigns/c_0/figures/progress.svg", 404)
    assert "320" in detail(service, f"{path}/progress.svg", 422, width=100)
    assert "page" in detail(service, f"{path}/progress.svg", 422, style="dark")


def test_multi_adds_are_drawn_where_they_differ(service: TestClient, store: Store) -> None:
    recorder = recorded(store, search_space={"mode": "paper"})
    figure = drawn(service, f"/v1/campaigns/{recorder.id}/figures/madds-ap.svg", style="page")
    assert len(figure.marks("point")) == 5
    assert "target" in figure.texts()


def test_an_unchanged_drawing_is_304_and_an_outcome_changes_it(service: TestClient, store: Store) -> None:
    recorder = recorded(store)
    path = f"/v1/campaigns/{recorder.id}/figures/progress.svg?style=page"
    first = service.get(path)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = {"If-None-Match": first.headers["etag"]}
    assert service.get(path, headers=tag).status_code == 304
    recorder.finish(recorder.begin())
    second = service.get(path, headers=tag)
    assert second.status_code == 200
    assert second.text.count("data-trial") == first.text.count("data-trial") + 1


def test_the_policy_can_be_drawn_as_it_was(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{recorded(store).id}/figures/policy"
    assert "before any reward" in drawn(service, f"{path}.svg", style="page", at=0).texts()
    assert "after 2 rewards" in drawn(service, f"{path}.svg", style="page", at=2).texts()
    assert "after 4 rewards" in drawn(service, f"{path}.svg", style="page").texts()
    assert service.get(path, params={"at": 2}).json()["told"] == 2
    assert "only the figure policy" in detail(service, path.replace("policy", "widths"), 422, at=2)


def test_a_replay_that_goes_on_is_to_be_asked_again(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/campaigns/{recorded(store).id}/figures/entropy"
    monkeypatch.setattr(policy_history, "MAX_SECONDS", -1.0)
    for suffix in ("", ".svg", ".pdf"):
        response = service.get(f"{path}{suffix}")
        assert (response.status_code, response.headers["retry-after"]) == (202, "1")
        assert response.json() == {"detail": "Replaying the search: 0 of 5 rewards", "done": 0, "of": 5}
        assert "etag" not in response.headers  # which the drawing of the same rewards will have
        assert response.headers["cache-control"] == "no-store"
    monkeypatch.setattr(policy_history, "MAX_SECONDS", 60.0)
    assert len(drawn(service, f"{path}.svg").marks("best-mark")) == 5


def test_a_download_is_named_after_campaign_and_figure(service: TestClient, store: Store) -> None:
    response = service.get(f"/v1/campaigns/{recorded(store).id}/figures/widths.svg")
    assert response.headers["content-disposition"] == 'inline; filename="gr-e-more-widths.svg"'


def test_the_curve_of_a_trial_follows_its_reports(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, name=NAME, trials=6).run(2)
    work = recorder.begin()
    path = f"/v1/campaigns/{recorder.id}/trials/{work.number}/figures/curve.svg"
    assert "has reported no loss" in detail(service, path, 404)
    recorder.campaign.progress(work, 10, 20, {"loss": 2.0})
    first = service.get(path)
    assert Drawn(first.text).tips("best-mark") == [f"trial {work.number} · step 10 · loss 2"]
    assert any(f"{NAME}, trial {work.number}" in text for text in Drawn(first.text).texts())
    assert first.headers["content-disposition"].endswith(f'-trial-{work.number}-curve.svg"')
    tag = {"If-None-Match": first.headers["etag"]}
    assert service.get(path, headers=tag).status_code == 304
    recorder.campaign.progress(work, 20, 20, {"loss": 1.0}, 0.3)
    assert len(drawn(service, path, style="page", width=320).marks("best-mark")) == 3
    assert service.get(path, headers=tag).status_code == 200
    assert "99" in detail(service, path.replace(f"/{work.number}/", "/99/"), 404)


def test_curves_and_comparisons_are_files_as_pdf(service: TestClient, store: Store, settings: Settings) -> None:
    first, training = recorded(store), trained(store, settings)
    number = first.record.best_trial
    files = {
        f"/v1/campaigns/{first.id}/trials/{number}/figures/curve.pdf": (f"gr-e-more-trial-{number}-curve", NAME),
        f"/v1/trainings/{training}/figures/curve.pdf": ("gr-e-more-curve", NAME),
        f"/v1/compare.pdf?figure=shares&trials={first.id}:0,{first.id}:1": ("compare-shares", "against"),
    }
    for path, (name, text) in files.items():
        response = service.get(path)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/pdf"
        assert response.headers["content-disposition"] == f'attachment; filename="{name}.pdf"'
        (page,) = PdfReader(io.BytesIO(response.content)).pages
        assert text in page.extract_text()
        assert service.get(path, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_the_curve_of_a_training(service: TestClient, store: Store, settings: Settings) -> None:
    training = store.service.create_training(training_request(name=NAME)).id
    assert "not logged a step" in detail(service, f"/v1/trainings/{training}/figures/curve.svg", 404)
    assert "t_0" in detail(service, "/v1/trainings/t_0/figures/curve.svg", 404)
    store.service.stop_training(training)
    path = f"/v1/trainings/{trained(store, settings)}/figures/curve.svg"
    response = service.get(path)
    figure = Drawn(response.text)
    assert figure.tips("best-mark") == ["AP \u00b7 step 10 \u00b7 AP 0.250"]
    assert any(NAME in text for text in figure.texts())
    assert service.get(path, headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_campaigns_and_trials_are_compared(service: TestClient, store: Store) -> None:
    first, second = recorded(store), recorded(store, seed=2)
    ids = f"{first.id},{second.id}"
    names = drawn(service, "/v1/compare.svg", figure="progress", campaigns=ids, style="page", width=320).texts()
    assert {f"{NAME} ({each.id})"[:20] for each in (first, second)} <= {name[:20] for name in names}
    widths = drawn(service, "/v1/compare.svg", figure="widths", campaigns=ids)
    best = store.reads.get_trial_record(second.id, second.record.best_trial or 0)
    assert f"trial {best.number} " in widths.tips("series-mark-2")[0]
    assert widths.tips("series-mark-2")[0].endswith(f" {best.widths[0]} channels")
    shares = drawn(service, "/v1/compare.svg", figure="shares", trials=f"{first.id}:0,{first.id}:1,{second.id}:1")
    assert len(shares.marks("series-mark-3")) == 18 + 7
    assert shares.outside() == []
    response = service.get("/v1/compare.svg", params={"figure": "shares", "campaigns": ids})
    tag = {"If-None-Match": response.headers["etag"]}
    assert service.get(response.url, headers=tag).status_code == 304
    second.finish(second.begin())
    assert service.get(response.url, headers=tag).status_code == 200


def test_the_learning_curves_of_trials_are_compared(service: TestClient, store: Store) -> None:
    first, second = recorded(store), recorded(store, seed=2)
    query = {"figure": "curves", "trials": f"{first.id}:4,{first.id}:1,{second.id}:4"}
    figure = drawn(service, "/v1/compare.svg", **query)
    assert [tip.split(" \u00b7 ")[1:] for tip in figure.tips("series-mark-3")] == [["step 10", "loss 2"]]
    assert len(figure.marks("series-mark-1")) == 1
    assert not figure.marks("series-mark-2")  # trial 1 has reported nothing
    assert service.get("/v1/compare.pdf", params=query).content.startswith(b"%PDF")
    none = f"{first.id}:0,{first.id}:1"
    assert "reported a loss" in detail(service, "/v1/compare.svg", 404, figure="curves", trials=none)
    ids = f"{first.id},{second.id}"
    assert "curves compares trials" in detail(service, "/v1/compare.svg", 422, figure="curves", campaigns=ids)


def test_comparisons_that_cannot_be_drawn_say_why(service: TestClient, store: Store) -> None:
    recorder, other = recorded(store), Recorder(store)
    path, ids = "/v1/compare.svg", f"{recorder.id},{other.id}"
    assert "2 to 5" in detail(service, path, 422, figure="progress", campaigns=recorder.id)
    assert "2 to 5" in detail(service, path, 422, figure="progress", campaigns=",".join([recorder.id] * 6))
    assert "named twice" in detail(service, path, 422, figure="progress", campaigns=f"{recorder.id},{recorder.id}")
    assert "none is given" in detail(service, path, 422, figure="progress")
    assert "both are given" in detail(service, path, 422, figure="widths", campaigns=ids, trials=f"{recorder.id}:0")
    assert "ID:NUMBER" in detail(service, path, 422, figure="widths", trials=f"{recorder.id}:x,{recorder.id}:1")
    assert "progress compares campaigns" in detail(
        service, path, 422, figure="progress", trials=f"{recorder.id}:0,{recorder.id}:1"
    )
    assert "no best trial yet" in detail(service, path, 404, figure="widths", campaigns=ids)
    assert "c_0" in detail(service, path, 404, figure="widths", campaigns=f"{recorder.id},c_0")
    assert "99" in detail(service, path, 404, figure="widths", trials=f"{recorder.id}:0,{recorder.id}:99")
