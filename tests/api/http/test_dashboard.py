"""The dashboard's pages: no other hosts, no inline scripts, and no markup from names."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.http.routes.dashboard import PAGE_TITLES, STATE_SETS, STATIC_DIR
from nas_controller.drawings.sheet import MAX_WIDTH, MIN_WIDTH
from nas_controller.entities import TrainingProgressDocument
from nas_controller.states import CAMPAIGN_STATES, KeyScope
from nas_controller.store import Store
from tests.support.api_access import create_key, log_in
from tests.support.recorder import Recorder
from tests.support.trainings import training_request

ADDRESS = re.compile(r"""(?:src|href)=["']([^"']+)["']""")
OTHER_HOST = re.compile(r"""["'(`](?:https?:)?//(?!www\.w3\.org/)[a-z]""")


def pages(service: TestClient, store: Store) -> list[str]:
    """All pages of the dashboard."""
    recorder = Recorder(store, name="<script>alert(1)</script>").run(2)
    app: Any = service.app
    (app.state.settings.data_dir / "datasets" / "digits").mkdir(parents=True)
    request = training_request(name="<script>alert(1)</script>")
    training = f"/trainings/{store.service.create_training(request).id}"
    return [
        service.get(path).text
        for path in ("/", "/compare", f"/campaigns/{recorder.id}", "/datasets/digits", "/trainings", training)
    ]


def test_pages_load_only_files_of_this_service_that_exist(service: TestClient, store: Store) -> None:
    for page in pages(service, store):
        addresses = ADDRESS.findall(page)
        assert addresses
        for address in addresses:
            if address.startswith("#"):
                continue
            assert address.startswith("/")
            assert not address.startswith("//")
            assert service.get(address).status_code == 200, address


def test_pages_have_no_inline_script_or_style(service: TestClient, store: Store) -> None:
    for page in pages(service, store):
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert "<style" not in page
        assert not re.search(r"\s(?:style|on[a-z]+)=", page)


def test_names_are_inserted_as_text(service: TestClient, store: Store) -> None:
    for page in pages(service, store):
        assert "alert(1)" not in page


OWN_FILES = sorted(path for path in STATIC_DIR.rglob("*") if path.is_file() and "vendor" not in path.parts)


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: str(path.relative_to(STATIC_DIR)))
def test_scripts_and_styles_load_nothing_from_other_hosts_and_write_no_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not OTHER_HOST.search(text)
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in text


def test_pages_have_the_states_of_campaigns_and_no_script_repeats_them(service: TestClient, store: Store) -> None:
    for page in pages(service, store):
        for name, states in STATE_SETS.items():
            assert f'data-{name}-states="{" ".join(states)}"' in page
    script = service.get("/static/states.js").text
    assert set(re.findall(r'states\("(\w+)"\)', script)) == STATE_SETS.keys()
    for path in STATIC_DIR.rglob("*.js"):
        compared = set(re.findall(r'ampaign\.state [!=]== "(\w+)"', path.read_text(encoding="utf-8")))
        assert compared <= {"running", "paused"}, path.name


def test_pages_have_the_words_for_identifiers(service: TestClient, store: Store) -> None:
    for page in pages(service, store):
        for name, titles in PAGE_TITLES.items():
            (written,) = re.findall(f'data-{name}-titles="([^"]*)"', page)
            assert json.loads(html.unescape(written)) == titles
    script = service.get("/static/titles.js").text
    assert set(re.findall(r'titles\("(\w+)"\)', script)) == PAGE_TITLES.keys()


def test_pages_have_the_widths_that_figures_are_drawn_for(service: TestClient, store: Store) -> None:
    for page in pages(service, store):
        assert f'data-figure-widths="{MIN_WIDTH} {MAX_WIDTH}"' in page


def test_the_buttons_follow_the_transitions_of_a_campaign() -> None:
    assert STATE_SETS["startable"] == ("draft",)
    assert STATE_SETS["pausable"] == ("pending", "running")
    assert STATE_SETS["resumable"] == ("pausing", "paused")
    assert STATE_SETS["retryable"] == ("failed",)
    assert STATE_SETS["continuable"] == ("stopped", "completed")
    assert STATE_SETS["finals"] == ("stopped", "completed")
    assert set(STATE_SETS["stoppable"]) == set(STATE_SETS["changeable"])
    assert set(CAMPAIGN_STATES) - set(STATE_SETS["stoppable"]) == {"stopping", *STATE_SETS["finished"]}


def test_the_empty_page_explains_how_to_create_a_campaign(service: TestClient) -> None:
    page = service.get("/").text
    assert "effspine campaign create" in page
    assert "curl -X POST http://testserver/v1/campaigns" in page


@pytest.mark.parametrize(("scope", "may"), [("view", "no"), ("operate", "yes"), (None, "yes")])
def test_the_list_offers_a_viewer_nothing_that_it_may_not_do_and_names_the_service(
    service: TestClient, store: Store, scope: KeyScope | None, may: str
) -> None:
    if scope is not None:
        log_in(service, create_key(store, scope))
    page = service.get("/").text
    assert f'data-may-operate="{may}"' in page
    assert "Service <code>http://testserver</code>" in page
    assert (f"key <code>test {scope}</code> of scope {scope}" in page) == (scope is not None)
    assert ("Authorization: Bearer KEY" in page) == (scope == "operate")
    assert ("effspine campaign create" in page) == (may == "yes")
    assert ("a key of scope <code>operate</code> can create them" in page) == (may == "no")
    trainings = service.get("/trainings").text
    assert "Service <code>http://testserver</code>" in trainings
    assert ("effspine training create" in trainings) == (may == "yes")
    assert ("a key of scope <code>operate</code> can create them" in trainings) == (may == "no")
    states = re.search(r'id="campaigns" data-states="([^"]*)"', page)
    assert states is not None
    assert tuple(states.group(1).split()) == CAMPAIGN_STATES
    assert STATE_SETS["deletable"] == ("draft", "stopped", "completed", "failed")


def test_the_pages_of_trainings_have_the_elements_and_fields_that_their_scripts_use(
    service: TestClient, store: Store
) -> None:
    training = store.service.create_training(training_request())
    for path, name in (("/trainings", "trainings"), (f"/trainings/{training.id}", "training")):
        page = service.get(path).text
        script = service.get(f"/static/{name}.js").text
        wanted = set(re.findall(r'(?:byId|setText|showLink)\("([a-z-]+)"', script))
        assert wanted
        assert {each for each in wanted if f'id="{each}"' not in page} == set()
        assert set(re.findall(r"\btraining\??\.(\w+)", script)) <= training.to_dict().keys()
        fields = set(re.findall(r"\bprogress\??\.(\w+)", script))
        assert fields <= set(TrainingProgressDocument.document_fields())
    assert "export-dialog" not in page  # it is a component
    assert service.get("/trainings/t_0").status_code == 404
    assert '<a href="/trainings" aria-current="page"' in service.get("/trainings").text
