"""The two variants of the digits: mostly small and mostly large objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectSize:
    """A variant of the digits, whose heights in images of 128 px lie between `low_px` and `high_px`."""

    name: str
    low_px: int
    high_px: int

    @property
    def options(self) -> tuple[str, str]:
        """The options of `effspine data make-digits`."""
        return "--object-px", f"{self.low_px}:{self.high_px}"

    @property
    def text(self) -> str:
        """`8 to 28 px`."""
        return f"{self.low_px} to {self.high_px} px"


# At the 96 px and with the anchors of the laptop profile, small ones are found at P3 and large ones from P5 on.
SMALL, LARGE = ObjectSize("small", 8, 28), ObjectSize("large", 56, 120)
