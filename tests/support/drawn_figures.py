"""Reads figures that were drawn as SVG: their marks, texts and coordinates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from nas_controller.drawings.style import ROLES, TEXT_PX, text_width

_SVG = "{http://www.w3.org/2000/svg}"
_POINT = re.compile(r"([MHVLlhvmZ])\s*([-\d. ]*)")


class Drawn:
    """A parsed figure."""

    def __init__(self, svg: str) -> None:
        self.root = ElementTree.fromstring(svg)
        self.width, self.height = (float(value) for value in self.root.attrib["viewBox"].split()[2:])

    def marks(self, role: str, kind: str = "*") -> list[ElementTree.Element]:
        """The elements of a role that have a tip."""
        return [
            element
            for element in self.root.iter(f"{_SVG}{kind}" if kind != "*" else None)
            if element.get("class") == f"f-{role}" and element.get("data-tip") is not None
        ]

    def tips(self, role: str) -> list[str]:
        """The tips of the marks of a role."""
        return [element.attrib["data-tip"] for element in self.marks(role)]

    def texts(self) -> list[str]:
        """All visible texts."""
        return ["".join(element.itertext()) for element in self.root.iter(f"{_SVG}text")]

    def named(self, tag: str) -> str:
        """The text of `title` or `desc`."""
        (element,) = self.root.iter(f"{_SVG}{tag}")
        return element.text or ""

    def roles(self) -> set[str]:
        """The roles of all elements."""
        return {name.removeprefix("f-") for element in self.root.iter() if (name := element.get("class"))}

    def outside(self) -> list[str]:
        """What lies outside the image: elements with a coordinate there, and texts that reach beyond it."""
        return [
            ElementTree.tostring(element, "unicode")
            for element in self.root.iter()
            for x, y in _corners(element)
            if not (-0.5 <= x <= self.width + 0.5 and -0.5 <= y <= self.height + 0.5)
        ]


def _corners(element: ElementTree.Element) -> Iterator[tuple[float, float]]:
    tag = element.tag.removeprefix(_SVG)
    if tag == "circle":
        x, y, r = (float(element.attrib[name]) for name in ("cx", "cy", "r"))
        yield from ((x - r, y - r), (x + r, y + r))
    elif tag == "rect":
        x, y = (float(element.get(name, 0)) for name in ("x", "y"))
        width, height = (float(element.attrib[name]) for name in ("width", "height"))
        assert width >= 0
        assert height >= 0
        yield from ((x, y), (x + width, y + height))
    elif tag == "text":
        x, y = float(element.attrib["x"]), float(element.attrib["y"])
        (size,) = re.findall(r'font-size="([\d.]+)"', ROLES[element.attrib["class"].removeprefix("f-")])
        width = text_width(element.text or "", float(size)) * 0.9  # the estimate is on the large side
        start = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[element.get("text-anchor", "start")] * width
        yield from ((start, y - 0.7 * TEXT_PX), (start + width, y))
    elif tag == "polyline":
        for pair in element.attrib["points"].split():
            x, y = pair.split(",")
            yield float(x), float(y)
    elif tag == "path":
        yield from _path(element.attrib["d"])


def _path(data: str) -> Iterator[tuple[float, float]]:
    x = y = 0.0
    for command, numbers in _POINT.findall(data):
        values = [float(value) for value in numbers.split()]
        if command == "M":
            x, y = values
        elif command == "H":
            (x,) = values
        elif command == "V":
            (y,) = values
        elif command == "h":
            x += values[0]
        elif command in "lm":
            for dx, dy in zip(values[::2], values[1::2], strict=True):
                x, y = x + dx, y + dy
        yield x, y
