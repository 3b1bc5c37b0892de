"""Drawings as PDF: one page of the drawing's size, whose text can be read again, whatever letters a name has."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pypdf import PdfReader

from exporters import EXPORTERS, Export
from exporters.pdf_fonts import REPLACEMENT, SANS, SANS_BOLD, font_runs
from exporters.pdf_pages import pdf_of_svg
from search_space.document import BlockSpecification
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0

POINTS_PER_PX = 0.75
"""A px is a 96th of an inch, a point a 72nd."""


def svg(text: str, *, anchor: str = "start", size: str = "300") -> str:
    """A drawing of one text."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="40" viewBox="0 0 {size} 40" '
        f'font-family="Helvetica, Arial, sans-serif"><rect width="10" height="10" fill="#123456"/>'
        f'<text x="150" y="20" font-size="12" text-anchor="{anchor}">{text}</text></svg>'
    )


def page_of(content: bytes) -> Any:
    """The only page of a document."""
    (page,) = PdfReader(io.BytesIO(content)).pages
    return page


def fonts_of(page: Any) -> dict[str, bool]:
    """The fonts of a page, without the prefix of a subset, and whether each is embedded."""
    found = {}
    for font in (reference.get_object() for reference in page["/Resources"]["/Font"].values()):
        described = font.get("/FontDescriptor", {})
        found[font["/BaseFont"].lstrip("/").split("+")[-1]] = "/FontFile2" in described
    return found


def test_the_block_diagram_is_one_page_of_its_size_with_its_texts() -> None:
    export = Export(BlockSpecification(EFF_SPINENET_D0, {}), baseline=SP_EFFICIENTNET_B0)
    content = EXPORTERS["pdf"].content(export)
    page = page_of(content)
    drawn = EXPORTERS["svg"].content(export).decode()
    width, height = (float(drawn.split(f' {name}="')[1].split('"')[0]) for name in ("width", "height"))
    assert float(page.mediabox.width) == pytest.approx(POINTS_PER_PX * width, abs=0.01)
    assert float(page.mediabox.height) == pytest.approx(POINTS_PER_PX * height, abs=0.01)
    lines = page.extract_text().splitlines()
    for text in ("(a) Eff-SpineNet-D0", "(b) SP-EfficientNet-B0", "(d) Multi-adds by level", "stem, head", "+2.8"):
        assert text in lines
    assert PdfReader(io.BytesIO(content)).metadata["/Title"] == "Eff-SpineNet-D0"  # type: ignore[index]


def test_equal_drawings_give_equal_bytes() -> None:
    assert pdf_of_svg(svg("Größe Поиск"), title="t") == pdf_of_svg(svg("Größe Поиск"), title="t")
    assert pdf_of_svg(svg("one"), title="t") != pdf_of_svg(svg("two"), title="t")


@pytest.mark.parametrize(
    ("text", "font"),
    [
        ("plain, Größe \N{MULTIPLICATION SIGN} 3 \N{MINUS SIGN} ½", "Helvetica"),
        ("Поиск ширины", "DejaVuSans"),
        ("Ελλάδα ή", "DejaVuSans"),
        ("検索する", "HeiseiKakuGo-W5"),
        ("搜索", "STSong-Light"),
        ("검색", "HYSMyeongJo-Medium"),
    ],
)
def test_names_in_any_alphabet_stay_text(text: str, font: str) -> None:
    page = page_of(pdf_of_svg(svg(f"a {text} z"), title="t"))
    assert page.extract_text().replace("\n", "").replace(" ", "") == f"a{text}z".replace(" ", "")
    fonts = fonts_of(page)
    assert font in fonts
    assert fonts[font] == (font == "DejaVuSans")


def test_a_character_of_no_font_is_replaced_and_runs_keep_the_order() -> None:
    assert font_runs("ab", SANS) == [(SANS, "ab")]
    assert font_runs("", SANS) == [(SANS, "")]
    assert font_runs("aПb", SANS_BOLD) == [(SANS_BOLD, "a"), ("DejaVuSans-Bold", "П"), (SANS_BOLD, "b")]
    assert font_runs("\U0001f3af", SANS) == [("DejaVuSans", REPLACEMENT)]


@pytest.mark.parametrize("anchor", ["start", "middle", "end"])
def test_a_text_of_several_fonts_stands_where_its_anchor_says(anchor: str) -> None:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    places: list[tuple[str, float]] = []

    def visit(text: str, _cm: Any, matrix: Any, _font: Any, _size: Any) -> None:
        if text.strip():
            places.append((text.strip(), matrix[4]))

    page_of(pdf_of_svg(svg("ab Ж cd", anchor=anchor), title="t")).extract_text(visitor_text=visit)
    runs = font_runs("ab Ж cd", SANS)
    whole = sum(stringWidth(part, font, 12) for font, part in runs)
    first = 150 - whole * {"start": 0, "middle": 0.5, "end": 1}[anchor]
    assert places[0][0].startswith("ab")
    assert places[0][1] == pytest.approx(first, abs=0.5)


def test_what_is_no_svg_is_refused() -> None:
    with pytest.raises(ValueError, match="no SVG document: 'nothing'"):
        pdf_of_svg("nothing", title="t")
