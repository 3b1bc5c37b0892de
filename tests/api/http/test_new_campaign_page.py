"""The page of a new campaign: what the template gives to its scripts, and to whom it offers the form; the API page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.http.routes.dashboard import STATIC_DIR
from api.settings import Settings
from nas_controller.states import KeyScope
from nas_controller.store import Store
from tests.support.api_access import HOST, OWN, create_key, log_in
from tests.support.recorder import Recorder

SCRIPTS = sorted((STATIC_DIR / "new-campaign").iterdir())


def attribute(page: str, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]*)"', page)
    assert found is not None
    return found.group(1)


def test_the_page_tells_its_scripts_where_the_service_is(service: TestClient, settings: Settings) -> None:
    page = service.get("/campaigns/new").text
    assert attribute(page, "url") == f"http://{HOST}"
    assert attribute(page, "dataset-commands") == (
        f"EFFSPINE_DATA_DIR={settings.data_dir} effspine data register NAME DIRECTORY\n"
        f"effspine data make-digits {settings.data_dir / 'datasets' / 'digits'}"
    )
    assert (attribute(page, "from"), attribute(page, "needs-key")) == ("", "no")
    assert "/static/new-campaign/page.js" in page
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert service.get(address).status_code == 200, address
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\s(?:style|on[a-z]+)=", page)


def test_a_copy_names_its_original_which_must_exist(service: TestClient, store: Store) -> None:
    original = Recorder(store).id
    assert attribute(service.get("/campaigns/new", params={"from": original}).text, "from") == original
    missing = service.get("/campaigns/new", params={"from": "c_0"})
    assert missing.status_code == 404
    assert "c_0" in missing.text


@pytest.mark.parametrize(("scope", "may_create"), [("view", False), ("operate", True)])
def test_only_keys_that_may_create_get_the_form(
    service: TestClient, store: Store, scope: KeyScope, may_create: bool
) -> None:
    log_in(service, create_key(store, scope))
    page = service.get("/campaigns/new", headers=OWN).text
    assert ("new-campaign/page.js" in page) == may_create
    assert ('id="new-campaign"' in page) == may_create
    assert ("may not create campaigns" in page) != may_create
    if may_create:
        assert attribute(page, "needs-key") == "yes"


def test_the_pages_are_found_below_a_path_prefix(settings: Settings, store: Store) -> None:
    app = create_app(settings.model_copy(update={"root_path": "/effspine"}), store, trusted_hosts=(HOST,))
    with TestClient(app, base_url=f"http://{HOST}") as client:
        page = client.get("/effspine/campaigns/new").text
        assert attribute(page, "url") == f"http://{HOST}/effspine"
        assert 'src="/effspine/static/new-campaign/page.js"' in page
        docs = client.get("/effspine/docs").text
        assert 'href="/effspine/docs/assets/swagger-ui.css"' in docs


def test_the_api_page_has_the_masthead_and_only_files_of_this_service(service: TestClient) -> None:
    page = service.get("/docs").text
    assert 'aria-current="page">API</a>' in page
    assert 'href="/"' in page
    for address in re.findall(r'(?:src|href)="(/(?:static|docs)/[^"]+)"', page):
        assert service.get(address).status_code == 200, address
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\s(?:style|on[a-z]+)=", page)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_no_markup_and_import_modules_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert forbidden not in text
    imported = re.findall(r'from "([^"]+)"', text)
    for each in imported:
        assert (path.parent / each).is_file(), each
