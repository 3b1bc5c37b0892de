"""Which pictures are taken, where those of a long page are cut, and how small they get."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from PIL import Image

from search_space.errors import InvalidValueError
from tools.pages.browser import PHONE
from tools.pages.parts import Layout, parts
from tools.pages.picture_list import Picture, chosen
from tools.pages.pictures import small_picture
from tools.pages.screenshots import file_name

PICTURES = (
    Picture("campaigns", "/", "table"),
    Picture("campaigns-phone", "/", "table", PHONE),
    Picture("api", "/docs", ".opblock"),
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [((), ["campaigns", "campaigns-phone", "api"]), (("api", "campaigns"), ["campaigns", "api"])],
)
def test_all_pages_or_those_that_are_named(names: Sequence[str], expected: Sequence[str]) -> None:
    assert [picture.name for picture in chosen(PICTURES, names)] == expected


def test_an_unknown_page_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidValueError, match="'apis'; there are: campaigns, campaigns-phone, api"):
        chosen(PICTURES, ["apis"])


def test_a_flat_picture_keeps_its_pixels_and_is_smaller() -> None:
    image = Image.new("RGB", (300, 200), "#f6f7f9")
    image.paste("#1f5fbf", (20, 20, 120, 60))
    screenshot = io.BytesIO()
    image.save(screenshot, "PNG")
    small = small_picture(screenshot.getvalue())
    assert len(small) < len(screenshot.getvalue())
    with Image.open(io.BytesIO(small)) as read:
        assert read.format == "WEBP"
        assert read.convert("RGB").tobytes() == image.tobytes()


def test_a_page_that_fits_has_one_part() -> None:
    assert parts(Layout(900, [(0, 400)], []), most=9, limit=1000) == [(0, 900)]


def test_a_long_page_is_cut_between_its_cards() -> None:
    beside = [(0, 500), (516, 900), (516, 1300), (1316, 1900), (1916, 2400)]  # two stand side by side
    assert parts(Layout(2400, beside, []), most=9, limit=1400) == [(0, 1308), (1308, 2400)]
    assert parts(Layout(2400, beside, []), most=1, limit=1400) == [(0, 1308)]


def test_a_long_card_is_cut_between_its_rows() -> None:
    rows = [(y, y + 30.0) for y in range(10, 2850, 40)]
    found = parts(Layout(2900, [(0, 2890)], rows), most=9, limit=1000)
    assert [bottom for _, bottom in found] == [968, 1968, 2900]
    assert not any(first < bottom < last for _, bottom in found for first, last in rows)


def test_a_strip_at_the_end_belongs_to_the_part_before() -> None:
    cards = [(0, 990), (1006, 2000), (2016, 2090)]
    assert parts(Layout(2100, cards, []), most=9, limit=1000) == [(0, 998), (998, 2100)]


def test_the_first_part_is_named_like_its_page() -> None:
    assert (file_name("trial", 1, "dark"), file_name("trial", 2, "dark")) == ("trial-dark.webp", "trial-2-dark.webp")
