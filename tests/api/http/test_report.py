"""The report of a campaign as HTML, and figures as PDF."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader

from nas_controller.search.outcomes import Outcome, Rewarded
from nas_controller.store import Store
from tests.support.data_identities import data_identity
from tests.support.final_trainings import Trainer, starter, widths_of
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import create


def report_of(service: TestClient, campaign_id: str) -> str:
    """The report of a campaign."""
    response = service.get(f"/v1/campaigns/{campaign_id}/report")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response.text


def text_of(page: str) -> str:
    """The text of a report between its tags."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_report_needs_nothing_else(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, name="<script>alert(1)</script> & Größe").run(4)
    response = service.get(f"/v1/campaigns/{recorder.id}/report")
    page = response.text
    assert not re.search(r"<script|javascript:|\son\w+=|<link|@import|<iframe", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Größe" in page
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "http" not in page
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["content-security-policy"]
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


def test_the_report_states_result_method_cost_and_how_to_reproduce(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=60, name="digits", parallelism=3, seed=11, data=data_identity()).run(55)
    best = service.get(f"/v1/campaigns/{recorder.id}/best").json()
    text = text_of(report_of(service, recorder.id))
    assert f"{best['items'][0]['reward']:.3f}" in text
    assert "No finals were run, so no trial is confirmed" in text
    assert "The campaign is running: what is said here may change." in text
    assert "channels of all 18 blocks of sp-efficientnet-b0, in multiples of 8; multipliers 1, 5, 10, 15, 20" in text
    assert "2,274.7 M multi-adds, which every architecture meets after rounding" in text
    assert "reinforce: repeats free, policy recurrent, learning_rate 0.003" in text
    assert "55 of 60 finished, 3 in parallel" in text
    assert f"SHA-256 {data_identity()['sha256']}" in text
    assert "seed 11, of the proposals" in text
    assert f"effspine campaign verify {recorder.id}" in text
    assert "name: digits dataset: null trials: 60 parallelism: 3 seed: 11" in text
    assert re.search(r"Similar architectures differ by about 0\.\d+ AP \(standard deviation\)", text)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ({"profile": "laptop"}, "Each reward is of a slice of the shared weights, without a training of its own"),
        ({"profile": "laptop", "steps": 50}, "Each reward is from one training"),
        ({"profile": "laptop-alone"}, "Each reward is from one training"),
    ],
)
def test_the_report_says_what_a_reward_is_of(
    service: TestClient, store: Store, task: dict[str, object], said: str
) -> None:
    recorder = Recorder(store, trials=3, dataset="digits", data=data_identity(), proxy_task=task).run(2)
    text = text_of(report_of(service, recorder.id))
    assert text.count(said) == 2  # below the table, and among what the record does not show


def test_a_304_leaves_the_policy_of_the_stored_report(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).run(2).id}/report"
    again = service.get(path, headers={"If-None-Match": service.get(path).headers["etag"]})
    assert again.status_code == 304
    assert "content-security-policy" not in again.headers
    assert again.headers["x-content-type-options"] == "nosniff"


def test_an_unconfirmed_best_stands_with_the_noise_of_its_gain(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=60).run(55)
    recorder.finish(recorder.begin(), extra=0.5)
    gain_error = service.get(f"/v1/campaigns/{recorder.id}/figures/search").json()["gain_error"]
    campaign = service.get(f"/v1/campaigns/{recorder.id}").json()
    best, baseline = campaign["best_reward"], campaign["baseline_reward"]
    low, high = best - baseline - gain_error, best - baseline + gain_error
    text = text_of(report_of(service, recorder.id)).replace("\N{MINUS SIGN}", "-")
    assert (
        f"Trial {campaign['best_trial']} has the highest reward, AP {best:.3f} against {baseline:.3f} of the uniform "
        f"baseline ({round(best, 3) - round(baseline, 3):+.3f}, 95 % interval {low:+.3f} to {high:+.3f} by how similar "
        "architectures differ), but is not confirmed by finals."
    ) in text


def test_the_report_has_the_verdict_and_the_table_of_finals(service: TestClient, store: Store, tmp_path: Path) -> None:
    campaign_id = create(store, trials=6, finals={"top": 2, "seeds": 4})

    def final(seed: int, widths: tuple[int, ...], _on_progress: object) -> Outcome:
        gain = 0.0 if widths == widths_of(store, campaign_id, 0) else 0.1 + 0.001 * (seed % 2)
        return Rewarded(0.3 + gain, {"ap": 0.3 + gain})

    starter(store, tmp_path)(campaign_id, Trainer(final))
    finals = service.get(f"/v1/campaigns/{campaign_id}/finals").json()
    page = report_of(service, campaign_id)
    (result,) = re.findall(r'<p class="result">(.*?)</p>', page)
    assert result == finals["verdict"]["sentence"]
    assert result.startswith(f"Trial {finals['verdict']['winner']} is better than the uniform baseline")
    text = text_of(page)
    assert "2 finalists and the baseline, profile synthetic; seeds 2, 3, 4, 5" in text
    assert "12 of 12 trainings finished" in text
    for each in finals["verdict"]["comparisons"]:
        measured = f"{each['reward']:.3f} 4 {round(each['reward'], 3) - 0.3:+.3f}"
        interval = f"{each['low']:+.3f} to {each['high']:+.3f}"
        params = f"{100 * (each['params_ratio'] - 1):+.0f} %".replace("-", "\N{MINUS SIGN}")
        assert f"{each['trial']} {each['estimate']:.3f} {measured} {interval} {params} better" in text
    assert "0 (baseline) \u2013 0.300 4 \u2013 \u2013 \u2013 \u2013 \u2013" in text
    assert "No finals were run" not in text


def test_the_report_names_the_recipe_of_finals(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=3, dataset="birds").run(3)
    store.service.request_finals(recorder.id, {"recipe": "laptop-final", "epochs": 4, "top": 2, "seeds": 2})
    text = text_of(report_of(service, recorder.id))
    assert "2 finalists and the baseline, recipe laptop-final: epochs 4; seeds 2, 3" in text


def test_without_a_reward_the_report_says_so_and_has_the_method(service: TestClient, store: Store) -> None:
    text = text_of(report_of(service, Recorder(store, name="new").id))
    assert "There is no result yet: no trial has a reward." in text
    assert "profile synthetic" in text
    assert "Best trials" not in text
    assert "not started" in text


def test_a_campaign_that_a_stop_condition_ended_says_so(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=60, stop={"no_improvement_trials": 1, "wall_seconds": 7200.0})
    while recorder.record.stopped_because is None:
        recorder.finish(recorder.begin())
    text = text_of(report_of(service, recorder.id))
    assert "of 60 finished, 1 in parallel; no improvement for 1 trial" in text
    assert "time limit 2 h 00 min, no improvement for 1 trial" in text


def test_a_failed_campaign_says_why(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, max_consecutive_failures=1)
    recorder.fail(recorder.begin(), "the loss is NaN at step 7")
    assert "The campaign failed: Training diverged: the uniform baseline" in text_of(report_of(service, recorder.id))


@pytest.mark.parametrize("path", ["report", "figures/block-diagram.pdf"])
def test_an_unknown_campaign_is_a_404(service: TestClient, path: str) -> None:
    assert service.get(f"/v1/campaigns/c_none/{path}").status_code == 404


def test_a_figure_is_a_pdf_with_its_text(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, name="Ziffern").run(3)
    response = service.get(f"/v1/campaigns/{recorder.id}/figures/block-diagram.pdf")
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"] == 'attachment; filename="ziffern-block-diagram.pdf"'
    (page,) = PdfReader(io.BytesIO(response.content)).pages
    assert "Ziffern: trial" in page.extract_text()
    again = {"If-None-Match": response.headers["etag"]}
    assert service.get(f"/v1/campaigns/{recorder.id}/figures/block-diagram.pdf", headers=again).status_code == 304


def test_a_figure_without_anything_to_draw_is_a_404_that_says_why(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).id}/figures"
    response = service.get(f"{path}/block-diagram.pdf")
    assert (response.status_code, "has no reward yet" in response.json()["detail"]) == (404, True)
    unknown = service.get(f"{path}/none.pdf")
    assert (unknown.status_code, "block-diagram" in unknown.json()["detail"]) == (404, True)
