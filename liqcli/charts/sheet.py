"""The page under the picture: pixel boxes, text that is measured before it is placed, fonts that are ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text

from liqcli.charts.fitting import cut
from liqcli.charts.themes import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION_SIZE = 12.5
_FONTS = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}


@cache
def _font_file(bold: bool) -> Path:
    # By file, not by family: another DejaVu on the machine must not change a byte.
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / _FONTS[bold]


@contextmanager
def own_style() -> Iterator[None]:
    """Work under matplotlib's defaults: a user's ``matplotlibrc`` changes nothing."""
    defaults = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
    with matplotlib.rc_context(defaults):
        yield


def printable(text: str) -> str:
    """Put a space for a tab or line break, and the replacement sign for what the font cannot draw."""
    face = get_font(str(_font_file(False)))
    spaced = "".join(" " if c.isspace() else c for c in text).strip()
    return "".join(c if face.get_char_index(ord(c)) else "\ufffd" for c in spaced)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the page, from its lower left corner. [px]"""

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


class Sheet:
    """
    A figure addressed in pixels.

    ``scale`` is the size of everything that is neither panel nor page: text, gaps, line widths.
    """

    def __init__(self, size: tuple[int, int], dpi: float, theme: Theme, palette: ListedColormap) -> None:
        self.width, self.height = size
        self.dpi, self.theme, self.palette = dpi, theme, palette
        ratio = min(self.width / 1600, self.height / 1000)
        # Small pictures keep their words legible: text shrinks more slowly than the page.
        self.scale = ratio if ratio >= 1 else ratio**0.6
        self.figure = Figure(figsize=(self.width / dpi, self.height / dpi), dpi=dpi, facecolor=theme.page)
        self._renderer = FigureCanvasAgg(self.figure).get_renderer()  # type: ignore[no-untyped-call]

    def px(self, length: float) -> float:
        """Scale a length of the 1600 x 1000 design to this page. [px]"""
        return length * self.scale

    def points(self, length: float) -> float:
        """Turn a design length into points, matplotlib's unit of widths."""
        return self.px(length) * 72 / self.dpi

    def font(self, size: float, bold: bool = False) -> FontProperties:
        """Our font at a design size. [px]"""
        return FontProperties(fname=str(_font_file(bold)), size=self.points(size))

    def text_width(self, text: str, size: float, bold: bool = False) -> float:
        """How wide a line will be. [px]"""
        if not text:
            return 0.0
        return float(self._renderer.get_text_width_height_descent(text, self.font(size, bold), ismath=False)[0])

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
        """Place a line of text at a pixel; never mathtext, so ``$`` is a dollar."""
        return self.figure.text(
            x / self.width,
            y / self.height,
            text,
            fontproperties=self.font(size, bold),
            color=color or self.theme.text,
            ha=ha,
            va=va,
            rotation=rotation,
            parse_math=False,
        )

    def caption(self, box: Box, y: float, words: str) -> None:
        """Write a quiet line over a panel, cut to its width."""
        text = cut(printable(words), box.width, lambda t: self.text_width(t, CAPTION_SIZE))
        self.text(box.left, y, text, CAPTION_SIZE, self.theme.muted)

    def axes(self, box: Box, label: str) -> Axes:
        """Lay a bare panel: no ticks, no frame."""
        place = (box.left / self.width, box.bottom / self.height, box.width / self.width, box.height / self.height)
        axes = self.figure.add_axes(place, label=label, facecolor=self.theme.panel)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0, labelbottom=False, labelleft=False)
        axes.set_xticks([])
        axes.set_yticks([])
        return axes

    def pill(self, box: Box, color: str, radius: float = 3.0, zorder: float = 2.0) -> None:
        """Draw a filled, slightly rounded box under a text."""
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

    def swatch(self, box: Box, color: str, hatch_color: str | None = None) -> None:
        """Draw a sharp filled rectangle; with a second colour, hatched in it."""
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
