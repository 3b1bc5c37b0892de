"""The committed pages are those of the committed rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.paths import ROOT
from tools.studies.object_sizes_page import object_sizes_page
from tools.studies.results_page import results_page
from tools.studies.rows import Rows, read_rows


@pytest.mark.parametrize(("name", "page"), [("results", results_page), ("object-sizes", object_sizes_page)])
def test_a_page_is_what_its_study_writes_from_its_rows(name: str, page: Callable[[Rows], str]) -> None:
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page(read_rows(ROOT / "docs" / name))
