"""A report as an HTML file that needs nothing else: no script, no other file, no other host."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from api.report.contents import Report

_TEMPLATES = Path(__file__).parent / "templates"
_SVG = "{http://www.w3.org/2000/svg}"


def web_page(report: Report) -> str:
    """The HTML document."""
    return _environment().get_template("report.html").render(report=report, style=Markup(_style()))


def security_policy() -> str:
    """The Content-Security-Policy under which a browser shows the document: its own style and drawings alone."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


@cache
def _environment() -> Environment:
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True)
    environment.filters.update(image=_image, description=_description)
    return environment


@cache
def _style() -> str:
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8")


def _image(svg: str) -> str:
    """A drawing as the address of an image; as an image of its own its ids clash with no other's."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _description(svg: str) -> str:
    """What a drawing says of itself for screen readers: its title and its description."""
    root = ElementTree.fromstring(svg)
    texts = (root.findtext(f".//{_SVG}{name}") for name in ("title", "desc"))
    return ". ".join(text for text in texts if text)
