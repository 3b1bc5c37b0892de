"""The dashboard's files from memory."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.http.static_files import CachedFiles


def client(directory: Path) -> TestClient:
    app = Starlette()
    app.mount("/static", CachedFiles(directory=directory))
    return TestClient(app)


def test_a_file_has_its_type_and_tag_and_is_not_sent_twice(tmp_path: Path) -> None:
    (tmp_path / "page.js").write_text("let a = 1;\n")
    files = client(tmp_path)
    first = files.get("/static/page.js")
    assert (first.text, first.headers["content-type"]) == ("let a = 1;\n", "text/javascript; charset=utf-8")
    again = files.get("/static/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert files.head("/static/page.js").headers["content-length"] == "11"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "page.js"
    path.write_text("let a = 1;\n")
    files = client(tmp_path)
    before = files.get("/static/page.js")
    path.write_text("let a = 2;\n")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))
    after = files.get("/static/page.js", headers={"If-None-Match": before.headers["etag"]})
    assert after.text == "let a = 2;\n"


def test_a_file_that_is_not_there_is_404_also_outside(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "secret").write_text("x")
    files = client(tmp_path / "static")
    assert files.get("/static/none.js").status_code == 404
    assert files.get("/static/%2e%2e/secret").status_code == 404
