"""
The page of a figure: boxes in pixels, text measured before it is placed, and fixed fonts.

Also builds many rectangles at once, in the form that matplotlib's collections take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

from liqcli.charts.fonts import choose_font, printable, replace_unknown
from liqcli.charts.panel import Panel
from liqcli.charts.renderer import measure_text
from liqcli.charts.text_fit import cut
from liqcli.charts.themes import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION_SIZE = 12.5


@contextmanager
def own_style() -> Iterator[None]:
    """Use matplotlib's defaults, whatever the user's ``matplotlibrc`` says."""
    defaults = ((key, value) for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend"))
    foreign = {key: value for key, value in defaults if matplotlib.rcParams[key] != value}
    with matplotlib.rc_context(foreign) if foreign else nullcontext():  # costs as much as a small panel
        yield


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the page, from its lower left corner. [px]"""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge. [px]"""
        return self.left + self.width

    @property
    def top(self) -> float:
        """Upper edge. [px]"""
        return self.bottom + self.height

    def touches(self, other: Box) -> bool:
        """Return True if both boxes share a pixel."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top


class Canvas:
    """
    A figure addressed in pixels.

    ``scale`` is the size of text, gaps and line widths; it is 1 where the page has
    the designed size.
    """

    def __init__(
        self,
        size: tuple[int, int],
        dpi: float,
        theme: Theme,
        palette: ListedColormap,
        design: tuple[int, int] = (1600, 1000),
    ) -> None:
        self.width, self.height = size
        self.dpi, self.theme, self.palette = dpi, theme, palette
        ratio = min(self.width / design[0], self.height / design[1])
        # Text shrinks more slowly than the page, so that small figures stay legible.
        self.scale = ratio if ratio >= 1 else ratio**0.6
        self.figure = Figure(figsize=(self.width / dpi, self.height / dpi), dpi=dpi, facecolor=theme.page)

    def px(self, length: float) -> float:
        """Scale a designed length to this page. [px]"""
        return length * self.scale

    def points(self, length: float) -> float:
        """Convert a designed length to points, matplotlib's unit of widths."""
        return self.px(length) * 72 / self.dpi

    def text_width(self, text: str, size: float, bold: bool = False) -> float:
        """Measure the width of a line of text. [px]"""
        text = text if text.isascii() else replace_unknown(text)
        return measure_text(text, choose_font(text, bold, self.points(size)), self.dpi)[0] if text else 0.0

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        color: str | None = None,
        *,
        bold: bool = False,
        ha: str = "left",
        va: str = "baseline",
        rotation: float = 0.0,
    ) -> Text:
        """Place a line of text at a pixel; without mathtext, so ``$`` is an ordinary character."""
        text = text if text.isascii() else replace_unknown(text)
        return self.figure.text(
            x / self.width,
            y / self.height,
            text,
            fontproperties=choose_font(text, bold, self.points(size)),
            color=color or self.theme.text,
            ha=ha,
            va=va,
            rotation=rotation,
            parse_math=False,
        )

    def caption(self, box: Box, y: float, words: str) -> None:
        """Write a muted line over a panel, cut to its width."""
        text = cut(printable(words), box.width, lambda t: self.text_width(t, CAPTION_SIZE))
        self.text(box.left, y, text, CAPTION_SIZE, self.theme.muted)

    def axes(self, box: Box, label: str) -> Axes:
        """Add a panel."""
        place = (box.left / self.width, box.bottom / self.height, box.width / self.width, box.height / self.height)
        panel = Panel(self.figure, place, label=label, facecolor=self.theme.panel)
        self.figure.add_axes(panel)
        return panel

    def rule(self, axes: Axes, across: Sequence[float] = (), upright: Sequence[float] = ()) -> None:
        """Draw faint lines behind a panel: horizontal ones at values, vertical ones at times."""
        flat, tall = axes.get_yaxis_transform(), axes.get_xaxis_transform()
        for transform, lines in (
            (flat, [[(0.0, value), (1.0, value)] for value in across]),
            (tall, [[(value, 0.0), (value, 1.0)] for value in upright]),
        ):
            if lines:
                style: dict[str, Any] = {"colors": self.theme.grid, "linewidths": self.points(0.8), "zorder": 0.5}
                axes.add_collection(LineCollection(lines, transform=transform, **style), autolim=False)

    def pill(self, box: Box, color: str, radius: float = 3.0, zorder: float = 2.0) -> None:
        """Draw a filled box with rounded corners behind a text."""
        r, inch = self.px(radius), self.dpi
        self.figure.add_artist(
            FancyBboxPatch(
                ((box.left + r) / inch, (box.bottom + r) / inch),
                (box.width - 2 * r) / inch,
                (box.height - 2 * r) / inch,
                boxstyle=f"round,pad={r / inch},rounding_size={r / inch}",
                facecolor=color,
                edgecolor="none",
                transform=self.figure.dpi_scale_trans,
                zorder=zorder,
            )
        )

    def line(self, start: tuple[float, float], end: tuple[float, float], color: str, width: float = 1.0) -> None:
        """Draw a straight line between two pixels, below text."""
        (x0, y0), (x1, y1), inch = start, end, self.dpi
        self.figure.add_artist(
            Line2D(
                [x0 / inch, x1 / inch],
                [y0 / inch, y1 / inch],
                color=color,
                linewidth=self.points(width),
                transform=self.figure.dpi_scale_trans,
                zorder=1.8,
            )
        )

    def chip(self, x: float, y: float, rank: int, color: str | None = None, text_color: str | None = None) -> Box:
        """Draw a rank on a small coloured plate around a pixel; returns the plate."""
        text = str(rank)
        width = max(self.px(18), self.text_width(text, 11, bold=True) + self.px(8))
        box = Box(x - width / 2, y - self.px(9), width, self.px(18))
        self.pill(box, color or self.theme.chip)
        self.text(x, y, text, 11, text_color or self.theme.chip_text, bold=True, ha="center", va="center_baseline")
        return box

    def swatch(self, box: Box, color: str, hatch_color: str | None = None) -> None:
        """Draw a filled rectangle with sharp edges, hatched if a second colour is given."""
        inch = self.dpi
        patch = Rectangle(
            (box.left / inch, box.bottom / inch),
            box.width / inch,
            box.height / inch,
            facecolor=color,
            edgecolor=hatch_color or "none",
            linewidth=0,
            hatch="/////" if hatch_color else None,
            transform=self.figure.dpi_scale_trans,
            zorder=2,
        )
        patch.set_hatch_linewidth(self.points(1.0))
        self.figure.add_artist(patch)


def rectangles(left: ArrayLike, right: ArrayLike, bottom: ArrayLike, top: ArrayLike) -> list[NDArray[np.float64]]:
    """Build the corners of n rectangles from their sides, n arrays of shape (4, 2); scalar sides are broadcast."""
    x0, x1, y0, y1 = np.broadcast_arrays(left, right, bottom, top)
    corners = [np.column_stack(pair) for pair in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]
    return list(np.stack(corners, axis=1).astype(np.float64))
