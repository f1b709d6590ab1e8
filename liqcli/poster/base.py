"""A picture ready for a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from liqcli.charts import Drawing, Region, render_png
from liqcli.charts.layout import COMPACT
from liqcli.findings import Findings


@dataclass(frozen=True, slots=True)
class Poster:
    """
    A picture ready for a page: its bytes, its size [px], what it shows in a sentence, and where on it things stand.

    ``regions`` are fractions of width and height from the upper left corner; :class:`liqcli.charts.Region` lists kinds.
    """

    png: bytes
    width: int
    height: int
    alt: str
    regions: list[Region]


def compact_style(findings: Findings) -> dict[str, Any]:
    """Give the look that a compact picture is asked for."""
    view = findings.view
    return {"theme": view.theme, "palette": view.palette, "size": view.size or COMPACT}


def make_poster(drawing: Drawing, alt: str) -> Poster:
    """Render a drawing."""
    width, height = (round(side) for side in drawing.figure.bbox.size)
    return Poster(render_png(drawing.figure), width, height, alt, drawing.regions)
