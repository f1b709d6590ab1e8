"""A picture ready for a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from liqcli.charts import DrawnFigure, Region
from liqcli.charts.compact_layout import COMPACT
from liqcli.charts.fonts import describe_stand_in
from liqcli.charts.png import pack_png, render_pixels
from liqcli.report.results import WindowResults


@dataclass(frozen=True, slots=True)
class RenderedFigure:
    """
    A picture ready for a page: its pixels, what it shows in a sentence, and where on it things stand.

    ``pixels`` have shape (height, width, 3); a page packs them in another way than a file, so that neither is done for
    nothing. ``note`` says which letters the picture could not write. ``regions`` are fractions of width and height from
    the upper left corner; :class:`liqcli.charts.Region` lists kinds. ``figure`` is what ``pixels`` were rendered from.
    """

    pixels: NDArray[np.uint8]
    dpi: float
    alt: str
    regions: list[Region]
    note: str = ""
    figure: Figure | None = None

    @property
    def width(self) -> int:
        """Width. [px]"""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height. [px]"""
        return int(self.pixels.shape[0])

    @property
    def png(self) -> bytes:
        """The bytes of a PNG file."""
        return pack_png(self.pixels, self.dpi)


def compact_style(findings: WindowResults) -> dict[str, Any]:
    """Give the look that a compact picture is asked for."""
    view = findings.view
    return {"theme": view.theme, "palette": view.palette, "size": view.size or COMPACT}


def render_figure(drawing: DrawnFigure, alt: str, findings: WindowResults) -> RenderedFigure:
    """Render a drawing of findings."""
    note = describe_stand_in(findings.selection.label)
    return RenderedFigure(render_pixels(drawing.figure), drawing.figure.dpi, alt, drawing.regions, note, drawing.figure)
