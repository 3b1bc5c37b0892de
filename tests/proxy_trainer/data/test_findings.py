from __future__ import annotations

import re

import pytest

from proxy_trainer.data.findings import Finding, findings_of
from search_space.display import counted
from tests.support.paths import ROOT

READERS = (
    "box_checks",
    "coco_annotations",
    "coco_boxes",
    "coco_categories",
    "coco_directory",
    "coco_images",
    "image_checks",
    "image_names",
    "images",
    "judgement",
)
REFUSALS = {
    *("image-missing", "image-unreadable", "image-size-differs"),
    *("empty-split", "empty-reserved-set", "data", "data-away"),
}


def test_the_page_lists_every_finding() -> None:
    page = (ROOT / "docs" / "proxy-tasks.md").read_text().partition("| finding | meaning |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    written = set()
    for path in sorted((ROOT / "proxy_trainer" / "data").glob("*.py")):
        if path.stem in READERS:
            written |= set(
                re.findall(r"(?:findings_of|note|Finding)\((?:\s*split,)?\s*\"([a-z-]+)\"", path.read_text())
            )
            written |= set(re.findall(r"^    \"(name-[a-z-]+)\": ", path.read_text(), re.MULTILINE))
    assert len(listed) == len(set(listed))
    assert set(listed) == written - REFUSALS
    assert not [kind for kind in REFUSALS if f"(`{kind}`)" not in (ROOT / "docs" / "proxy-tasks.md").read_text()]


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "box", "1 box"), (2, "box", "2 boxes"), (0, "image", "0 images"), (3, "category", "3 categories")],
)
def test_counted(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


def test_a_finding_has_the_count_and_three_examples() -> None:
    assert findings_of("odd", [], "a.json", "image", "of an odd kind") == []
    (found,) = findings_of("odd", ["a", "b", "c", "d"], "a.json", "image", "of an odd kind")
    assert found == Finding("odd", 4, "a.json: 4 images of an odd kind", ("a", "b", "c"))
    assert found.to_dict() == {
        "kind": "odd",
        "count": 4,
        "message": "a.json: 4 images of an odd kind",
        "examples": ["a", "b", "c"],
    }
