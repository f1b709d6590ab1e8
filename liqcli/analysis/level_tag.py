"""The tag that a cluster carries for each key level it lies at."""

from __future__ import annotations

from dataclasses import dataclass

from liqcli.core.formatting import format_percent_signed


@dataclass(frozen=True, slots=True)
class LevelTag:
    """A key level at a cluster; ``distance_pct`` from the nearer edge, 0 inside, negative below [%]."""

    kind: str
    name: str
    price: float
    distance_pct: float

    def __str__(self) -> str:
        inside = self.distance_pct == 0
        return self.name if inside else f"{self.name} ({format_percent_signed(self.distance_pct)})"
