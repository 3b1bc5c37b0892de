"""The published models beside what this project builds (Tables 3, 7 and 8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from search_space.architecture import BASES
from search_space.cost import cost_report

PUBLISHED: dict[str, tuple[float, float, str]] = {
    "eff-spinenet-m0": (0.15e9, 0.67e6, "Table 7"),
    "eff-spinenet-m1": (0.51e9, 0.99e6, "Table 7"),
    "eff-spinenet-m2": (0.97e9, 2.36e6, "Table 7"),
    "eff-spinenet-d0": (2.5e9, 3.6e6, "Table 3"),
    "eff-spinenet-d1": (6.0e9, 5.2e6, "Table 3"),
    "eff-spinenet-d2": (10.3e9, 6.2e6, "Table 3"),
    "sp-efficientnet-b0": (2.4e9, 4.4e6, "Table 8"),
}
"""Multi-adds (a profiler's), parameters and their table, by base architecture."""


@dataclass(frozen=True)
class ModelRow:
    """One published model: cost as counted here and as published."""

    name: str
    task: str
    input_px: int
    madds: int
    madds_profiler: int
    params: int
    published_madds: float
    published_params: float
    source: str

    @property
    def madds_difference(self) -> float:
        """Profiler multi-adds over the published ones, less 1."""
        return self.madds_profiler / self.published_madds - 1

    @property
    def params_difference(self) -> float:
        """Parameters over the published ones, less 1."""
        return self.params / self.published_params - 1

    def to_dict(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return asdict(self)


def models() -> list[ModelRow]:
    """All published models that this project builds, in the order of the tables."""
    rows = []
    for key, (madds, params, source) in PUBLISHED.items():
        cost = cost_report(BASES[key])
        name, px = BASES[key].name, BASES[key].input_px
        rows.append(
            ModelRow(name, "detection", px, cost.madds, cost.madds_profiler, cost.params, madds, params, source)
        )
    return rows
