"""Which pictures are taken, and how small they get."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from PIL import Image

from search_space.errors import InvalidValueError
from tools.pages.browser import PHONE
from tools.pages.pictures import small_picture
from tools.pages.screenshots import Picture, chosen

PICTURES = (Picture("campaigns", "/"), Picture("campaigns-phone", "/", PHONE), Picture("api", "/docs"))


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
