"""The modules that a page names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.http.module_graph import imported_modules
from api.http.routes.dashboard import DASHBOARD_DIR, STATIC_DIR

ENTRIES = sorted(
    entry
    for template in (DASHBOARD_DIR / "templates").glob("*.html")
    for entry in re.findall(r'module\("([^"]+)"\)', template.read_text(encoding="utf-8"))
)


def test_modules_are_found_through_others_once_each_the_nearest_first(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page/page.js").write_text('import { a } from "./a.js";\nimport { b } from "../b.js";\n')
    (tmp_path / "page/a.js").write_text('import {\n  c,\n} from "../c.js";\n// import "./no.js"\n')
    (tmp_path / "b.js").write_text('export { a } from "./page/a.js";\n')
    (tmp_path / "c.js").write_text("const text = \"import x from './no.js'\";\n")
    assert imported_modules(tmp_path, "page/page.js") == ("page/a.js", "b.js", "c.js")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_page_names_every_module_of_its_script_that_exists(entry: str) -> None:
    found = imported_modules(STATIC_DIR, entry)
    assert found
    assert all((STATIC_DIR / module).is_file() for module in found)
    text = (STATIC_DIR / entry).read_text(encoding="utf-8")
    assert text.count(' from "') <= len(found)
