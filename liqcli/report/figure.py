"""The figure type of all outputs: pixels, alt text, hover map and encoded bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import matplotlib.figure
import numpy as np
from numpy.typing import NDArray

from liqcli.charts import DrawnFigure, Region
from liqcli.charts.compact_layout import COMPACT
from liqcli.charts.fonts import describe_stand_in
from liqcli.charts.png import pack_png, pack_small_png, render_pixels
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.report.hover_map import Mark
from liqcli.report.inline_images import pack_webp, write_data_uri
from liqcli.report.results import ViewOptions, WindowResults


@dataclass(frozen=True, eq=False)
class Figure:
    """
    A picture of one window in one theme.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, 3)
        The rendered picture.
    alt : str
        One sentence for readers who cannot see it.
    theme : {"dark", "light"}
    regions : sequence of Region
        Positions of the elements, in fractions of width and height.
    note : str
        Letters that the fonts of this machine cannot draw; empty if there are none.
    dpi : float
        Resolution that a PNG states. [px per inch]
    marks : sequence of Mark
        The hover map of a page.
    file : str
        File name of the PNG beside a Markdown page.
    drawing : matplotlib.figure.Figure, optional
        The matplotlib figure of ``pixels``.
    colour_step : int
        The channels of ``webp`` are rounded to multiples of it.
    """

    pixels: NDArray[np.uint8]
    alt: str
    theme: ThemeName = "dark"
    regions: Sequence[Region] = ()
    note: str = ""
    dpi: float = 100.0
    marks: Sequence[Mark] = ()
    file: str = ""
    drawing: matplotlib.figure.Figure | None = None
    colour_step: int = 4

    @property
    def width(self) -> int:
        """Width. [px]"""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height. [px]"""
        return int(self.pixels.shape[0])

    def to_matplotlib(self) -> matplotlib.figure.Figure:
        """
        Return the matplotlib figure of ``pixels``.

        Raises
        ------
        ValueError
            The figure consists of pixels alone.
        """
        if self.drawing is None:
            raise ValueError("this figure consists of pixels alone")
        return self.drawing

    @property
    def png(self) -> bytes:
        """The bytes of a PNG file."""
        return pack_png(self.pixels, self.dpi)

    @cached_property
    def small_png(self) -> bytes:
        """The picture as PNG at half its width and height."""
        return pack_small_png(self.pixels)

    @cached_property
    def webp(self) -> bytes:
        """The picture for a page as WebP, a third of the size of the PNG."""
        return pack_webp(self.pixels, self.colour_step)

    @property
    def data_uri(self) -> str:
        """``webp`` as a ``data:`` URI."""
        return write_data_uri(self.webp)


def render_figure(drawn: DrawnFigure, alt: str, results: WindowResults, theme: ThemeName) -> Figure:
    """Render the result of a chart function."""
    return Figure(
        render_pixels(drawn.figure),
        alt,
        theme,
        drawn.regions,
        describe_stand_in(results.selection.label),
        drawn.figure.dpi,
        drawing=drawn.figure,
    )


class CompactStyle(TypedDict):
    """Style arguments of the compact charts."""

    theme: ThemeName
    palette: PaletteName
    size: tuple[int, int]


def compact_style(view: ViewOptions) -> CompactStyle:
    """Return theme, palette and size as the compact charts take them."""
    return {"theme": view.figure_themes[0], "palette": view.palette, "size": view.size or COMPACT}
